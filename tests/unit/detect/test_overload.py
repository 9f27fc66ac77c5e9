"""Overload: first longer between searches, then coarser searches, then fewer frames; and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from blurcam.detect.detector import Answered
from blurcam.detect.frame_loop import SearchPlan, scan
from blurcam.detect.overload import OverloadControl, overload_levels
from blurcam.detect.overload_search import coarser, finest, full_resolution, levels_for
from blurcam.detect.profiles import passes_for, plan_of
from blurcam.settings.redaction import Detect
from tests.support.clocks import HandClock
from tests.unit.detect.test_frame_loop import ScriptedDetector, frame, searching

SHARP = Detect()
COARSE = Detect(plan_for=24)


def press(control: OverloadControl, clock: HandClock, fill: float, seconds: float) -> None:
    for _ in range(round(seconds * 15)):
        clock.now += 1 / 15
        control.note_load(fill, 0)


def test_the_ladder_goes_from_rhythm_to_resolution_and_no_lower_than_planned() -> None:
    levels = overload_levels(0.4)
    assert [r.stretch for r in levels[:3]] == [0, 0.5, 1]
    assert all(r.scale == 1 for r in levels[:3])
    assert all(a.scale > b.scale and b.stretch == 1 for a, b in pairwise(levels[2:]))
    assert levels[-1].scale == 0.4
    assert len(overload_levels(1.0)) == 3


def test_only_plan_for_lets_the_resolution_sink() -> None:
    assert all(level.scale == 1 for level in levels_for(SHARP, 0.1, 1920, 1080))
    lowest = levels_for(COARSE, 0.1, 1920, 1080)[-1].scale
    at_rest = full_resolution(COARSE, 0.1, 1920, 1080)
    assert at_rest == passes_for(SHARP, 0.1, 1920, 1080)
    assert finest(coarser(at_rest, lowest)) == finest(passes_for(COARSE, 0.1, 1920, 1080))
    # One that asks for more than the profile gives has it, and keeps it.
    fine = replace(COARSE, plan_for=6)
    assert full_resolution(fine, 0.1, 1920, 1080) == passes_for(fine, 0.1, 1920, 1080)
    assert all(level.scale == 1 for level in levels_for(fine, 0.1, 1920, 1080))


def test_who_keeps_up_stays_at_ease() -> None:
    clock = HandClock()
    control = OverloadControl(clock, overload_levels(0.5))
    for _ in range(60):
        press(control, clock, 0.9, 0.4)  # a large search, now and then
        press(control, clock, 0.0, 0.4)
    assert control.overload == "none"


def test_lasting_pressure_climbs_the_ladder_and_its_end_climbs_down() -> None:
    clock = HandClock()
    control = OverloadControl(clock, overload_levels(0.5))
    seen = []
    for _ in range(50):
        press(control, clock, 0.9, 0.2)
        seen.append(control.overload)
    assert sorted(set(seen), key=seen.index) == ["none", "rhythm", "resolution"]
    assert control.level.scale == 0.5
    press(control, clock, 0.0, 45)
    assert control.overload == "none"


def test_what_is_dropped_while_a_session_begins_is_no_pressure() -> None:
    clock = HandClock()
    control = OverloadControl(clock, overload_levels(1.0))
    control.restart()
    for dropped in range(30):
        clock.now += 0.09
        control.note_load(1.0, dropped)
    assert control.overload == "none"
    press(control, clock, 0.0, 1)
    control.note_load(1.0, 31)
    assert control.overload == "frames"


def test_a_rung_that_was_left_too_early_is_kept_longer_each_time() -> None:
    clock = HandClock()
    control = OverloadControl(clock, overload_levels(1.0))
    kept = []
    for _ in range(4):
        while control.overload == "none":
            press(control, clock, 0.9, 0.1)
        began = clock.now
        while control.overload != "none":
            press(control, clock, 0.0, 0.1)
        kept.append(clock.now - began)
    assert all(b > 1.8 * a for a, b in pairwise(kept))


@pytest.mark.parametrize("now", [1.7, 7.0, 1234.567])
def test_a_dropped_frame_is_pressure_though_the_queue_is_empty_now(now: float) -> None:
    """It was not where 0.6 s behind came out as 0.5999999999999996."""
    clock = HandClock(now)
    control = OverloadControl(clock, overload_levels(1.0))
    control.note_load(0.0, 1)
    assert control.level.stretch > 0


def test_dropped_frames_are_told_and_forgotten() -> None:
    clock = HandClock()
    control = OverloadControl(clock, overload_levels(1.0))
    control.note_load(1.0, 3)
    assert control.overload == "frames"
    press(control, clock, 0.0, 6)
    assert control.overload != "frames"


class Pressed(OverloadControl):
    """As far up as it goes."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock, overload_levels(1.0)[-1:])


def searched_at(plan: SearchPlan, control: OverloadControl | None) -> list[float]:
    # 25 frames a second, each unlike the one before, so that every search has something new.
    frames = (frame(n) for n in range(50))
    out = scan(frames, searching(ScriptedDetector({})), plan, control)
    return [float(f.time) for f, finding in out if isinstance(finding, Answered)]


def apart(times: list[float]) -> Iterator[float]:
    return (round(b - a, 6) for a, b in pairwise(times))


def test_under_pressure_looks_are_as_far_apart_as_the_look_ahead_allows_and_no_further() -> None:
    plan = replace(plan_of(SHARP, passes_for(SHARP, 0.1, 8, 8), live=True), refresh=9)
    assert set(apart(searched_at(plan, None))) == {0.16}
    assert set(apart(searched_at(plan, Pressed(HandClock())))) == {0.32}


def test_overload_does_not_stretch_a_rhythm_beyond_the_one_that_was_asked_for() -> None:
    slow = replace(SHARP, rhythm=0.32)
    plan = plan_of(slow, passes_for(slow, 0.1, 8, 8), live=True)
    assert set(apart(searched_at(plan, Pressed(HandClock())))) == {0.32}
