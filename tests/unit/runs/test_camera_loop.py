"""What becomes of a live stream's time, and of what it loses."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.timelines import LiveTimeline
from blurcam.runtime.backoff import REFUSED, UNREACHABLE, BackOff
from blurcam.sources.loss_signs import LossState, packets_missed, tells_damage
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


def test_from_a_loss_to_the_next_key_frame_that_came_whole_nothing_is_trusted() -> None:
    # Packets: 1 key, 2 to 4, loss seen while 4 is read, 5 is a key frame that may be cut at its
    # start, 9 one that came whole.
    suspicion, judged = LossState(), []
    for n in range(1, 12):
        assert suspicion.packet() == n
        if n == 4:
            suspicion.sign()
        judged.append(suspicion.judge(n, is_key=n in (1, 5, 9)))
    assert judged == [False] * 3 + [True] * 5 + [False] * 3


def test_a_loss_within_the_saving_key_frame_is_a_loss() -> None:
    suspicion = LossState()
    for n in range(1, 6):
        suspicion.packet()
        if n in (2, 5):
            suspicion.sign()
        is_suspect = suspicion.judge(n, is_key=n == 5)
    assert is_suspect


def test_ffmpeg_s_words_for_a_loss_are_known() -> None:
    assert packets_missed("RTP: missed 12 packets") == 12
    assert packets_missed("Continuity check failed for pid 256 expected 3 got 5") == 1
    assert packets_missed("max delay reached. need to consume packet") == 0
    assert tells_damage("error while decoding MB 12 3, bytestream -5")


def test_back_off_doubles_to_its_most_and_starts_anew_after_a_good_while() -> None:
    backoff = BackOff(random.Random(1))
    waits = [backoff.after(UNREACHABLE) for _ in range(200)]
    assert all(w <= 2.0 for w in waits)
    assert waits[0] <= 0.5
    assert waits[0] < waits[1] < waits[2]
    assert len({round(w, 6) for w in waits[3:]}) > 100, "spread by chance"
    assert backoff.after(UNREACHABLE, lasted=60) <= 0.5


def test_a_camera_that_refuses_is_left_alone_for_a_minute_and_longer_each_time() -> None:
    backoff = BackOff()
    assert backoff.after(UNREACHABLE) < 1
    assert [backoff.after(REFUSED) for _ in range(5)] == [60, 120, 240, 480, 600]
