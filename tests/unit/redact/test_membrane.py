"""Membranes: what is known stays, what is not is smooth, and no grid knows of another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam.redact.membrane import membranes

Grid = NDArray[np.float32]


def grid(rows: int, columns: int, seed: int) -> tuple[Grid, Grid]:
    """Return weighted values and weights of a grid, with nothing known in its middle."""
    weight = np.ones((rows, columns), np.float32)
    weight[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4] = 0
    value = np.random.default_rng(seed).uniform(0, 255, (rows, columns)).astype(np.float32)
    return value * weight, weight


def test_known_cells_stay_and_unknown_ones_lie_between() -> None:
    value, weight = grid(20, 27, seed=1)
    (made,) = membranes([value], [weight], 128)
    assert made.shape == value.shape
    np.testing.assert_allclose(made[weight == 1], value[weight == 1], atol=1e-3)
    known = value[weight == 1]
    assert known.min() <= made.min() <= made.max() <= known.max()


def test_a_slope_goes_on_through_the_hole() -> None:
    value = np.tile(np.linspace(0, 200, 32, dtype=np.float32), (32, 1))
    _, weight = grid(32, 32, seed=2)
    (made,) = membranes([value * weight], [weight], 128)
    assert np.abs(made - value)[weight == 0].max() < 25
    assert np.abs(np.diff(made[16])).max() < 25  # no step at the rim, or within


def test_grids_that_are_solved_together_know_nothing_of_each_other() -> None:
    sizes = [(3, 5), (16, 16), (17, 40), (1, 1), (40, 3), (16, 16)]
    values, weights = zip(*(grid(*size, seed=n) for n, size in enumerate(sizes)), strict=True)
    together = membranes(values, weights, 128)
    for value, weight, made in zip(values, weights, together, strict=True):
        (alone,) = membranes([value], [weight], 128)
        np.testing.assert_array_equal(made, alone)


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (33, 20)])
def test_where_nothing_is_known_it_is_neutral(shape: tuple[int, int]) -> None:
    nothing = np.zeros(shape, np.float32)
    (made,) = membranes([nothing], [nothing], 128)
    np.testing.assert_array_equal(made, np.full(shape, 128, np.float32))


def test_a_half_known_cell_is_what_is_known_of_it() -> None:
    weight = np.full((4, 4), 0.5, np.float32)
    (made,) = membranes([weight * 80], [weight], 128)
    np.testing.assert_allclose(made, 80, rtol=1e-5)
