"""Redacted video as a stream: muxed, or as raw frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Final

import numpy as np

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.encode.upright import upright, upright_planes
from blurcam.errors import ConfigError, SinkClosed, SinkOpenError, SinkWriteError
from blurcam.media.formats import StreamInfo
from blurcam.media.orientation import AS_STORED
from blurcam.redact.gate import RedactedFrame
from blurcam.runtime.pipes import widen
from blurcam.settings.pipe import ToName
from blurcam.sinks.containers import STREAMS
from blurcam.sinks.descriptor import OutputDescriptor
from blurcam.sinks.muxer import Muxer, translating_errors

# Every frame is written as soon as it is muxed: none waits for a buffer to fill.
_AT_ONCE: Final = {"flush_packets": "1"}
_LARGE: Final = 1 << 20


class PipeSink:
    """A container, written to a descriptor while it is made."""

    def __init__(self, descriptor: OutputDescriptor, to: ToName, encoder: Encoder) -> None:
        """Write the header; raises SinkOpenError, or SinkClosed if nobody reads it."""
        self._name = descriptor.name
        self._is_over = False
        wanted = STREAMS[to]
        if encoder.codec not in wanted.codecs:
            raise ConfigError(
                f"codec: {to} holds {', '.join(sorted(wanted.codecs))} here, not {encoder.codec}"
            )
        with translating_errors(self._name, SinkOpenError):
            self._muxer = Muxer(
                descriptor,
                wanted.name,
                encoder.template,
                encoder.time_base,
                options=_AT_ONCE | wanted.options,
                display_matrix=encoder.info.display_matrix,
                buffer_size=_LARGE,
            )
            try:
                self._muxer.begin()
            except BaseException:
                self.close()
                raise

    def write(self, packet: RedactedPacket) -> None:
        """Write a packet; raises SinkClosed if the reader has gone away."""
        with self._until_closed(), translating_errors(self._name, SinkWriteError):
            self._muxer.write(packet)

    def finish(self) -> None:
        """Write the end of the stream; nothing if the reader has gone away."""
        if not self._is_over:
            self._is_over = True
            with translating_errors(self._name, SinkWriteError):
                self._muxer.end()

    def close(self) -> None:
        """Release it; safe to call twice."""
        self._is_over = True
        self._muxer.close()

    @contextmanager
    def _until_closed(self) -> Iterator[None]:
        try:
            yield
        except SinkClosed:
            self._is_over = True
            raise


# The names of the formats in yuv4mpeg(5), as FFmpeg writes and reads them.
_Y4M_COLOURS: Final = {
    "gray": "mono", "yuv420p": "420jpeg", "yuv411p": "411", "yuv422p": "422", "yuv444p": "444",
    "gray10le": "mono10", "gray12le": "mono12",
    "yuv420p10le": "420p10 XYSCSS=420P10", "yuv420p12le": "420p12 XYSCSS=420P12",
    "yuv422p10le": "422p10 XYSCSS=422P10", "yuv422p12le": "422p12 XYSCSS=422P12",
    "yuv444p10le": "444p10 XYSCSS=444P10", "yuv444p12le": "444p12 XYSCSS=444P12",
}  # fmt: skip
# By AVChromaLocation: left and top left; any other is 420jpeg, in the middle.
_Y4M_SITES: Final = {1: "420mpeg2", 3: "420paldv"}


class RawVideoSink:
    """Raw frames, sample for sample: Y4M, or nothing but the planes."""

    def __init__(self, descriptor: OutputDescriptor, to: ToName, info: StreamInfo) -> None:
        """Write the header, if there is one; raises ConfigError, or SinkClosed."""
        self._descriptor = descriptor
        self._way, info = info.orientation, upright(info)
        self._before = b"FRAME\n" if to == "y4m" else b""
        widen(descriptor.descriptor)
        if to == "y4m":
            descriptor.write(_y4m_header(info))

    def write(self, frame: RedactedFrame) -> None:
        """Write a frame; raises SinkClosed if the reader has gone away."""
        if self._before:
            self._descriptor.write(self._before)
        if self._way == AS_STORED:
            self._descriptor.write(frame.buffer.data)
            return
        for plane in upright_planes(frame, self._way):
            self._descriptor.write(np.ascontiguousarray(plane).data)

    def finish(self) -> None:
        """Do nothing: every frame is complete."""

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


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
