"""The motion gate: it finds the parts of a frame that have changed since their last search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.frames import Frame
from blurcam.media.regions import Box

# Frames are compared at this width; a tile is a square of this many pixels of that size.
_WIDTH: Final = 320
_TILE: Final = 2
# A pixel has changed if it differs by this many times the noise, and by this many levels.
_SIGMAS: Final = 6.0
_LEVELS: Final = 6.0
_MOST_NOISE: Final = 3.0
_ROUNDING: Final = 0.5
# Of a normal distribution, the standard deviation over the median of the absolute value.
_SIGMA_OF_MEDIAN: Final = 1.4826
# If more of the frame has changed than this, it shows another view: a cut, a light switched on, a
# camera that was moved.
_CUT: Final = 0.5

# A box is cut in two if changed tiles fill less than this share of it, each part has at least this
# many tiles, and the parts together have less than this share of its area.
_FULL: Final = 0.75
_LEAST: Final = 3
_SAVED: Final = 0.9
# Changed tiles are searched with this many tiles around them.
_AROUND: Final = 1
# A tile is at rest after this many searches in a row without a change.
_CALM: Final = 2

Tiles = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """The parts of a frame that differ from what was last searched there.

    ``tiles`` is true for each tile that has changed and must be searched. ``emptied`` tiles have
    changed back to their appearance at rest, when no face was there. ``is_cut`` is true if the
    frame shows another view altogether.
    """

    tiles: Tiles
    emptied: Tiles
    is_cut: bool


class MotionGate:
    """Remembers each tile as it was when last searched, and as it is at rest.

    A frame is compared with what was searched, not with the frame before. So a slow change adds up
    until it counts, and a thing that has come to rest is searched at rest. A tile that is again as
    it was at rest, when it was searched and had no face, is not searched again. That halves the
    work behind people who walk by.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._reference: NDArray[np.float32] | None = None
        self._at_rest: NDArray[np.float32] | None = None  # NaN where nothing is known
        self._rested: NDArray[np.int32] | None = None  # searches in a row without a change

    def change(self, frame: Frame) -> Change:
        """Return what has changed: everything for the first frame or another size."""
        small = _small_luma(frame)
        rows, columns = _tiles(small)
        if self._reference is None or self._reference.shape != small.shape:
            return Change(np.ones((rows, columns), bool), np.zeros((rows, columns), bool), True)
        difference = small - self._reference
        # Noise varies from pixel to pixel; a change of light is the same for all pixels.
        spread = np.abs(difference - np.median(difference))
        noise = min(_MOST_NOISE, (float(np.median(spread)) + _ROUNDING) * _SIGMA_OF_MEDIAN)
        limit = max(_LEVELS, _SIGMAS * noise)
        changed = _any_in_tile(np.abs(difference) > limit)
        is_cut = bool(changed.mean() > _CUT)
        emptied = np.zeros_like(changed)
        if self._at_rest is not None and not is_cut:
            emptied = changed & ~_any_in_tile(~(np.abs(small - self._at_rest) <= limit))
        return Change(changed & ~emptied, emptied, is_cut)

    def searched(self, frame: Frame, change: Change | None = None) -> None:
        """Note that the changed tiles of the frame (``None``: all) are being searched."""
        small = _small_luma(frame)
        if change is None or self._reference is None or self._reference.shape != small.shape:
            self._reference = small
            self._at_rest = np.full_like(small, np.nan)
            self._rested = np.zeros(_tiles(small), np.int32)
            return
        assert self._rested is not None
        moved = change.tiles | change.emptied
        self._rested = np.where(moved, 0, self._rested + 1)
        self._reference = np.where(_spread(moved, small), small, self._reference)

    def rest(self, faces: Sequence[Box], width: int) -> None:
        """Remember the tiles at rest, except near faces, as places without a face.

        ``width`` is that of the frame in which the faces are.
        """
        if self._reference is None or self._at_rest is None or self._rested is None:
            return
        calm = self._rested == _CALM
        step = width * _TILE / _WIDTH
        for face in faces:
            box = face.grown(2)
            y0, y1 = max(0, int(box.y0 / step)), max(0, math.ceil(box.y1 / step))
            x0, x1 = max(0, int(box.x0 / step)), max(0, math.ceil(box.x1 / step))
            calm[y0:y1, x0:x1] = False
        self._at_rest = np.where(_spread(calm, self._reference), self._reference, self._at_rest)

    def forget(self) -> None:
        """Count everything as changed next time."""
        self._reference = self._at_rest = self._rested = None


def _any_in_tile(pixels: NDArray[np.bool_]) -> Tiles:
    rows, columns = _tiles(pixels)
    padded = np.zeros((rows * _TILE, columns * _TILE), bool)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    return np.asarray(padded.reshape(rows, _TILE, columns, _TILE).any((1, 3)), bool)


def _spread(tiles: Tiles, small: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the tiles as pixels of the small picture."""
    wide = np.repeat(np.repeat(tiles, _TILE, 0), _TILE, 1)
    return wide[: small.shape[0], : small.shape[1]]


def _small_luma(frame: Frame) -> NDArray[np.float32]:
    """Return the frame's first plane at the width at which frames are compared."""
    plane = frame.planes[0]
    height = max(1, round(plane.shape[0] * _WIDTH / plane.shape[1]))
    small = cv2.resize(plane, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    scale = 1 / (1 << (frame.pixel_format.depth - 8))
    return cast(NDArray[np.float32], small.astype(np.float32) * scale)


def _tiles(small: NDArray[np.generic]) -> tuple[int, int]:
    return -(-small.shape[0] // _TILE), -(-small.shape[1] // _TILE)


def areas_of(tiles: Tiles, width: int, height: int, step: float | None = None) -> list[Box]:
    """Return boxes, in pixels of a frame of this size, that contain the tiles and some more.

    A tile is ``step`` pixels wide, by default as wide as those of :class:`MotionGate`. Tiles that
    touch share a box, so that no edge cuts what moves, unless that box would be mostly empty.
    """
    reach = 2 * _AROUND + 1
    grown = cv2.dilate(tiles.astype(np.uint8), np.ones((reach, reach), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    step = step or width * _TILE / _WIDTH
    whole = Box(0, 0, width, height)
    areas = []
    for number in range(1, count):
        x0, y0, wide, high, _ = map(int, stats[number])
        group = labels[y0 : y0 + high, x0 : x0 + wide] == number
        for part in _split(group, x0, y0):
            box = Box.around(part.x0 * step, part.y0 * step, part.x1 * step, part.y1 * step)
            inside = box.intersection(whole)
            if inside is not None:
                areas.append(inside)
    return areas


def _split(tiles: Tiles, left: int, top: int) -> list[Box]:
    """Return boxes that contain the tiles, cut in two where that saves much area.

    ``left`` and ``top`` are the place of the tiles' upper left corner. The parts share
    ``2 * _AROUND`` rows or columns of tiles.
    """
    rows, columns = tiles.shape
    whole = Box(left, top, left + columns, top + rows)
    if tiles.sum() >= _FULL * whole.area:
        return [whole]
    best = min(_cuts(tiles, 0) + _cuts(tiles, 1), default=None)
    if best is None or best[0] >= _SAVED * whole.area:
        return [whole]
    _, axis, at = best
    if axis == 0:
        parts = (tiles[: at + _AROUND], 0, 0), (tiles[at - _AROUND :], 0, at - _AROUND)
    else:
        parts = (tiles[:, : at + _AROUND], 0, 0), (tiles[:, at - _AROUND :], at - _AROUND, 0)
    boxes = []
    for part, x, y in parts:
        ys, xs = np.nonzero(part.any(1))[0], np.nonzero(part.any(0))[0]
        inner = part[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
        boxes += _split(inner, left + x + int(xs[0]), top + y + int(ys[0]))
    return boxes


def _cuts(tiles: Tiles, axis: int) -> list[tuple[int, int, int]]:
    """Return every cut across an axis: the area of both parts' boxes, the axis, the place."""
    lines = tiles if axis == 0 else tiles.T
    count, across = lines.shape
    some = lines.any(1)
    first = np.where(some, lines.argmax(1), across)
    last = np.where(some, across - lines[:, ::-1].argmax(1), 0)
    cuts = []
    upper = np.maximum.accumulate(last) - np.minimum.accumulate(first)
    lower = (np.maximum.accumulate(last[::-1]) - np.minimum.accumulate(first[::-1]))[::-1]
    for at in range(_LEAST + _AROUND, count - _LEAST - _AROUND + 1):
        end, start = at + _AROUND, at - _AROUND
        taken = end * int(upper[end - 1]) + (count - start) * int(lower[start])
        cuts.append((taken, axis, at))
    return cuts


__all__ = ["Change", "MotionGate", "Tiles", "areas_of"]
