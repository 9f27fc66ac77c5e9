"""The one encoder: redacted frames in, sealed packets out."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Final, NoReturn, cast, final

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from blurcam.encode.encoder_options import (
    SEMI_PLANAR,
    EncoderOptions,
    is_without_delay,
    options_of,
    pixel_format_of,
)
from blurcam.encode.upright import picture_of, upright
from blurcam.errors import SinkWriteError
from blurcam.media.formats import StreamInfo
from blurcam.media.orientation import AS_STORED
from blurcam.redact.gate import RedactedFrame

_SEAL: Final = object()
# A key frame comes at least this often, for seeking and to lose little.
_KEY_SECONDS: Final = 2

# libsvtav1 writes to stderr unless this variable is set.
os.environ.setdefault("SVT_LOG", "1")


@final
class RedactedPacket:
    """A redacted frame in coded form, made by :class:`Encoder` alone.

    ``data`` is the coded frame; ``pts``, ``dts`` and ``duration`` are in units of ``time_base``.
    """

    __slots__ = ("data", "dts", "duration", "is_key", "pts", "time_base")
    data: bytes
    pts: int
    dts: int
    duration: int
    time_base: Fraction
    is_key: bool

    def __init__(
        self,
        seal: object,
        data: bytes,
        pts: int,
        dts: int,
        duration: int,
        time_base: Fraction,
        is_key: bool,
    ) -> None:
        """Take what the encoder made; only this module knows the seal."""
        if seal is not _SEAL:
            raise TypeError("a RedactedPacket is made by an Encoder alone")
        for name, value in (
            ("data", data),
            ("pts", pts),
            ("dts", dts),
            ("duration", duration),
            ("time_base", time_base),
            ("is_key", is_key),
        ):
            object.__setattr__(self, name, value)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("RedactedPacket is final")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a RedactedPacket does not change: {name}")

    def __copy__(self) -> NoReturn:
        raise TypeError("a RedactedPacket is made by an Encoder alone, not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a RedactedPacket is made by an Encoder alone, not copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a RedactedPacket is made by an Encoder alone, not unpickled")


class Encoder:
    """Encodes the frames of one stream once, for any number of sinks."""

    def __init__(self, info: StreamInfo, name: str, coding: EncoderOptions) -> None:
        """Open FFmpeg's encoder ``name``; use :func:`open_encoder`."""
        self.name = name
        self._way = info.orientation if coding.upright else AS_STORED
        self.info = info = upright(info) if coding.upright else info
        takes = {each.name for each in av.Codec(name, "w").video_formats or ()}
        self.pixel_format = pixel_format_of(info, takes, coding.codec)
        own = self.pixel_format.name
        self._input_format = own if own in takes else SEMI_PLANAR.get(own, own)
        # JPEG has full range only; all other codecs keep the range of the frames.
        self._levels = (2 if info.colour.full_range else 1, 2) if name == "mjpeg" else (1, 1)
        self.time_base = info.time_base
        # FFmpeg's stream, from which a muxing sink takes the codec's parameters. Its muxer writes
        # nothing.
        self._nowhere = av.open(os.devnull, "w", format="null")
        rate = info.rate or Fraction(25)
        self._step = max(1, round(1 / (rate * info.time_base)))
        try:
            self.template: Any = self._nowhere.add_stream(
                name, rate=rate.limit_denominator(100_000), options=options_of(name, coding, info)
            )
            self._context = cast(VideoCodecContext, self.template.codec_context)
            self._is_without_delay = is_without_delay(coding, info)
            self._set_up(info)
            if not coding.reorder or self._is_without_delay:
                self._context.max_b_frames = 0
            with _encoding(name):
                self._nowhere.start_encoding()
        except BaseException:
            self._nowhere.close()
            raise
        self._shift: int | None = None
        self._lasts: dict[int, int] = {}  # the duration of each frame in the encoder, by pts

    def _set_up(self, info: StreamInfo) -> None:
        context, colour = self._context, info.colour
        context.width, context.height = info.width, info.height
        context.pix_fmt = self._input_format
        context.time_base = info.time_base
        context.sample_aspect_ratio = info.sample_aspect_ratio
        context.gop_size = max(1, round(_KEY_SECONDS * (info.rate or 25)))
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        context.colorspace = colour.matrix
        if self.name == "mjpeg":
            context.color_range = 2
        elif colour.full_range is not None:
            context.color_range = 2 if colour.full_range else 1
        context.flags |= Flags.global_header
        if not self._is_without_delay:
            # PyAV's default is slices, which is for live streams.
            context.thread_type = "FRAME"

    def encode(self, frame: RedactedFrame, pts: int | None = None) -> Iterator[RedactedPacket]:
        """Yield the packets that this frame completes; raises SinkWriteError.

        ``pts`` is for a frame that is shown again, later than its own time.
        """
        shown = frame.pts if pts is None else pts
        if self._shift is None:
            # None of our containers can store a time before zero without hiding the frame.
            self._shift = max(0, -shown)
        picture = picture_of(frame, self._way, self._input_format, self._levels)
        picture.pts = shown + self._shift
        picture.time_base = self.time_base
        self._lasts[picture.pts] = frame.duration or self._step
        with _encoding(self.name):
            packets = self._context.encode(picture)
        yield from self._sealed(packets)

    def flush(self) -> Iterator[RedactedPacket]:
        """Yield what the encoder still holds."""
        with _encoding(self.name):
            packets = self._context.encode(None)
        yield from self._sealed(packets)

    def _sealed(self, packets: list[Any]) -> Iterator[RedactedPacket]:
        for packet in packets:
            if packet.size:
                lasts = self._lasts.pop(packet.pts, self._step)
                yield RedactedPacket(
                    _SEAL, bytes(packet), packet.pts, packet.dts, lasts, self.time_base,
                    packet.is_keyframe,
                )  # fmt: skip

    def try_out(self) -> None:
        """Encode two grey frames as a test; raises SinkWriteError if that fails."""
        with _encoding(self.name):
            for number in range(2):
                picture = VideoFrame(self.info.width, self.info.height, self._input_format)
                for plane in picture.planes:
                    plane.update(bytes([128]) * plane.buffer_size)
                picture.pts, picture.time_base = number * self._step, self.time_base
                self._context.encode(picture)
            self._context.encode(None)

    def close(self) -> None:
        """Release the encoder; safe to call twice."""
        self._nowhere.close()

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec, such as hevc."""
        name: str = self.template.codec_context.codec.canonical_name
        return name

    @property
    def step(self) -> int:
        """The usual duration of a frame, in units of ``time_base``."""
        return self._step

    @property
    def parameters(self) -> bytes:
        """The parameters that a decoder needs before the first packet, without SEI.

        Packets of two encoders can follow one another if these are the same. x264 notes its number
        of threads in SEI, which does not matter to a decoder.
        """
        sets: bytes = self.template.codec_context.extradata or b""
        if self.name not in ("libx264", "libx265"):
            return sets
        units = sets.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
        if self.name == "libx264":
            return b"|".join(unit for unit in units if unit and unit[0] & 31 != 6)
        return b"|".join(unit for unit in units if unit and unit[0] >> 1 & 63 not in (39, 40))


class SignedPackets:
    """Packets that go from one process of a job to another, in order, signed with the job's key.

    A process knows by the ``key`` of the job alone that another process's encoder made a packet.
    Each packet is signed (HMAC-SHA-256) together with all before it, beginning with the ``label``.
    Nothing else becomes a :class:`RedactedPacket` again.
    """

    _FIELDS: Final = struct.Struct(">qqqqq?")

    def __init__(self, key: bytes, label: str) -> None:
        """Begin at one end; the same key and label are needed at the other."""
        self._key = key
        self._label = label
        self._last = self._tag(label.encode())

    def anew(self) -> SignedPackets:
        """Return the same signing, from its beginning."""
        return SignedPackets(self._key, self._label)

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)

    def pack(self, packet: RedactedPacket) -> tuple[bytes, bytes]:
        """Return the packet as bytes, and its signature."""
        base = packet.time_base
        fields = (packet.pts, packet.dts, packet.duration, base.numerator, base.denominator)
        body = self._FIELDS.pack(*fields, packet.is_key) + packet.data
        self._last = self._tag(self._last + body)
        return body, self._last

    def end(self) -> bytes:
        """Return the signature of the end, which shows that nothing was left out."""
        return self._tag(self._last + b"end")

    def unpack(self, body: bytes, tag: bytes, name: str) -> RedactedPacket:
        """Return the packet; raises SinkWriteError if it is not what was packed."""
        self._last = self._tag(self._last + body)
        self._refuse(self._last, tag, name)
        *fields, is_key = self._FIELDS.unpack_from(body)
        pts, dts, duration, numerator, denominator = fields
        data, time_base = body[self._FIELDS.size :], Fraction(numerator, denominator)
        return RedactedPacket(_SEAL, data, pts, dts, duration, time_base, is_key)

    def refuse_other_end(self, tag: bytes, name: str) -> None:
        """Raise SinkWriteError unless this is the end that was signed."""
        self._refuse(self.end(), tag, name)

    @staticmethod
    def _refuse(expected: bytes, tag: bytes, name: str) -> None:
        if not hmac.compare_digest(expected, tag):
            raise SinkWriteError(f"{name}: is not what this job's encoder wrote; not used")


def retimed(packet: RedactedPacket, dts: int) -> RedactedPacket:
    """Return the packet with another dts, for joined spans, which share one order."""
    return RedactedPacket(
        _SEAL, packet.data, packet.pts, dts, packet.duration, packet.time_base, packet.is_key
    )


@contextmanager
def _encoding(name: str) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, ValueError) as exc:
        said = getattr(exc, "log", None)  # FFmpeg's last message: level, component, text
        text = said[2].strip() if said else getattr(exc, "strerror", None) or str(exc)
        raise SinkWriteError(f"encoder {name}: {text}") from exc
