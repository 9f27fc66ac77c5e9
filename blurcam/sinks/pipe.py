"""Redacted video as a stream: muxed, or as plain pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import ConfigError, SinkClosed, SinkError, SinkOpenError, SinkWriteError
from blurcam.media.formats import StreamInfo
from blurcam.redact.gate import RedactedFrame
from blurcam.settings.pipe import ToName
from blurcam.sinks.descriptor import OutputDescriptor

# Every picture is handed on when it is muxed: nothing waits for a buffer to fill.
_AT_ONCE: Final = {"flush_packets": "1"}
_LARGE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Muxing:
    """FFmpeg's muxer, its options, and the codecs that it can hold here."""

    name: str
    codecs: frozenset[str]
    options: tuple[tuple[str, str], ...] = ()


_MUXERS: Final[dict[ToName, _Muxing]] = {
    "ts": _Muxing("mpegts", frozenset({"h264", "hevc"})),
    "nut": _Muxing("nut", frozenset({"h264", "hevc", "av1", "ffv1", "rawvideo", "mjpeg"})),
    "matroska": _Muxing(
        "matroska",
        frozenset({"h264", "hevc", "av1", "ffv1", "mjpeg"}),
        # A cluster is written when the next one begins: here with every picture.
        (("live", "1"), ("cluster_time_limit", "1")),
    ),
    "mp4": _Muxing(
        "mp4",
        frozenset({"h264", "hevc", "av1"}),
        (("movflags", "+empty_moov+default_base_moof+frag_every_frame"),),
    ),
    "flv": _Muxing(
        "flv", frozenset({"h264", "hevc", "av1"}), (("flvflags", "no_duration_filesize"),)
    ),
    "mjpeg": _Muxing("mjpeg", frozenset({"mjpeg"})),
}


class PipeSink:
    """A container written to a descriptor as it comes into being."""

    def __init__(self, outflow: OutputDescriptor, to: ToName, encoder: Encoder) -> None:
        """Write the header; raises SinkOpenError, or SinkClosed where nobody reads it."""
        self._outflow = outflow
        self._is_over = False
        muxing = _MUXERS[to]
        codec = encoder.template.codec_context.codec.canonical_name
        if codec not in muxing.codecs:
            raise ConfigError(
                f"codec: {to} holds {', '.join(sorted(muxing.codecs))} here, not {codec}"
            )
        writing: Any = outflow  # anything with write() is a file to PyAV
        with self._border(SinkOpenError):
            self._container: Any = av.open(
                writing,
                "w",
                format=muxing.name,
                container_options=_AT_ONCE | dict(muxing.options),
                buffer_size=_LARGE,
            )
            try:
                self._stream = self._container.add_stream_from_template(encoder.template)
                self._stream.time_base = encoder.time_base
                if codec == "rawvideo":
                    # It says how the samples lie, and PyAV forgets it: NUT guesses otherwise.
                    tag = encoder.template.codec_context.codec_tag
                    self._stream.codec_context.codec_tag = tag
                self._stream.set_display_matrix(encoder.info.display_matrix)
                self._container.start_encoding()
            except BaseException:
                self.close()
                raise

    def write(self, packet: RedactedPacket) -> None:
        """Write a packet; raises SinkClosed where the reader has gone away."""
        made: Any = av.Packet(packet.data)
        made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
        made.time_base = packet.time_base
        made.is_keyframe = packet.is_key
        made.stream = self._stream
        with self._border(SinkWriteError):
            self._container.mux_one(made)

    def finish(self) -> None:
        """Write what ends the stream; nothing where the reader has gone away."""
        if not self._is_over:
            self._is_over = True
            with self._border(SinkWriteError):
                self._container.close()

    def close(self) -> None:
        """Release it; safe to call twice."""
        self._is_over = True
        with suppress(av.FFmpegError, OSError, ValueError, SinkError):  # said already
            self._container.close()

    @contextmanager
    def _border(self, kind: type[SinkOpenError] | type[SinkWriteError]) -> Iterator[None]:
        try:
            yield
        except SinkClosed:
            self._is_over = True
            raise
        except (av.FFmpegError, OSError, ValueError) as exc:
            text = getattr(exc, "strerror", None) or str(exc)
            raise kind(f"{self._outflow.name}: cannot be written: {text}") from exc


# What yuv4mpeg(5) calls each format; FFmpeg writes and reads the same.
_Y4M_COLOURS: Final = {
    "gray": "mono", "yuv420p": "420jpeg", "yuv411p": "411", "yuv422p": "422", "yuv444p": "444",
    "gray10le": "mono10", "gray12le": "mono12",
    "yuv420p10le": "420p10 XYSCSS=420P10", "yuv420p12le": "420p12 XYSCSS=420P12",
    "yuv422p10le": "422p10 XYSCSS=422P10", "yuv422p12le": "422p12 XYSCSS=422P12",
    "yuv444p10le": "444p10 XYSCSS=444P10", "yuv444p12le": "444p12 XYSCSS=444P12",
}  # fmt: skip
# By AVChromaLocation: left, top left; the rest is 420jpeg, in the middle.
_Y4M_SITES: Final = {1: "420mpeg2", 3: "420paldv"}


class RawVideoSink:
    """Plain pictures, sample for sample: Y4M, or nothing but the planes."""

    def __init__(self, outflow: OutputDescriptor, to: ToName, info: StreamInfo) -> None:
        """Write the header, if there is one; raises ConfigError, or SinkClosed."""
        self._outflow = outflow
        self._before = b"FRAME\n" if to == "y4m" else b""
        outflow.widen()
        if to == "y4m":
            outflow.write(_y4m_header(info))

    def write(self, frame: RedactedFrame) -> None:
        """Write a picture; raises SinkClosed where the reader has gone away."""
        if self._before:
            self._outflow.write(self._before)
        self._outflow.write(frame.buffer.data)

    def finish(self) -> None:
        """Every picture is whole already."""

    def close(self) -> None:
        """Hold nothing of its own."""


def _y4m_header(info: StreamInfo) -> bytes:
    name = info.pixel_format.name
    if name not in _Y4M_COLOURS:
        raise ConfigError(f"to: Y4M has no {name}; use --to nut")
    colour = _Y4M_COLOURS[name]
    if name == "yuv420p":
        colour = _Y4M_SITES.get(info.colour.chroma_location, colour)
    rate = (info.rate or Fraction(25)).limit_denominator(100_000)
    order = ("t" if info.top_field_first else "b") if info.interlaced else "p"
    aspect = info.sample_aspect_ratio
    words = [
        f"YUV4MPEG2 W{info.width} H{info.height} F{rate.numerator}:{rate.denominator} I{order}",
        f"A{aspect.numerator}:{aspect.denominator} C{colour}",
    ]
    if info.colour.full_range is not None:
        words.append(f"XCOLORRANGE={'FULL' if info.colour.full_range else 'LIMITED'}")
    return " ".join(words).encode("ascii") + b"\n"
