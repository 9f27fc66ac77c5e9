"""FFmpeg's decoded frames to ours: pixel format, size, range, time and session."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final, Literal, TypeVar

import numpy as np
from av.video.frame import VideoFrame

from blurcam.errors import SourceReadError
from blurcam.media.formats import PixelFormat, StreamInfo
from blurcam.media.frames import Frame, Plane
from blurcam.media.timelines import Timeline, rescale
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.container_crop import NO_CROP, Crop
from blurcam.sources.stream_info import USUAL_RATE, is_full_range, own_name

T = TypeVar("T")
# A new session begins after a gap of this length: no track is carried across it.
_SESSION_GAP_SECONDS: Final = 10
# No frame is shown for longer than a day, whatever a broken header says.
_LONGEST_SECONDS: Final = 86_400
# A clock that steps back by at least this much was set; one that steps back by less has slipped.
_FAR_SECONDS: Final = Fraction(1, 2)
# FFmpeg's numbers of the limited and of the full range.
_LIMITED, _FULL = 1, 2

# FFmpeg's scaler has numbers of its own for what a stream says of its colours.
_MATRICES: Final = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}

TimedBy = Literal["pts", "dts", "rate"]
"""The time stamps that count; ``rate`` if a frame has none that do."""


class FrameMaker:
    """Turns FFmpeg's decoded frames into ours: format, size, range, time and session."""

    def __init__(
        self,
        info: StreamInfo,
        first: VideoFrame,
        counts: FrameCounts,
        *,
        timed_by: TimedBy = "pts",
        origin: int = 0,
        crop: Crop = NO_CROP,
    ) -> None:
        """Make frames like ``first``, cropped; subtract ``origin`` from every time stamp."""
        self._info = info
        self._timed_by = timed_by
        self._counts = counts
        self._crop = crop
        self._seq = 0
        self._session = 0
        self._size = self._latest = (first.width, first.height)
        self._last: int | None = None
        rate = info.rate or USUAL_RATE
        self._step = max(1, round(1 / (rate * info.time_base)))
        far = max(1, round(_FAR_SECONDS / info.time_base))
        self.timeline = Timeline(step=self._step, far=far, offset=-origin)
        self.gaps = 0

    def frame(
        self, picture: VideoFrame, is_suspect: bool, following: VideoFrame | None = None
    ) -> Frame:
        """Return the next frame; ``following`` is the one after it, if it is known."""
        pts = self._place(picture, following)
        frame = Frame(
            planes=self._planes(picture),
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

    def start_session(self) -> None:
        """Begin a new session: the stream starts anew."""
        self._session += 1

    def note_moved(self) -> None:
        """Note for the summary how many frames got another time than their own."""
        moved = self.timeline.moved
        if moved:
            frames = "1 frame was" if moved == 1 else f"{moved} frames were"
            self._counts.notice(
                f"{self._info.name}: {frames} stamped out of order, and moved between the frames "
                "before and after"
            )

    def _stamp(self, picture: VideoFrame, later: int = 0) -> int | None:
        """Return the time stamp of this frame, which is ``later`` frames after the next one."""
        if self._timed_by == "rate":
            rate = self._info.rate or USUAL_RATE
            return rescale(self._seq + later, 1 / rate, self._info.time_base)
        given = picture.dts if self._timed_by == "dts" else picture.pts
        if given is not None and picture.time_base and picture.time_base != self._info.time_base:
            return rescale(given, picture.time_base, self._info.time_base)
        return given

    def _place(self, picture: VideoFrame, following: VideoFrame | None) -> int:
        epochs = len(self.timeline.epochs)
        coming = None if following is None else self._stamp(following, 1)
        is_key = bool(picture.key_frame)
        pts = self.timeline.place(self._stamp(picture), coming, may_begin=is_key)
        if len(self.timeline.epochs) > epochs:
            self._session += 1
            self._counts.notice(f"{self._info.name}: time steps back; made to go on")
        if self._last is not None:
            step = pts - self._last
            self.gaps += max(0, round(step / self._step) - 1)
            if step * self._info.time_base > _SESSION_GAP_SECONDS:
                self._session += 1
        self._last = pts
        return pts

    def _duration(self, picture: VideoFrame) -> int:
        """Return the frame's duration by the container, 0 if it tells none."""
        if self._timed_by == "rate":
            return 0
        base = picture.time_base or self._info.time_base
        lasts = rescale(picture.duration, base, self._info.time_base)
        if lasts == 1 < self._step:  # what is put there for "not known"
            return 0
        return lasts if 0 < lasts * self._info.time_base <= _LONGEST_SECONDS else 0

    def _planes(self, picture: VideoFrame) -> tuple[Plane, ...]:
        planes = planes_of(self._fitted(picture), self._info.pixel_format)
        return self._crop.applied(planes, self._info.pixel_format)

    def _fitted(self, picture: VideoFrame) -> VideoFrame:
        """Return the frame in the stream's one format, size and range."""
        size = (picture.width, picture.height)
        if size != self._latest:
            self._latest = size
            self._session += 1
            self._counts.notice(
                f"{self._info.name}: the frame size changes to {size[0]}x{size[1]}; scaled to "
                f"{self._size[0]}x{self._size[1]}"
            )
        levels, matrices = self._levels(picture), self._matrices(picture)
        same_format = own_name(picture) == self._info.pixel_format.name
        same_colours = levels[0] == levels[1] and matrices[0] == matrices[1]
        if same_format and size == self._size and same_colours:
            return picture
        return converted(picture, self._info.pixel_format.name, *self._size, levels, matrices)

    def _matrices(self, picture: VideoFrame) -> tuple[int, int]:
        """Return the colour matrix of the picture's samples, and that of the stream's."""
        has, wants = (
            _MATRICES.get(each, 0) for each in (int(picture.colorspace), self._info.colour.matrix)
        )
        if has == wants or not has or not wants or picture.format.is_rgb:
            return 0, 0
        self._counts.notice(
            f"{self._info.name}: the colour matrix changes; converted to that of the beginning"
        )
        return has, wants

    def _levels(self, picture: VideoFrame) -> tuple[int, int]:
        """Return the range of the frame's samples, and that of the stream."""
        has = is_full_range(picture)
        wants = bool(self._info.colour.full_range)
        if has is None or has == wants or picture.format.is_rgb or picture.format.has_palette:
            return _LIMITED, _LIMITED
        wanted = "full" if wants else "limited"
        self._counts.notice(
            f"{self._info.name}: the range of the samples changes; converted to {wanted} range"
        )
        return (_FULL, _LIMITED) if has else (_LIMITED, _FULL)


def converted(
    picture: VideoFrame,
    name: str,
    width: int,
    height: int,
    levels: tuple[int, int] = (1, 1),
    matrices: tuple[int, int] = (1, 1),
) -> VideoFrame:
    """Convert in one step; range and matrix change only if theirs (present, wanted) differ."""
    has, wants = levels
    if has == wants:
        has = wants = picture.color_range or 0
    changes = {} if picture.format.is_rgb else {"src_color_range": has, "dst_color_range": wants}
    if matrices[0] != matrices[1]:
        changes |= {"src_colorspace": matrices[0], "dst_colorspace": matrices[1]}
    return picture.reformat(width=width, height=height, format=name, **changes)


def planes_of(picture: VideoFrame, pixel_format: PixelFormat) -> tuple[Plane, ...]:
    """Return the frame's planes as views of its memory, which they keep alive."""
    planes = []
    for index in range(pixel_format.plane_count):
        plane = picture.planes[index]
        rows, columns = pixel_format.plane_shape(index, picture.width, picture.height)
        samples = np.frombuffer(memoryview(plane), np.dtype(pixel_format.dtype))
        stride = plane.line_size // samples.itemsize
        planes.append(samples[: rows * stride].reshape(rows, stride)[:, :columns])
    return tuple(planes)


def with_next(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """Yield each item with the one after it, ``None`` after the last.

    If the items end with a SourceReadError, the last item is yielded before it is raised.
    """
    held: list[T] = []
    try:
        for each in items:
            if held:
                yield held.pop(), each
            held.append(each)
    except SourceReadError:
        if held:
            yield held.pop(), None
        raise
    if held:
        yield held.pop(), None
