"""Decoded pictures to frames: pixel format, size, time and session."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.errors import SourceOpenError
from blurcam.media.formats import PIXEL_FORMATS, Colour, PixelFormat, StreamInfo
from blurcam.media.frames import Frame, Plane
from blurcam.media.timelines import Timeline, rescale
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.side_data import orientation_of

LARGEST_SIDE: Final = 16384
"""Pixels: no picture is larger."""
# Frames a second; a header may claim two thousand million.
_SWIFTEST: Final = 100_000
# A new session begins after a gap that no track is to be carried across.
_SESSION_GAP_SECONDS: Final = 10
# No frame is shown for longer than a day, whatever a broken header says.
_LONGEST_SECONDS: Final = 86_400
# AV_FIELD_BB and AV_FIELD_BT
_BOTTOM_FIRST: Final = (3, 5)


class FrameMaker:
    """Turns decoded pictures into frames: format, size, time and session."""

    def __init__(
        self, info: StreamInfo, first: VideoFrame, tally: FrameCounts, *, by_dts: bool
    ) -> None:
        """Make frames like ``first``; times are the dts where ``by_dts``."""
        self._info = info
        self._by_dts = by_dts
        self._tally = tally
        self._seq = 0
        self._session = 0
        self._size = self._latest = (first.width, first.height)
        self._last: int | None = None
        step = max(1, round(1 / ((info.rate or Fraction(25)) * info.time_base)))
        self._step = step
        self._timeline = Timeline(step=step, jump=1 << 62)
        self.gaps = 0

    def frame(self, picture: VideoFrame, is_suspect: bool) -> Frame:
        """Return the next frame."""
        pts = self._place(picture)
        frame = Frame(
            planes=planes_of(self._fitted(picture), self._info.pixel_format),
            pixel_format=self._info.pixel_format,
            seq=self._seq,
            pts=pts,
            time_base=self._info.time_base,
            wall_time=time.time(),
            session=self._session,
            is_corrupt=is_suspect,
            interlaced=picture.interlaced_frame or self._info.interlaced,
            duration=self._duration(picture),
        )
        self._seq += 1
        return frame

    def _duration(self, picture: VideoFrame) -> int:
        """Return how long the container says that the picture is shown, 0 where it does not."""
        base = picture.time_base or self._info.time_base
        lasts = rescale(picture.duration, base, self._info.time_base)
        return lasts if 0 < lasts * self._info.time_base <= _LONGEST_SECONDS else 0

    def start_session(self) -> None:
        """Say that nothing of what was seen holds any more: the stream starts anew."""
        self._session += 1

    def _place(self, picture: VideoFrame) -> int:
        jumps = self._timeline.jumps
        given = picture.dts if self._by_dts else picture.pts
        if given is not None and picture.time_base and picture.time_base != self._info.time_base:
            given = rescale(given, picture.time_base, self._info.time_base)
        pts = self._timeline.place(given)
        if self._timeline.jumps > jumps and given is not None:
            self._session += 1
            self._tally.notice(f"{self._info.name}: time steps back; made to go on")
        if self._last is not None:
            step = pts - self._last
            self.gaps += max(0, round(step / self._step) - 1)
            if step * self._info.time_base > _SESSION_GAP_SECONDS:
                self._session += 1
        self._last = pts
        return pts

    def _fitted(self, picture: VideoFrame) -> VideoFrame:
        """Return the picture in the stream's one format and size."""
        size = (picture.width, picture.height)
        if size != self._latest:
            self._latest = size
            self._session += 1
            self._tally.notice(
                f"{self._info.name}: the picture changes size to {size[0]}x{size[1]}; scaled to "
                f"{self._size[0]}x{self._size[1]}"
            )
        same_format = own_name(picture) == self._info.pixel_format.name
        if same_format and size == self._size:
            return picture
        return converted(picture, self._info.pixel_format.name, *self._size)


def own_name(picture: VideoFrame) -> str:
    """Return the format's name without the "j" that marks full range."""
    return picture.format.name.replace("yuvj", "yuv")


def converted(picture: VideoFrame, name: str, width: int, height: int) -> VideoFrame:
    """Convert once, without touching the range."""
    level = picture.color_range or 0
    same = {} if picture.format.is_rgb else {"src_color_range": level, "dst_color_range": level}
    return picture.reformat(width=width, height=height, format=name, **same)


def planes_of(picture: VideoFrame, pixel_format: PixelFormat) -> tuple[Plane, ...]:
    """Return the picture's planes as views of its own memory, which they keep alive."""
    planes = []
    for index in range(pixel_format.plane_count):
        plane = picture.planes[index]
        rows, columns = pixel_format.plane_shape(index, picture.width, picture.height)
        samples = np.frombuffer(memoryview(plane), np.dtype(pixel_format.dtype))
        stride = plane.line_size // samples.itemsize
        planes.append(samples[: rows * stride].reshape(rows, stride)[:, :columns])
    return tuple(planes)


def stream_info(name: str, stream: VideoStream, first: VideoFrame) -> StreamInfo:
    """Return what the stream is; the first picture tells more than the container."""
    context = stream.codec_context
    if max(first.width, first.height) > LARGEST_SIDE:
        size = f"{first.width}x{first.height}"
        raise SourceOpenError(f"{name}: {size} is more than {LARGEST_SIDE} pixels a side")
    pixel_format = nearest_format(first)
    time_base = stream.time_base or Fraction(1, 90000)
    info = StreamInfo(
        name=name,
        width=first.width,
        height=first.height,
        pixel_format=pixel_format,
        time_base=time_base,
        rate=_rate(stream),
        codec=context.codec.canonical_name,
        sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
        orientation=orientation_of(first),
        colour=_colour(context, first),
        interlaced=first.interlaced_frame,
        top_field_first=context.field_order not in _BOTTOM_FIRST,
        frame_count=stream.frames or None,
        duration=stream.duration,
    )
    if first.format.is_rgb or first.format.has_palette:
        # libswscale converts RGB to limited-range BT.601 unless asked otherwise.
        return replace(info, colour=replace(info.colour, matrix=6, full_range=False))
    return info


def _rate(stream: VideoStream) -> Fraction | None:
    """Return the average rate; what the codec says comes before a guess.

    Of a stream that is read as it comes FFmpeg knows no average, and guesses that H.264 and MPEG-2
    come in fields: twice the rate. A rate that no camera can have is none.
    """
    told = (stream.average_rate, stream.codec_context.framerate, stream.guessed_rate)
    return next((rate for rate in told if rate and 0 < rate <= _SWIFTEST), None)


def nearest_format(picture: VideoFrame) -> PixelFormat:
    """Return the format of ours that loses least of the picture's."""
    name = own_name(picture)
    own = PIXEL_FORMATS.get(name)
    if own is not None and not own.is_rgb:
        return own
    given = picture.format
    if given.is_rgb or given.has_palette:
        return PIXEL_FORMATS["yuv444p"]
    bits = max(component.bits for component in given.components)
    depth = 8 if bits <= 8 else 10 if bits <= 10 else 12
    suffix = "" if depth == 8 else f"{depth}le"
    if len(given.components) < 3:
        return PIXEL_FORMATS[f"gray{suffix}"]
    wide, high = given.chroma_width(16), given.chroma_height(16)
    layout = {(8, 8): "420", (8, 16): "422", (16, 16): "444", (16, 8): "440", (4, 16): "411"}
    return (
        PIXEL_FORMATS.get(f"yuv{layout.get((wide, high), '444')}p{suffix}")
        or (PIXEL_FORMATS[f"yuv444p{suffix}"])
    )


def _colour(context: Any, first: VideoFrame) -> Colour:
    level = int(first.color_range or context.color_range or 0)
    full = first.format.name.startswith("yuvj") or level == 2
    return Colour(
        primaries=int(context.color_primaries or 2),
        transfer=int(context.color_trc or 2),
        matrix=int(context.colorspace if context.colorspace is not None else 2),
        full_range=True if full else False if level == 1 else None,
    )
