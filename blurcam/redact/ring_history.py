"""What was known around each track over the last moments, averaged along the track's path.

A fill that is made from one frame alone flickers: as an ellipse changes by a per cent, its edge
crosses a bright wall or a dark collar. So each track keeps what its ring showed, cell by cell of
a grid that moves and grows with it, and the fill is made from the weighted mean. What was covered
at its own time was never known, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, cast

import numpy as np

from blurcam.redact.membrane import Cells

# Seconds of media time that are averaged over, in at most so many moments.
_WINDOW: Final = 0.8
_MOMENTS: Final = 32
# What the newest and the oldest count, over what those in the middle do.
_LEAST: Final = 0.02
# Where most cells change by more levels from one moment to the next, it is another scene. Some do
# as an ellipse crosses an edge, which is no cut.
_CUT: Final = 24.0
# How much of a cell must be known on both frames for it to be compared.
_KNOWN: Final = 0.25
# A grid is kept until a track's shape differs from it by this factor.
_SAME_SHAPE: Final = 1.6


class _Ring:
    """What was known of one track at each of its last moments, on one grid for each mask.

    A moment is a row of ``_cells``: of each grid the weighted values of each plane, then how much
    of each cell was known. ``sizes`` are the columns and rows of the grids.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]]) -> None:
        self.sizes = tuple(sizes)
        self.last = -np.inf
        self._times = np.full(_MOMENTS, -np.inf)
        self._cells: Cells | None = None
        self._next = 0

    def add(self, time: float, grids: Sequence[Cells]) -> list[Cells]:
        """Add a moment; return the means over the window.

        They begin anew where the first grid shows a cut, and where time steps back.
        """
        made = np.concatenate([each.ravel() for each in grids])
        if self._cells is None:
            self._cells = np.zeros((_MOMENTS, made.size), np.float32)
        newest = (self._next - 1) % _MOMENTS
        if time <= self.last or _shows_cut(self._cells[newest], grids[0]):
            self._times[:] = -np.inf
        if time - self._times[newest] >= _WINDOW / _MOMENTS:
            newest, self._next = self._next, (self._next + 1) % _MOMENTS
            self._times[newest] = time
            self._cells[newest] = made
        self.last = time
        means = self._shares(time) @ self._cells
        parts, start = [], 0
        for each in grids:
            parts.append(means[start : start + each.size].reshape(each.shape))
            start += each.size
        return parts

    def _shares(self, time: float) -> Cells:
        """Return what each moment counts: a hump, so that none enters or leaves with a step."""
        ages = np.minimum((time - self._times) / _WINDOW, 1)
        hump = np.where(ages < 1, np.sin(np.pi * ages) ** 2 + _LEAST, 0)
        return cast(Cells, (hump / hump.sum()).astype(np.float32))


def _shows_cut(before: Cells, grid: Cells) -> bool:
    """Whether a grid changed so much since the moment before that the scene is another."""
    earlier = before[: grid.size].reshape(grid.shape)
    known = np.minimum(earlier[-1], grid[-1]) > _KNOWN
    if not known.any():
        return False
    was, now = (each[0][known] / each[-1][known] for each in (earlier, grid))
    return bool(2 * np.count_nonzero(np.abs(now - was) > _CUT) > was.size)


class RingHistory:
    """The rings of the tracks of one stream."""

    def __init__(self) -> None:
        """Begin with no track."""
        self._rings: dict[Hashable, _Ring] = {}

    def sizes(
        self, track: Hashable, wanted: Sequence[tuple[int, int]]
    ) -> tuple[tuple[int, int], ...]:
        """Return the columns and rows of a track's grids: as before, unless its shape changed."""
        ring = self._rings.get(track)
        if ring is None or not all(map(_alike, ring.sizes, wanted)):
            ring = self._rings[track] = _Ring(wanted)
        return ring.sizes

    def add(self, track: Hashable, time: float, grids: Sequence[Cells]) -> list[Cells]:
        """Add what is known of a track now; return the means over its path.

        A grid has the weighted values of each plane, then how much of each cell is known. The
        first is that of luma.
        """
        return self._rings[track].add(time, grids)

    def forget(self, time: float) -> None:
        """Drop the tracks that were not seen within the window before a time."""
        for key in [k for k, ring in self._rings.items() if abs(time - ring.last) > _WINDOW]:
            del self._rings[key]


def _alike(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether two grids have nearly the same number of columns and of rows."""
    return all(
        max(a, b) <= max(_SAME_SHAPE * min(a, b), min(a, b) + 2)
        for a, b in zip(size, wanted, strict=True)
    )
