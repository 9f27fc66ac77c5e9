"""The inspection of a finished recording: its streams, times and frames, by code of its own.

It shares with redaction only how a file is opened and how its display matrix is read. So a mistake
in redaction's own reading is not repeated when its output is verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.errors import SourceReadError
from blurcam.media.orientation import AS_STORED, Orientation
from blurcam.sources.container_crop import NO_CROP, Crop, crop_of
from blurcam.sources.decoding import come_to_rest
from blurcam.sources.open import FAULTS, brief, open_path
from blurcam.sources.side_data import orientation_of
from blurcam.sources.video_track import track_number, video_stream

Picture = NDArray[np.uint8]
"""Rows, columns and the channels B, G, R."""

# The tags that muxers write of themselves; any other tag tells something of the recording.
_HARMLESS: Final = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "vendor_id",
     "language", "duration", "service_name", "service_provider"}
)  # fmt: skip
# Formats whose first plane is 8-bit luma.
_PLANAR_8_BIT: Final = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "gray", "nv12"}
)
# Nearer frames are decoded on to, farther ones are sought.
_NEAR_S: Final = 4.0
_PLAIN_WIDTH: Final = 224
_MARKED_WIDTH: Final = 400
# Blue, green, red: seen on footage of any brightness.
_DARK: Final = (14, 12, 6)
_BRIGHT: Final = (0, 215, 255)
_OWN_SERVICE: Final = frozenset({"Service01", "FFmpeg"})
# The titles that writers of AVIF give to the items of a picture.
_OWN_TITLES: Final = frozenset({"Color", "Alpha"})


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """The contents of a container, found by reading all of it.

    ``times`` are those of the video's packets in seconds, in order; ``None`` if a packet has none.
    ``announced`` is the number of frames that the container announces. ``other_streams`` are kinds
    ("audio", "subtitle"); ``tags`` are ``key=value``, without those that muxers add.
    """

    codec: str
    width: int
    height: int
    sample_aspect_ratio: Fraction
    orientation: Orientation
    packets: int
    announced: int
    times: tuple[Fraction, ...] | None
    tick: Fraction
    other_streams: tuple[str, ...]
    tags: tuple[str, ...]
    chapters: int
    fault: str | None

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as a player shows them."""
        size = (self.width, self.height)
        return size[::-1] if self.orientation.transposes else size

    @property
    def shown_shape(self) -> Fraction:
        """Width over height as a player shows it."""
        shape = self.sample_aspect_ratio * Fraction(max(1, self.width), max(1, self.height))
        return 1 / shape if self.orientation.transposes else shape

    @property
    def duration(self) -> Fraction:
        """Seconds from the first to the last frame."""
        return self.times[-1] - self.times[0] if self.times else Fraction(0)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrame:
    """A decoded frame: its number from 0, its time in seconds, and its samples as stored.

    The part that the container crops off is left out.
    """

    number: int
    time: float
    is_damaged: bool
    decoded: Any
    crop: Crop = NO_CROP

    def picture(self) -> Picture:
        """Return the frame in colour."""
        return self._cropped(cast(Picture, self.decoded.to_ndarray(format="bgr24")))

    def luma(self) -> Picture:
        """Return the frame in shades of grey, ``(rows, columns)``."""
        if self.decoded.format.name in _PLANAR_8_BIT:
            plane = self.decoded.planes[0]
            rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            return self._cropped(rows[:, : plane.width])
        return self._cropped(cast(Picture, self.decoded.to_ndarray(format="gray")))

    def _cropped(self, samples: Picture) -> Picture:
        if self.crop == NO_CROP:
            return samples
        rows, columns = samples.shape[:2]
        width, height = self.crop.size(columns, rows)
        left, top = self.crop.left, self.crop.top
        return np.ascontiguousarray(samples[top : top + height, left : left + width])


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any, Crop]]:
    """Open a file; give it, the video track that players show, and its crop."""
    container: Any = open_path(path)
    try:
        stream = video_stream(path, container)
        crop = crop_of(path, container.format.name, track_number(container, stream))
        yield container, stream, crop if crop.fits(stream.width, stream.height) else NO_CROP
    finally:
        for stream in container.streams.video:
            if stream.codec_context is not None:
                come_to_rest(stream.codec_context)
        container.close()


def facts(path: Path) -> ContainerFacts:
    """Read every packet of a file; raises SourceOpenError where it cannot be opened."""
    with _opened(path) as (container, stream, crop):
        width, height = crop.size(stream.width, stream.height)
        times: list[Fraction] = []
        packets, untimed, fault = 0, False, None
        try:
            for packet in container.demux(stream):
                if packet.size:
                    packets += 1
                    untimed |= packet.pts is None
                    if packet.pts is not None:
                        times.append(packet.pts * stream.time_base)
        except FAULTS as exc:
            fault = f"reading fails after {packets} packets: {brief(exc)}"
        return ContainerFacts(
            codec=stream.codec_context.name if stream.codec_context else "unknown",
            width=width,
            height=height,
            sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
            orientation=_orientation(path),
            packets=packets,
            announced=stream.frames,
            times=None if untimed else tuple(sorted(times)),
            tick=stream.time_base,
            other_streams=tuple(each.type for each in container.streams if each is not stream),
            tags=tuple(_tags(container)),
            chapters=len(container.chapters()),
            fault=fault,
        )


def _orientation(path: Path) -> Orientation:
    """Return the orientation in which a player shows the frames."""
    with _opened(path) as (container, stream, _):
        try:
            first = next(container.decode(stream), None)
        except FAULTS:
            return AS_STORED
        return AS_STORED if first is None else orientation_of(first)


def _tags(container: Any) -> Iterator[str]:
    places = [container.metadata, *(stream.metadata for stream in container.streams)]
    for place in places:
        for key, value in place.items():
            name = key.lower()
            is_own = value in (_OWN_TITLES if name == "title" else _OWN_SERVICE)
            if is_own and (name == "title" or name.startswith("service_")):
                continue
            if name not in _HARMLESS or name.startswith("service_"):
                yield f"{key}={value}"


def decoded(path: Path) -> Iterator[DecodedFrame]:
    """Decode every frame; raises :class:`~blurcam.errors.SourceReadError` where that fails."""
    with _opened(path) as (container, stream, crop):
        stream.thread_type = "AUTO"
        last = 0.0
        try:
            for number, frame in enumerate(container.decode(stream)):
                last = float(frame.time) if frame.time is not None else last
                yield DecodedFrame(number, last, bool(frame.is_corrupt), frame, crop)
        except FAULTS as exc:
            raise SourceReadError(f"{path}: decoding fails at {last:.2f} s: {brief(exc)}") from exc


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """A frame to be shown small: its time in seconds, and a place on it to be marked, if any.

    The place is left, top, right and bottom, in pixels of the frame as stored.
    """

    time: float
    place: tuple[int, int, int, int] | None = None


def thumbnails(
    path: Path, wanted: Iterable[WantedPicture]
) -> Iterator[tuple[WantedPicture, bytes]]:
    """Yield each wanted frame that there is, as a small JPEG, in the order of time.

    Use it for finished outputs alone, which everybody may see.
    """
    with _opened(path) as (container, stream, crop):
        frames, newest = container.decode(stream), None
        for each in sorted(wanted, key=lambda every: every.time):
            at = 0.0 if newest is None or newest.time is None else newest.time
            try:
                if each.time - at > _NEAR_S:
                    container.seek(int(each.time * 1_000_000), backward=True)
                    frames, newest = container.decode(stream), None
                newest = _frame_at(frames, each.time, newest)
            except FAULTS:
                return
            if newest is not None:
                frame = DecodedFrame(0, each.time, is_damaged=False, decoded=newest, crop=crop)
                yield each, _small(frame.picture(), orientation_of(newest), each.place)


def _frame_at(frames: Iterator[Any], time: float, newest: Any) -> Any:
    """Return the first frame from a time on; the last one there is, where there is none."""
    for frame in chain(() if newest is None else (newest,), frames):
        newest = frame
        if frame.time is not None and frame.time >= time - 1e-3:
            break
    return newest


def _small(
    picture: Picture, orientation: Orientation, place: tuple[int, int, int, int] | None
) -> bytes:
    """Return a JPEG, the way a player shows it; the mark lies around the place, not over it."""
    width = _PLAIN_WIDTH
    if place is not None:
        width, thick = _MARKED_WIDTH, max(2, picture.shape[1] // 160)
        x0, y0, x1, y1 = place
        picture = picture.copy()
        for colour, line in ((_DARK, 2 * thick), (_BRIGHT, thick)):
            around = (x0 - 2 * thick, y0 - 2 * thick), (x1 + 2 * thick, y1 + 2 * thick)
            cv2.rectangle(picture, *around, colour, line)
    shown = np.ascontiguousarray(orientation.applied(picture))
    rows, columns = shown.shape[:2]
    size = (width, max(2, round(rows * width / columns)))
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    is_made, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 70])
    if not is_made:
        raise RuntimeError("OpenCV makes no JPEG")
    return jpeg.tobytes()
