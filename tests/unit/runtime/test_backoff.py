"""How long a camera is left alone between two attempts."""

from __future__ import annotations

import random

from blurcam.runtime.backoff import REFUSED, UNREACHABLE, BackOff


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
