"""Smooth continuations of what surrounds an area: membranes stretched over its rim.

Solved by pull-push (Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4): averages of known
cells are pulled down to ever coarser grids, and pushed back up into the cells where nothing is
known. All grids of a frame are solved together, since each is so small that calling costs more
than computing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.float32]
"""A number for each cell: ``(rows, columns)``, or of many grids ``(rows, columns, grids)``."""

# Grids are padded to powers of two, at least this, so that most can be solved together.
_LEAST: Final = 16
_TINY: Final = np.float32(1e-6)
_NOTHING: Final = np.float32(1e-3)


def membranes(values: Sequence[Cells], weights: Sequence[Cells], neutral: float) -> list[Cells]:
    """Return every grid with its unknown cells filled.

    ``values`` are weighted sums, each as large as its ``weights``, 0 to 1: how much of a cell is
    known. A grid of which nothing is known becomes ``neutral``.
    """
    sizes = [(_padded(w.shape[0]), _padded(w.shape[1])) for w in weights]
    made: dict[int, Cells] = {}
    for size in sorted(set(sizes)):
        own = [number for number, each in enumerate(sizes) if each == size]
        value, weight = (_stacked([each[n] for n in own], size) for each in (values, weights))
        full = _pull_push(value, weight, np.float32(neutral))
        for place, number in enumerate(own):
            rows, columns = weights[number].shape
            made[number] = full[:rows, :columns, place]
    return [made[number] for number in range(len(sizes))]


def _padded(length: int) -> int:
    return max(_LEAST, 1 << (length - 1).bit_length())


def _stacked(grids: Sequence[Cells], size: tuple[int, int]) -> Cells:
    """Return the grids as one array, with nothing known beside them."""
    stacked = np.zeros((*size, len(grids)), np.float32)
    for number, grid in enumerate(grids):
        stacked[: grid.shape[0], : grid.shape[1], number] = grid
    return stacked


def _pull_push(value: Cells, weight: Cells, neutral: np.float32) -> Cells:
    """Return ``value / weight``, and where the weight falls short, what coarser grids say."""
    levels = []
    while weight.shape[0] > 1 or weight.shape[1] > 1:
        levels.append((value, weight))
        part = _coarser(weight)
        # Twice the share of known samples: a half-known coarse cell may speak for itself.
        weight = cast(Cells, np.minimum(np.float32(1), part + part))
        value = _coarser(value) * cast(Cells, weight / np.maximum(part, _TINY))
    found = np.where(weight > _NOTHING, value / np.maximum(weight, _TINY), neutral)
    for known, share in reversed(levels):
        found = known + _finer(found, known.shape) * (np.float32(1) - share)
    return found


def _coarser(grid: Cells) -> Cells:
    """Return the means of two by two cells; of a single row or column, of two."""
    if grid.shape[0] > 1:
        grid = grid[::2] + grid[1::2]
        grid *= np.float32(0.5)
    if grid.shape[1] > 1:
        grid = grid[:, ::2] + grid[:, 1::2]
        grid *= np.float32(0.5)
    return grid


def _finer(grid: Cells, size: Sequence[int]) -> Cells:
    """Return the grid at this size, as large or twice as large, linearly interpolated."""
    if grid.shape[0] < size[0]:
        grid = _doubled(grid)
    if grid.shape[1] < size[1]:
        grid = _doubled(grid.swapaxes(0, 1)).swapaxes(0, 1)
    return grid


def _doubled(grid: Cells) -> Cells:
    """Return the grid with twice the rows; new centres are a quarter of a cell off the old."""
    quarter = grid * np.float32(0.25)
    most = grid - quarter
    made = np.empty((2 * grid.shape[0], *grid.shape[1:]), np.float32)
    np.add(most[1:], quarter[:-1], out=made[2::2])
    np.add(most[:-1], quarter[1:], out=made[1:-1:2])
    made[0], made[-1] = grid[0], grid[-1]
    return cast(Cells, made)
