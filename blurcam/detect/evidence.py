"""Evidence that a frame may pass without a search of its own: its content was searched before.

Content that was searched and then moved is known: dense optical flow carries it from frame to
frame. What the flow does not explain is new, and must be searched on that very frame. (Flow:
Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.detect.motion import areas_of
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

# The width at which frames are compared; that of wide frames, whose small faces would vanish.
_WIDTH: Final = 320
_WIDE: Final = 480
_WIDE_FROM: Final = 1200
# A tile is a square of this many samples of the small frame.
_TILE: Final = 4
# The flow is wrong by up to this many samples: the residual is that times the gradient.
_FLOW_ERROR: Final = 0.75
# A sample differs if it does so by this many standard deviations of the noise, beyond what the
# gradient allows. A tile is unexplained if its samples differ on average by this share of the
# frame's contrast, held between these levels of 256.
_SIGMAS: Final = 3.0
_CONTRAST: Final = 0.04
_LEAST_LEVELS: Final = 0.75
_MOST_LEVELS: Final = 2.5
_STRONG: Final = 2.0
_GROUP: Final = 3
_SIGMA_OF_MEDIAN: Final = 1.4826
# From this share of unexplained tiles on, the frame shows another view.
_OTHER: Final = 0.5
# Nothing moved where no sample differs from the frame before by more than this many deviations.
_STILL_SIGMAS: Final = 5.0
_STILL_LEVELS: Final = 2.0
# What moves is seen to move where that limit is less than this share of its contrast, its edges
# included.
_SEEN: Final = 0.5
_WITH_ITS_EDGES: Final = 1.3
# A face differs by this many levels even in an even frame.
_LEAST_FRAME_CONTRAST: Final = 8.0
# Medians are taken over every third sample, across and down.
_SAMPLED: Final = 3
# Content that comes from this many samples outside of the frame before was not on it.
_EDGE: Final = 2.0
# The flow is computed for what moved and this many samples around it.
_AROUND: Final = 24

_S = TypeVar("_S", bound=np.generic)
Levels = NDArray[np.float32]
Flow = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A frame compared with what was searched before.

    ``small`` is the frame as it is compared, ``scale`` times as wide. ``tiles`` is true for each
    unexplained tile of it. ``flow`` tells for each sample where it was on the frame before, and
    ``moved`` is not 0 where the sample differs from that frame. Both are ``None`` if nothing
    moved. ``sensitivity`` is the smallest change that would have been seen, in levels of 256 over
    a tile; ``contrast`` is how many levels lie between the dark and the bright parts. A sample
    that differs by less than ``unmoved`` levels does not count as moved.
    """

    small: NDArray[np.uint8]
    tiles: NDArray[np.bool_]
    flow: Flow | None
    moved: NDArray[np.uint8] | None
    scale: float
    sensitivity: float
    contrast: float
    unmoved: float

    @property
    def blindness(self) -> float:
        """The least change that is seen, as a share of the contrast of the frame."""
        return self.sensitivity / max(_LEAST_FRAME_CONTRAST, self.contrast)

    @property
    def is_other(self) -> bool:
        """Whether the frame shows another view: a cut, a light, a camera that was moved."""
        return float(self.tiles.mean()) > _OTHER

    def areas(self, width: int, height: int) -> list[Box]:
        """Return the unexplained areas as boxes in pixels of the frame."""
        return areas_of(self.tiles, width, height, _TILE / self.scale)

    def is_still(self, box: Box) -> bool:
        """Whether the frame before surely showed the same in this box.

        Nothing is sure where the contrast is so low that what moves is not seen to move.
        """
        if not self._is_seen_to_move(box.grown(_WITH_ITS_EDGES)):
            return False
        return self.moved is None or not _part(self.moved, box, self.scale).any()

    def _is_seen_to_move(self, box: Box) -> bool:
        return self.unmoved <= _SEEN * float(_part(self.small, box, self.scale).std())

    def shift(self, box: Box) -> tuple[float, float]:
        """Return how far the content of a box has moved since the frame before, in pixels."""
        if self.flow is None:
            return 0.0, 0.0
        part = _part(self.flow, box, self.scale)
        high, wide = part.shape[:2]
        part = part[:: 1 + high // 8, :: 1 + wide // 8].reshape(-1, 2)
        middle = len(part) // 2
        dx, dy = np.partition(part, middle, axis=0)[middle]
        return -float(dx) / self.scale, -float(dy) / self.scale


class EvidenceGate:
    """Carries what was searched from frame to frame, and tells what it does not explain."""

    def __init__(self) -> None:
        """Begin with nothing searched."""
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._before: NDArray[np.uint8] | None = None
        self._known: Levels | None = None  # smoothed; NaN where nothing is known
        self._now: Levels | None = None

    def forget(self) -> None:
        """Count nothing as searched."""
        self._before = self._known = self._now = None

    def compare(self, frame: Frame) -> Evidence:
        """Compare a frame with what was searched; nothing explains the first frame."""
        small = small_luma(frame)
        scale = small.shape[1] / frame.width
        before, known = self._before, self._known
        self._before, self._now = small, _smooth(small)
        if before is None or known is None or before.shape != small.shape:
            self._known = np.full(small.shape, np.nan, np.float32)
            unknown = np.ones(_tiles(small), bool)
            return Evidence(small, unknown, None, None, scale, math.inf, 0.0, math.inf)
        moved, unmoved = _moved(before, small)
        flow = None if moved is None else self._flow_of(moved, before, small)
        if flow is not None:
            known = _carried(known, flow)
        self._known = known
        tiles, sensitivity, contrast = _unexplained(self._now, known)
        return Evidence(small, tiles, flow, moved, scale, sensitivity, contrast, unmoved)

    def searched(self, areas: Sequence[Box] | None, scale: float) -> None:
        """Note that these areas of the newest frame (``None``: all) are being searched."""
        if self._known is None or self._now is None:
            return
        if areas is None:
            self._known = self._now.copy()
            return
        for area in areas:
            np.copyto(_part(self._known, area, scale), _part(self._now, area, scale))

    def _flow_of(
        self, moved: NDArray[np.uint8], before: NDArray[np.uint8], now: NDArray[np.uint8]
    ) -> Flow:
        """Return the flow from a frame back to the one before, for the part that moved."""
        x, y, wide, high = cv2.boundingRect(moved)
        rows, columns = now.shape
        x0, y0 = max(0, x - _AROUND), max(0, y - _AROUND)
        x1, y1 = min(columns, x + wide + _AROUND), min(rows, y + high + _AROUND)
        flow = np.zeros((rows, columns, 2), np.float32)
        part = self._flow.calc(
            np.ascontiguousarray(now[y0:y1, x0:x1]),
            np.ascontiguousarray(before[y0:y1, x0:x1]),
            flow[y0:y1, x0:x1].copy(),
        )
        flow[y0:y1, x0:x1] = part
        return flow


def _moved(
    before: NDArray[np.uint8], now: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8] | None, float]:
    """Return a mask of the samples that differ from the frame before, and from what level on.

    The mask is ``None`` if none do.
    """
    change = cv2.blur(cv2.absdiff(now, before), (3, 3))
    usual = float(np.median(change[::_SAMPLED, ::_SAMPLED]))
    limit = _STILL_LEVELS + _STILL_SIGMAS * usual
    moved = cv2.threshold(change, limit, 1, cv2.THRESH_BINARY)[1]
    return (np.asarray(moved, np.uint8) if moved.any() else None), limit


def _carried(known: Levels, flow: Flow) -> Levels:
    """Return the known samples moved along the flow; NaN for samples from outside the frame."""
    rows, columns = known.shape
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    x, y = x + flow[..., 0], y + flow[..., 1]
    carried = cv2.remap(known, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # At the edge of the frame the flow is less exact than elsewhere.
    is_outside = (x < -_EDGE) | (y < -_EDGE) | (x > columns - 1 + _EDGE) | (y > rows - 1 + _EDGE)
    carried[is_outside] = np.nan
    return cast(Levels, carried)


def _unexplained(now: Levels, known: Levels) -> tuple[NDArray[np.bool_], float, float]:
    """Return the unexplained tiles, the smallest change that is seen, and the contrast."""
    difference = now - known
    there = ~np.isnan(difference)
    if not there.any():
        return np.ones(_tiles(now), bool), math.inf, 0.0
    sampled = difference[::_SAMPLED, ::_SAMPLED]
    sampled = sampled[there[::_SAMPLED, ::_SAMPLED]]
    light = float(np.median(sampled)) if sampled.size else 0.0
    noise = float(np.median(np.abs(sampled - light))) * _SIGMA_OF_MEDIAN if sampled.size else 0.0
    difference = np.where(there, np.abs(difference - light), 1e3).astype(np.float32)
    held = np.where(there, known, 0)
    gradient = cv2.blur(
        np.abs(cv2.Sobel(held, cv2.CV_32F, 1, 0, scale=0.125))
        + np.abs(cv2.Sobel(held, cv2.CV_32F, 0, 1, scale=0.125)),
        (3, 3),
    )
    excess = np.maximum(difference - _FLOW_ERROR * gradient - _SIGMAS * noise, 0)
    low, high = np.percentile(now[::4, ::4], (10, 90))
    contrast = float(high - low)
    limit = min(_MOST_LEVELS, max(_LEAST_LEVELS, _CONTRAST * contrast))
    rows, columns = _tiles(now)
    means = cv2.resize(excess, (columns, rows), interpolation=cv2.INTER_AREA)
    # A small difference in one tile is the edge of something that moves; a face of one tile is
    # a large one.
    weak = np.asarray(means > limit, np.float32)
    grouped = cv2.blur(weak, (3, 3)) > (_GROUP - 0.5) / 9
    tiles = np.asarray((means > _STRONG * limit) | (grouped & (weak > 0)), bool)
    return tiles, limit + _SIGMAS * noise, contrast


def small_luma(frame: Frame) -> NDArray[np.uint8]:
    """Return the frame's first plane at the width at which frames are compared, in 256 levels."""
    plane = frame.planes[0]
    width = _WIDE if plane.shape[1] >= _WIDE_FROM else _WIDTH
    height = max(_TILE, round(plane.shape[0] * width / plane.shape[1]))
    small = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.right_shift(small, frame.pixel_format.depth - 8), np.uint8)


def _smooth(small: NDArray[np.uint8]) -> Levels:
    return cast(Levels, cv2.blur(small.astype(np.float32), (3, 3)))


def _tiles(small: NDArray[np.generic]) -> tuple[int, int]:
    return -(-small.shape[0] // _TILE), -(-small.shape[1] // _TILE)


def _part(samples: NDArray[_S], box: Box, scale: float) -> NDArray[_S]:
    """Return the samples of a box, at least one."""
    rows, columns = samples.shape[:2]
    x0, x1 = _inside(box.x0 * scale, box.x1 * scale, columns)
    y0, y1 = _inside(box.y0 * scale, box.y1 * scale, rows)
    return samples[y0:y1, x0:x1]


def _inside(start: float, stop: float, size: int) -> tuple[int, int]:
    first = min(size - 1, max(0, math.floor(start)))
    return first, max(first + 1, min(size, math.ceil(stop)))
