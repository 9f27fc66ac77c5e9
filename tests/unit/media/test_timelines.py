"""Time stamps of a source on one line that strictly increases."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.timelines import Timeline, rescale


@given(
    steps=st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=1),
    step=st.integers(1, 5000),
)
def test_a_time_line_strictly_increases(steps: list[int | None], step: int) -> None:
    line = Timeline(step=step, jump=10 * step)
    placed = [line.place(pts) for pts in steps]
    assert all(b > a for a, b in pairwise(placed))


@given(steps=st.lists(st.integers(1, 1000), min_size=1))
def test_a_time_line_keeps_steps_that_are_in_order(steps: list[int]) -> None:
    line = Timeline(step=40, jump=1000)
    pts = [sum(steps[:n]) for n in range(1, len(steps) + 1)]
    assert [line.place(p) for p in pts] == pts
    assert line.jumps == 0


@given(pts=st.integers(-(10**12), 10**12))
def test_rescaling_to_a_finer_base_and_back_changes_nothing(pts: int) -> None:
    fine = rescale(pts, Fraction(1, 1000), Fraction(1, 90000))
    assert fine == pts * 90
    assert rescale(fine, Fraction(1, 90000), Fraction(1, 1000)) == pts
