from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.orientation import AS_STORED, Orientation

ALL = [Orientation(turn, mirror) for turn in (0, 90, 180, 270) for mirror in (False, True)]
orientations = st.sampled_from(ALL)
STORED = np.arange(6).reshape(2, 3)


def placed(orientation: Orientation) -> np.ndarray:  # type: ignore[type-arg]
    """Show a small picture by the definition of a display matrix, sample by sample."""
    a, b, _, c, d, _, x, y, _ = orientation.display_matrix(3, 2)
    rows, columns = (3, 2) if orientation.transposes else (2, 3)
    shown = np.full((rows, columns), -1)
    for row in range(2):
        for column in range(3):
            # The middle of the sample; the numbers are in 16.16.
            u, v = 2 * column + 1, 2 * row + 1
            across = (a * u + c * v + 2 * x) >> 17
            down = (b * u + d * v + 2 * y) >> 17
            shown[down, across] = STORED[row, column]
    return shown


@pytest.mark.parametrize("orientation", ALL, ids=str)
def test_what_is_applied_is_what_the_matrix_says(orientation: Orientation) -> None:
    np.testing.assert_array_equal(orientation.applied(STORED), placed(orientation))


@pytest.mark.parametrize("orientation", ALL, ids=str)
def test_a_matrix_is_read_as_it_was_written(orientation: Orientation) -> None:
    assert Orientation.of_matrix(*orientation.coefficients) == orientation
    a, b, c, d = orientation.coefficients
    assert Orientation.of_matrix(3 * a + 0.2, 3 * b - 0.3, 3 * c + 0.3, 3 * d - 0.2) == orientation


def test_a_matrix_that_says_nothing_turns_nothing() -> None:
    assert Orientation.of_matrix(0, 0, 0, 0) == AS_STORED


@given(orientations, orientations)
def test_one_after_the_other_is_one(first: Orientation, second: Orientation) -> None:
    both = second.applied(first.applied(STORED))
    np.testing.assert_array_equal(first.then(second).applied(STORED), both)


@given(orientations)
def test_the_inverse_takes_it_back(orientation: Orientation) -> None:
    assert orientation.then(orientation.inverse) == AS_STORED


@given(orientations)
def test_rows_that_are_flipped_are_told(orientation: Orientation) -> None:
    shown = orientation.applied(STORED)
    first = shown[:, 0] if orientation.transposes else shown[0]
    assert orientation.flips_rows == (0 not in first)


def test_an_angle_in_between_is_refused() -> None:
    with pytest.raises(ValueError, match="45"):
        Orientation(45)
