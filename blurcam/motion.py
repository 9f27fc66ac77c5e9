"""What has changed since it was last looked at: the motion gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.frames import Frame
from blurcam.regions import Box

# The frame is watched at this width; a tile is a square of so many of its pixels.
_WIDTH: Final = 320
_TILE: Final = 4
# A pixel has changed where it differs by this many times the noise, and by this many levels.
_SIGMAS: Final = 6.0
_LEVELS: Final = 6.0
_MOST_NOISE: Final = 3.0
_ROUNDING: Final = 0.5
# Of a normal distribution, the standard deviation over the median of the absolute value.
_SIGMA_OF_MEDIAN: Final = 1.4826
# Where more of the frame has changed than this, it is another picture: a cut, a light, a shove.
_CUT: Final = 0.5

# A box of which less is covered by tiles is cut, in parts of so many tiles at least, if the parts
# are so much smaller together.
_FULL: Final = 0.6
_LEAST: Final = 5
_SAVED: Final = 0.85

Tiles = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """Where a frame differs from what was last looked at there.

    ``tiles`` holds a boolean for each tile; ``is_cut`` is true where it is another picture.
    """

    tiles: Tiles
    is_cut: bool


class Gate:
    """Remembers what every tile looked like when it was last searched.

    What is compared with is not the frame before but the one that was searched: a slow change
    adds up until it counts, and a thing that has come to rest is searched at rest.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._reference: NDArray[np.float32] | None = None

    def change(self, frame: Frame) -> Change:
        """Return what has changed; everything, at first and where the size differs."""
        small = _small_luma(frame)
        rows, columns = _tiles(small)
        reference = self._reference
        if reference is None or reference.shape != small.shape:
            return Change(np.ones((rows, columns), bool), True)
        difference = small - reference
        # Noise is what varies from pixel to pixel; a change of light is the same for all.
        spread = np.abs(difference - np.median(difference))
        noise = min(_MOST_NOISE, (float(np.median(spread)) + _ROUNDING) * _SIGMA_OF_MEDIAN)
        changed = np.abs(difference) > max(_LEVELS, _SIGMAS * noise)
        padded = np.zeros((rows * _TILE, columns * _TILE), bool)
        padded[: small.shape[0], : small.shape[1]] = changed
        tiles = np.asarray(padded.reshape(rows, _TILE, columns, _TILE).any((1, 3)), bool)
        return Change(tiles, bool(tiles.mean() > _CUT))

    def searched(self, frame: Frame, tiles: Tiles | None = None) -> None:
        """Take note that these tiles (all, for ``None``) of the frame are being searched."""
        small = _small_luma(frame)
        if tiles is None or self._reference is None or self._reference.shape != small.shape:
            self._reference = small
            return
        wide = np.repeat(np.repeat(tiles, _TILE, 0), _TILE, 1)[: small.shape[0], : small.shape[1]]
        self._reference = np.where(wide, small, self._reference)

    def forget(self) -> None:
        """Take everything for changed, next time."""
        self._reference = None


def _small_luma(frame: Frame) -> NDArray[np.float32]:
    """Return the frame's first plane at the width at which it is watched."""
    plane = frame.planes[0]
    height = max(1, round(plane.shape[0] * _WIDTH / plane.shape[1]))
    small = cv2.resize(plane, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    scale = 1 / (1 << (frame.pixel_format.depth - 8))
    return cast(NDArray[np.float32], small.astype(np.float32) * scale)


def _tiles(small: NDArray[np.float32]) -> tuple[int, int]:
    return -(-small.shape[0] // _TILE), -(-small.shape[1] // _TILE)


def areas_of(tiles: Tiles, width: int, height: int) -> list[Box]:
    """Return boxes, in pixels of a frame of this size, that cover the tiles and one around each.

    Tiles that touch come in one box, so that no seam runs through what moves, unless that box
    would be mostly empty.
    """
    grown = cv2.dilate(tiles.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(grown, connectivity=8)
    step = width * _TILE / _WIDTH
    whole = Box(0, 0, width, height)
    areas = []
    for number in range(1, count):
        for part in _split(labels == number):
            box = Box.around(part.x0 * step, part.y0 * step, part.x1 * step, part.y1 * step)
            inside = box.intersection(whole)
            if inside is not None:
                areas.append(inside)
    return areas


def _split(tiles: Tiles) -> list[Box]:
    """Return boxes that cover the tiles, cut in two where that saves much."""
    ys, xs = np.nonzero(tiles)
    if len(ys) == 0:
        return []
    box = Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    if len(ys) >= _FULL * box.area or max(box.width, box.height) < 2 * _LEAST:
        return [box]
    across = box.width >= box.height
    line = tiles[box.y0 : box.y1, box.x0 : box.x1].sum(0 if across else 1)
    at = _LEAST + int(np.argmin(line[_LEAST : len(line) - _LEAST + 1])) if _LEAST else 0
    first, second = tiles.copy(), tiles.copy()
    # Each part reaches one tile beyond the cut.
    if across:
        first[:, box.x0 + at + 1 :] = False
        second[:, : box.x0 + at - 1] = False
    else:
        first[box.y0 + at + 1 :] = False
        second[: box.y0 + at - 1] = False
    parts = _split(first) + _split(second)
    return parts if sum(part.area for part in parts) < _SAVED * box.area else [box]


__all__ = ["Change", "Gate", "Tiles", "areas_of"]
