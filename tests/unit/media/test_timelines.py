from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.timelines import Timeline, rescale

STEP, FAR = 40, 500
Stamps = list[int | None]


def placed(stamps: Stamps, *, ahead: bool = True, offset: int = 0) -> list[int]:
    """Place every stamp; with the next one known if it is ``ahead``."""
    line = Timeline(step=STEP, far=FAR, offset=offset)
    following = [*stamps[1:], None] if ahead else [None] * len(stamps)
    return [line.place(*each) for each in zip(stamps, following, strict=True)]


def regular(count: int) -> list[int]:
    return [STEP * n for n in range(count)]


both = pytest.mark.parametrize("ahead", [True, False], ids=["recording", "pipe"])


@given(
    stamps=st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=1),
    step=st.integers(1, 5000),
    ahead=st.booleans(),
)
def test_a_time_line_strictly_increases(stamps: Stamps, step: int, ahead: bool) -> None:
    line = Timeline(step=step, far=10 * step)
    following = [*stamps[1:], None] if ahead else [None] * len(stamps)
    times = [line.place(*each) for each in zip(stamps, following, strict=True)]
    assert all(b > a for a, b in pairwise(times))


@given(steps=st.lists(st.integers(1, 10**7), min_size=1), ahead=st.booleans())
def test_steps_that_are_in_order_are_kept(steps: list[int], ahead: bool) -> None:
    stamps: Stamps = [sum(steps[:n]) for n in range(1, len(steps) + 1)]
    assert placed(stamps, ahead=ahead) == stamps


@both
@pytest.mark.parametrize("back", [1, 40, 45, 79, 100, 300])
def test_a_frame_that_steps_back_is_moved_alone(ahead: bool, back: int) -> None:
    stamps: Stamps = list(regular(40))
    for n in range(9, 40, 10):
        stamps[n] = STEP * n - back
    times = placed(stamps, ahead=ahead)
    odd = [n for n in range(40) if times[n] != STEP * n]
    assert set(odd) <= set(range(9, 40, 10))
    assert all(b > a for a, b in pairwise(times))


@both
def test_a_repeated_time_is_moved_alone(ahead: bool) -> None:
    stamps: Stamps = [STEP * (n // 2 * 2) for n in range(20)]
    times = placed(stamps, ahead=ahead)
    assert times[::2] == stamps[::2]
    assert all(b > a for a, b in pairwise(times))


@pytest.mark.parametrize("spike", [90, 400, 3_600_000])
def test_a_frame_far_ahead_of_the_next_is_moved_alone(spike: int) -> None:
    stamps: Stamps = list(regular(20))
    stamps[7] = 7 * STEP + spike
    assert placed(stamps) == regular(20)


@both
@pytest.mark.parametrize("back", [45, 100, 160])
def test_a_clock_that_is_set_back_a_little_is_followed(ahead: bool, back: int) -> None:
    """What comes later is not shown later for it."""
    stamps: Stamps = [STEP * n - (back if n >= 10 else 0) for n in range(40)]
    times = placed(stamps, ahead=ahead)
    assert times[16:] == stamps[16:]


@both
@pytest.mark.parametrize("back", [600, 10_000, 95_443_717])
def test_a_clock_that_is_set_back_far_goes_on_from_there(ahead: bool, back: int) -> None:
    stamps: Stamps = [STEP * n - (back if n >= 10 else 0) for n in range(40)]
    assert placed(stamps, ahead=ahead) == regular(40)


@both
@pytest.mark.parametrize("back", [160, 360])
def test_a_key_frame_behind_the_last_frame_begins_a_recording(ahead: bool, back: int) -> None:
    line = Timeline(step=STEP, far=FAR)
    stamps = [STEP * n - (back if n >= 10 else 0) for n in range(40)]
    following = [*stamps[1:], None] if ahead else [None] * 40
    times = [
        line.place(stamp, coming, may_begin=n in (0, 10))
        for n, (stamp, coming) in enumerate(zip(stamps, following, strict=True))
    ]
    assert times == regular(40)


@both
def test_a_clock_that_stands_still_is_replaced_by_the_rate(ahead: bool) -> None:
    times = placed([0] * 30, ahead=ahead)
    assert times[-1] - times[-2] == STEP
    assert abs(times[-1] - 29 * STEP) <= STEP


def test_frames_without_a_time_follow_at_the_rate() -> None:
    assert placed([None] * 5) == regular(5)


def test_an_offset_is_added_to_all() -> None:
    assert placed([1000, 1040, 1080], offset=-1000) == [0, 40, 80]


def test_every_epoch_says_what_is_added_to_its_time_stamps() -> None:
    line = Timeline(step=STEP, far=FAR, offset=-1000)
    times = [line.place(1000 + t) for t in (0, 40, 80, -900, -860)]
    assert times == [0, 40, 80, 120, 160]
    assert [(each.since, each.offset) for each in line.epochs] == [(0, -1000), (100, 20)]


def test_steps_must_make_sense() -> None:
    with pytest.raises(ValueError, match="step 0"):
        Timeline(step=0, far=1)


@given(pts=st.integers(-(10**12), 10**12))
def test_rescaling_to_a_finer_base_and_back_changes_nothing(pts: int) -> None:
    fine = rescale(pts, Fraction(1, 1000), Fraction(1, 90000))
    assert fine == pts * 90
    assert rescale(fine, Fraction(1, 90000), Fraction(1, 1000)) == pts
