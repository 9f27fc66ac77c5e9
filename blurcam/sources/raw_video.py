"""Raw video: streams of uncoded frames, with a Y4M header or without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, cast

import av
from av.video.frame import VideoFrame

from blurcam.errors import ConfigError, SourceOpenError, SourceReadError
from blurcam.media.formats import Colour, StreamInfo
from blurcam.media.timelines import rescale
from blurcam.settings.pipe import RawLayout
from blurcam.sources.descriptor import InputDescriptor
from blurcam.sources.stream_info import LARGEST_SIDE, nearest_format

_LONGEST_LINE: Final = 1024
_DEPTH: Final = re.compile(r"(420|422|444)p(9|10|12|14|16)")
# What yuv4mpeg(5) and FFmpeg's yuv4mpegdec.c know; MPlayer's extension for deeper ones is above.
_COLOURS: Final = {
    "420": "yuv420p", "420jpeg": "yuv420p", "420mpeg2": "yuv420p", "420paldv": "yuv420p",
    "411": "yuv411p", "422": "yuv422p", "444": "yuv444p", "444alpha": "yuva444p",
    "mono": "gray", "mono9": "gray9le", "mono10": "gray10le", "mono12": "gray12le",
    "mono16": "gray16le",
}  # fmt: skip
# AVCHROMA_LOC_LEFT, _CENTER and _TOPLEFT
_SITES: Final = {"420mpeg2": 1, "420jpeg": 2, "420paldv": 3}


@dataclass(frozen=True, slots=True)
class _Raster:
    """The layout of the frames of a stream in its bytes."""

    width: int
    height: int
    format: str
    rate: Fraction
    aspect: Fraction = Fraction(1)
    interlaced: bool = False
    top_field_first: bool = True
    full_range: bool | None = None
    site: int = 0


class RawVideo:
    """Reads uncoded frames; it has the methods of :class:`Decoded`.

    FFmpeg's own raw and Y4M demuxers delay frames to guess a rate, and end at a second Y4M header.
    Here a frame is complete with its last byte.
    """

    def __init__(self, descriptor: InputDescriptor, layout: RawLayout | None) -> None:
        """Read frames of this layout; ``None``: the layout in the Y4M header."""
        self._descriptor = descriptor
        descriptor.widen()
        self._is_y4m = layout is None
        self._frames = 0
        self._time = Fraction(0)
        self._cut_short = 0
        self._first: VideoFrame | None = None
        if layout is None:
            self._raster = self._header(self._line())
        else:
            self._raster = _Raster(*layout.pixels, layout.pix_fmt, layout.frequency)
        self._time_base = 1 / self._raster.rate
        self._prepare()
        self._iterator = self._run()

    def _prepare(self) -> None:
        raster = self._raster
        self._context: Any = av.CodecContext.create("rawvideo", "r")
        self._context.width, self._context.height = raster.width, raster.height
        try:
            self._context.pix_fmt = raster.format
            self._size = _size_of(raster)
        except ValueError as exc:
            raise ConfigError(f'pix-fmt: FFmpeg has no "{raster.format}"') from exc

    def info(self) -> StreamInfo:
        """Return what the stream is."""
        first, raster = self.first(), self._raster
        info = StreamInfo(
            name=self._descriptor.name,
            width=raster.width,
            height=raster.height,
            pixel_format=nearest_format(first),
            time_base=self._time_base,
            rate=raster.rate,
            codec="rawvideo",
            sample_aspect_ratio=raster.aspect,
            colour=Colour(full_range=raster.full_range, chroma_location=raster.site),
            interlaced=raster.interlaced,
            top_field_first=raster.top_field_first,
        )
        if first.format.is_rgb or first.format.has_palette:
            # As for recordings: libswscale converts RGB to limited-range BT.601.
            return replace(info, colour=replace(info.colour, matrix=6, full_range=False))
        return info

    def first(self) -> VideoFrame:
        """Return the first frame."""
        if self._first is None:
            try:
                self._first = next(self._iterator)[0]
            except StopIteration:
                raise SourceOpenError(
                    f"{self._descriptor.name}: ended before its first complete frame "
                    f"({self._size} bytes)"
                ) from None
            except SourceReadError as exc:
                raise SourceOpenError(str(exc)) from exc
        return self._first

    def pictures(self) -> Iterator[tuple[VideoFrame, bool]]:
        """Yield each frame; none is ever damaged."""
        yield self.first(), False
        yield from self._iterator

    def _run(self) -> Iterator[tuple[VideoFrame, bool]]:
        while self._begins_frame():
            data = self._descriptor.read_exactly(self._size)
            if len(data) < self._size:
                self._cut_short = int(self._is_y4m or bool(data))
                return
            try:
                picture = self._context.decode(av.Packet(data))[0]
            except (av.FFmpegError, IndexError) as exc:
                raise SourceReadError(f"{self._descriptor.name}: {exc}") from exc
            picture.pts = rescale(1, self._time, self._time_base) if self._time else 0
            picture.time_base = self._time_base
            self._time += 1 / self._raster.rate
            self._frames += 1
            yield cast(VideoFrame, picture), False

    def _begins_frame(self) -> bool:
        """Whether a frame follows; a Y4M stream may have another header first."""
        if not self._is_y4m:
            return True
        while line := self._line():
            if line.startswith(b"FRAME"):
                return True
            if not line.startswith(b"YUV4MPEG2"):
                raise SourceReadError(
                    f"{self._descriptor.name}: reading failed after {self._frames} frames: "
                    "no Y4M frame where one should begin"
                )
            self._raster = self._header(line)
            self._prepare()
        return False

    def _line(self) -> bytes:
        """Return the next line, without its end; nothing at the end of the stream."""
        start = self._descriptor.peek(6)
        while b"\n" not in start and len(start) < _LONGEST_LINE:
            longer = self._descriptor.peek(len(start) + 1)
            if len(longer) == len(start):
                break
            start = longer
        line, found, _ = start.partition(b"\n")
        self._descriptor.read_exactly(len(line) + len(found))
        return line

    def _header(self, line: bytes) -> _Raster:
        """Read a Y4M header (yuv4mpeg(5)); raises SourceReadError."""
        name = self._descriptor.name
        tags = {word[:1]: word[1:] for word in line.decode("ascii", "replace").split()[1:]}
        extra = line.decode("ascii", "replace").upper()
        try:
            width, height = int(tags["W"]), int(tags["H"])
            rate = Fraction(tags.get("F", "25:1").replace(":", "/"))
            aspect = Fraction(tags.get("A", "1:1").replace("0:0", "1:1").replace(":", "/"))
            colour = tags.get("C", "420jpeg")
            deep = _DEPTH.fullmatch(colour)
            layout = f"yuv{deep[1]}p{deep[2]}le" if deep else _COLOURS[colour]
            if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE) or aspect <= 0:
                raise ValueError
            if not Fraction(1, 10) <= rate <= 1000:
                rate = Fraction(25)
        except (KeyError, ValueError, ZeroDivisionError) as exc:
            told = line[:60].decode("ascii", "replace")
            raise SourceReadError(f"{name}: not a Y4M header that makes sense: {told!r}") from exc
        full = True if "COLORRANGE=FULL" in extra else None
        interlace = tags.get("I", "p")
        return _Raster(
            width, height, layout, rate, aspect, interlace in ("t", "b", "m"), interlace != "b",
            False if "COLORRANGE=LIMITED" in extra else full, _SITES.get(colour, 0),
        )  # fmt: skip

    def lost(self, info: StreamInfo, gaps: int) -> tuple[int, str]:
        """Return how many frames are missing: the one that the end cut short."""
        del info, gaps
        return self._cut_short, "the stream ends within a frame"


def _size_of(raster: _Raster) -> int:
    """Return the bytes of a frame, as FFmpeg's own raw encoder computes them."""
    picture = VideoFrame(raster.width, raster.height, raster.format)
    context: Any = av.CodecContext.create("rawvideo", "w")
    context.width, context.height, context.pix_fmt = raster.width, raster.height, raster.format
    context.time_base = Fraction(1, 25)
    return sum(int(packet.size) for packet in context.encode(picture))
