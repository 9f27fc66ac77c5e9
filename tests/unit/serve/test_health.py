"""The answer to: is every camera being redacted now?"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from blurcam.runtime.status import CameraStatus, OutputStatus, State
from blurcam.serve.health import FRESH, is_moving, judge, span, verdict

NOW = 1_800_000_000.0
LIVE = CameraStatus(name="door", state="live", since=NOW - 60, last_detection=NOW - 0.2)


def in_state(state: State) -> CameraStatus:
    return replace(LIVE, state=state)


def test_a_live_camera_whose_detector_has_just_answered_is_being_redacted() -> None:
    judged = judge(LIVE, NOW)
    assert judged.is_redacting
    assert judged.why == "Faces are covered; the detector answered just now."
    assert verdict((LIVE, replace(LIVE, name="yard")), NOW).is_redacting


@pytest.mark.parametrize("state", sorted(set(get_args(State)) - {"live"}))
def test_no_other_state_counts_as_being_redacted(state: State) -> None:
    assert not judge(in_state(state), NOW).is_redacting
    assert not verdict((in_state(state),), NOW).is_redacting


@pytest.mark.parametrize("answered", [None, NOW - FRESH - 0.1, NOW + 3600])
def test_a_detector_that_is_silent_or_answers_in_the_future_is_not_now(
    answered: float | None,
) -> None:
    judged = judge(replace(LIVE, last_detection=answered), NOW)
    assert not judged.is_redacting
    assert judged.tone == "bad"


def test_one_camera_that_is_not_redacted_is_named_and_spoils_the_verdict() -> None:
    found = verdict((LIVE, replace(LIVE, name="yard", state="lost")), NOW)
    assert not found.is_redacting
    assert found.is_ready
    assert found.title == "1 of 2 cameras are being redacted now"
    assert found.look_at == ("yard",)


def test_a_camera_stopped_on_purpose_spoils_nothing() -> None:
    assert verdict((LIVE, in_state("stopped")), NOW).is_redacting


def test_no_camera_at_all_is_not_well() -> None:
    assert not verdict((), NOW).is_redacting
    assert not verdict((), NOW).is_ready
    assert not verdict((in_state("stopped"),), NOW).is_redacting


def test_ready_means_that_no_camera_is_still_starting() -> None:
    assert not verdict((LIVE, in_state("starting")), NOW).is_ready
    assert verdict((LIVE, in_state("backoff")), NOW).is_ready


def test_a_camera_that_sees_less_than_planned_raises_an_alarm() -> None:
    judged = judge(replace(LIVE, smallest_face=24, plan_for=16), NOW)
    assert judged.tone == "notice"
    assert "faces of less than 24 px may be missed; planned are 16 px" in judged.why
    assert judge(replace(LIVE, smallest_face=16, plan_for=16), NOW).tone == "good"


def test_an_output_that_is_down_is_told_with_its_reason() -> None:
    outputs = (
        OutputStatus(name="recordings", up=False, error="disk full"),
        OutputStatus(name="rtsp", up=True),
    )
    judged = judge(replace(LIVE, outputs=outputs), NOW)
    assert judged.is_redacting
    assert judged.why == "1 of 2 outputs down. recordings: disk full"


def test_back_off_says_when_the_next_try_is_and_what_went_wrong() -> None:
    waiting = replace(in_state("refused"), next_try=NOW + 42, last_error="401 Unauthorized")
    assert "next try in 42 s" in judge(waiting, NOW).why
    assert judge(waiting, NOW).why.endswith("401 Unauthorized")
    assert "trying again now" in judge(replace(waiting, next_try=NOW - 1), NOW).why


def test_the_watchdog_bites_only_where_nothing_explains_the_silence() -> None:
    assert is_moving((LIVE, in_state("lost"), in_state("backoff"), in_state("refused")), NOW)
    assert not is_moving((LIVE, replace(LIVE, last_detection=NOW - 31)), NOW)
    assert is_moving((replace(in_state("starting"), since=NOW - 119),), NOW)
    assert not is_moving((replace(in_state("starting"), since=NOW - 121),), NOW)


def test_durations_read_as_people_say_them() -> None:
    assert [span(s) for s in (0.24, 9.96, 119, 121, 7100, 7300, 200_000)] == [
        "0.2 s", "10 s", "119 s", "2 min", "118 min", "2 h", "2 days",
    ]  # fmt: skip
