"""Changed areas: where an output differs from what was last searched there.

A face that is exposed for a single frame differs from the frames before and after it. So every
frame is compared with what was last searched, cell by cell.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.assess.inspect_output import Picture
from blurcam.media.regions import Box

# Side of a square cell in pixels: a third of the smallest face that must be found.
CELL: Final = 8
# Change of a cell's mean, in grey levels, that counts: in the light, and in the dark, where a face
# at a gain of 0.12 differs from its cover by 5.
_BRIGHT_LIMIT: Final = 3.0
_DARK_LIMIT: Final = 1.5
_DARK: Final = 50
# A change also has to exceed this multiple of the noise between neighbouring frames.
_TIMES_NOISE: Final = 5.0
# Cells around a change that are searched too: a detector needs what surrounds a face.
_AROUND: Final = 2

_Cells = NDArray[np.float32]


class ChangedAreas:
    """Compares each frame with what was last searched, cell by cell."""

    def __init__(self) -> None:
        """Begin without a frame: everything has changed."""
        self._searched: _Cells | None = None
        self._previous: _Cells | None = None
        self._noise = 0.0
        self._now: _Cells | None = None
        self._size = (0, 0)

    def show(self, luma: Picture) -> list[Box]:
        """Take the next frame, and return the areas that have changed, in its pixels."""
        rows, columns = luma.shape
        self._size = (columns, rows)
        now = _cells(luma)
        self._now = now
        if self._searched is None or self._searched.shape != now.shape:
            self._searched = self._previous = None
            return [Box(0, 0, columns, rows)]
        if self._previous is not None:
            noise = _noise(_without_light(now - self._previous))
            self._noise += 0.1 * (noise - self._noise)
        limit = np.where(now < _DARK, _DARK_LIMIT, _BRIGHT_LIMIT)
        limit = np.maximum(limit, _TIMES_NOISE * self._noise)
        changed = np.abs(_without_light(now - self._searched)) > limit
        self._previous = now
        return self._areas(changed)

    def searched(self, areas: list[Box] | None = None) -> None:
        """Note that the frame shown last was searched: in these areas, or all of it."""
        if self._now is None:
            return
        if areas is None or self._searched is None:
            self._searched = self._now.copy()
            if self._previous is None:
                self._previous = self._now
            return
        for area in areas:
            part = np.s_[
                area.y0 // CELL : -(-area.y1 // CELL), area.x0 // CELL : -(-area.x1 // CELL)
            ]
            self._searched[part] = self._now[part]

    def _areas(self, changed: NDArray[np.bool_]) -> list[Box]:
        if not changed.any():
            return []
        kernel = np.ones((2 * _AROUND + 1, 2 * _AROUND + 1), np.uint8)
        grown = cv2.dilate(changed.astype(np.uint8), kernel)
        count, _, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
        columns, rows = self._size
        return [
            Box(
                int(x) * CELL,
                int(y) * CELL,
                min(columns, int(x + wide) * CELL),
                min(rows, int(y + high) * CELL),
            )
            for x, y, wide, high, _ in stats[1:count]
        ]


def changes_between(before: Picture, after: Picture) -> list[Box]:
    """Return the areas in which two pictures in colour differ."""
    changes = ChangedAreas()
    changes.show(np.asarray(cv2.cvtColor(before, cv2.COLOR_BGR2GRAY), np.uint8))
    changes.searched()
    return changes.show(np.asarray(cv2.cvtColor(after, cv2.COLOR_BGR2GRAY), np.uint8))


def _cells(luma: Picture) -> _Cells:
    """Return the mean of each cell; those at the right and lower edge may be cut."""
    rows, columns = luma.shape
    down, across = -(-rows // CELL), -(-columns // CELL)
    if rows % CELL or columns % CELL:
        luma = np.asarray(
            cv2.copyMakeBorder(
                luma, 0, down * CELL - rows, 0, across * CELL - columns, cv2.BORDER_REPLICATE
            ),
            np.uint8,
        )
    small = cv2.resize(luma, (across, down), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _without_light(difference: _Cells) -> _Cells:
    """Take away what changed everywhere: the light of the scene, or the camera's gain."""
    return difference - np.float32(np.median(difference))


def _noise(step: _Cells) -> float:
    """Return the noise of neighbouring frames, without the cells in which something moves."""
    size = np.abs(step)
    still = size[size <= 4 * np.median(size) + 2]
    return 1.25 * float(still.mean())
