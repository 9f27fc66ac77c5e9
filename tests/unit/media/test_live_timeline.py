"""The time of a camera, over all its sessions."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.timelines import LiveTimeline
from tests.support.clocks import HandClock

RTP = Fraction(1, 90000)
FRAME = 6000


def test_steps_of_the_camera_are_kept_exactly() -> None:
    clock = HandClock()
    line = LiveTimeline(clock)
    placed = []
    for n in range(10):
        clock.now = n / 15 + random.Random(n).uniform(0, 0.03)
        placed.append(line.place(1_000_000 + n * FRAME, RTP))
    assert [b - a for a, b in pairwise(placed)] == [FRAME] * 9


def test_a_session_begins_where_the_clock_is() -> None:
    clock = HandClock()
    line = LiveTimeline(clock)
    line.place(5, RTP)
    clock.now = 60.0
    line.begin()
    assert line.place(5, RTP) == 60 * 90000
    assert line.jumps == 0


def test_a_jump_of_an_hour_is_taken_on_after_three_frames() -> None:
    clock = HandClock()
    line = LiveTimeline(clock)
    placed = []
    for n in range(30):
        clock.now = n / 15
        jumped = 3600 * 90000 if n >= 10 else 0
        placed.append(line.place(n * FRAME + jumped, RTP))
    assert placed == [n * FRAME for n in range(30)]
    assert line.jumps == 1


def test_one_stray_time_stamp_moves_nothing() -> None:
    clock = HandClock()
    line = LiveTimeline(clock)
    placed = []
    for n in range(20):
        clock.now = n / 15
        placed.append(line.place(7 if n == 10 else 500 + n * FRAME, RTP))
    assert placed == [n * FRAME for n in range(20)]


def test_a_camera_whose_clock_stands_still_is_timed_by_ours() -> None:
    clock = HandClock()
    line = LiveTimeline(clock)
    placed = []
    for n in range(5):
        clock.now = n / 10
        placed.append(line.place(77, RTP))
    assert placed == [n * 9000 for n in range(5)]
    assert line.jumps == 0


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(1 << 40), 1 << 40), st.floats(0, 5000), st.booleans())
    )
)
def test_whatever_a_camera_says_time_goes_on(steps: list[tuple[int | None, float, bool]]) -> None:
    clock = HandClock()
    line = LiveTimeline(clock)
    last = -1
    for pts, passed, reconnects in steps:
        clock.now += passed
        if reconnects:
            line.begin()
        placed = line.place(pts, RTP)
        assert placed > last
        last = placed
