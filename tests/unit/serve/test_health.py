"""The answers to: is every camera being redacted, and is everything recorded and published?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import pytest

from blurcam.runtime.status import CameraStatus, OutputStatus, State
from blurcam.serve.camera_health import FRESH, judge, span
from blurcam.serve.health import health_values, is_moving, verdict

NOW = 1_800_000_000.0
RECORDED = OutputStatus(name="/media/door/%H.mp4", up=True)
PUBLISHED = OutputStatus(name="rtsp://localhost:8554/door", up=True)
LIVE = CameraStatus(
    name="door",
    state="live",
    since=NOW - 60,
    last_detection=NOW - 0.2,
    outputs=(RECORDED, PUBLISHED),
)
FULL = replace(RECORDED, up=False, error="/media/door: the disk is full")
REFUSED = replace(PUBLISHED, up=False, error="rtsp://localhost:8554/door: refused")


def in_state(state: State) -> CameraStatus:
    return replace(LIVE, state=state)


def test_a_live_camera_whose_detector_has_just_answered_is_being_redacted() -> None:
    judged = judge(LIVE, NOW)
    assert judged.is_redacting
    assert judged.is_recording
    assert judged.is_publishing
    assert judged.findings == ()
    assert judged.why == "Faces are covered. The detector answered just now."
    found = verdict((LIVE, replace(LIVE, name="yard")), NOW)
    assert [answer.title for answer in found.answers] == [
        "Every camera is being redacted now",
        "Everything is being recorded and published",
    ]
    assert found.tone == "good"


@pytest.mark.parametrize("state", sorted(set(get_args(State)) - {"live"}))
def test_no_other_state_counts_as_being_redacted_or_recorded(state: State) -> None:
    judged = judge(in_state(state), NOW)
    assert not judged.is_redacting
    assert not judged.is_recording
    assert not judged.is_publishing
    assert not verdict((in_state(state),), NOW).redaction.is_yes


@pytest.mark.parametrize("answered", [None, NOW - FRESH - 0.1, NOW + 3600])
def test_a_detector_that_is_silent_or_answers_in_the_future_is_not_now(
    answered: float | None,
) -> None:
    judged = judge(replace(LIVE, last_detection=answered), NOW)
    assert not judged.is_redacting
    assert (judged.tone, judged.title) == ("bad", "The detector does not answer")


def test_one_camera_that_is_not_redacted_is_named_and_spoils_the_verdict() -> None:
    found = verdict((LIVE, replace(LIVE, name="yard", state="lost")), NOW)
    assert not found.redaction.is_yes
    assert found.is_ready
    assert found.redaction.title == "1 of 2 cameras are being redacted now"
    assert found.delivery.title == (
        "1 of 2 cameras is not being recorded. 1 of 2 cameras is not being published"
    )
    assert found.look_at == ("yard",)


def test_a_camera_stopped_on_purpose_spoils_nothing() -> None:
    assert verdict((LIVE, in_state("stopped")), NOW).redaction.is_yes
    assert verdict((LIVE, in_state("stopped")), NOW).delivery.is_yes


def test_no_camera_at_all_is_not_well() -> None:
    assert not verdict((), NOW).redaction.is_yes
    assert not verdict((), NOW).is_ready
    assert not verdict((in_state("stopped"),), NOW).redaction.is_yes


def test_ready_means_that_no_camera_is_still_starting() -> None:
    assert not verdict((LIVE, in_state("starting")), NOW).is_ready
    assert verdict((LIVE, in_state("backoff")), NOW).is_ready


def test_a_camera_that_sees_less_than_planned_raises_an_alarm() -> None:
    judged = judge(replace(LIVE, smallest_face=24, plan_for=16), NOW)
    assert (judged.tone, judged.title) == ("notice", "Live, small faces may be missed")
    assert "Faces smaller than 24 px may be missed (plan_for: 16 px)" in judged.why
    assert judge(replace(LIVE, smallest_face=16, plan_for=16), NOW).tone == "good"


def test_two_troubles_at_once_are_both_told_the_worst_first() -> None:
    troubled = replace(LIVE, overload="frames", outputs=(REFUSED, FULL))
    judged = judge(troubled, NOW)
    assert judged.is_redacting
    assert judged.is_recording is False
    assert judged.is_publishing is False
    assert [(each.kind, each.tone) for each in judged.findings] == [
        ("storage", "bad"),
        ("outputs", "bad"),
        ("searching", "notice"),
    ]
    assert (judged.title, judged.why) == ("Not recorded", "/media/door: the disk is full")
    found = verdict((troubled, replace(LIVE, name="yard")), NOW)
    assert found.redaction.is_yes
    assert not found.delivery.is_yes
    assert [answer.title for answer in found.answers] == [
        "1 of 2 cameras is not being recorded. 1 of 2 cameras is not being published",
        "Every camera is being redacted now",
    ]
    assert found.tone == "bad"


def test_a_camera_that_shows_next_to_nothing_is_not_simply_live() -> None:
    """As with a detector that answers too slowly: nothing leaks, and nothing is to be seen."""
    judged = judge(LIVE, NOW, 0.9)
    assert judged.is_redacting
    assert (judged.tone, judged.title) == ("bad", "Live, frames are fully covered")
    assert judge(LIVE, NOW, 0.3).tone == "good"
    assert verdict((LIVE,), NOW, {"door": 0.9}).tone == "bad"


def test_outputs_that_are_down_are_told_of_a_camera_that_is_lost_too() -> None:
    judged = judge(replace(LIVE, state="lost", outputs=(FULL,)), NOW)
    assert [each.title for each in judged.findings] == ["Lost", "Not recorded"]


def test_without_outputs_there_is_nothing_to_record_or_publish() -> None:
    found = verdict((replace(LIVE, outputs=()),), NOW)
    assert found.delivery.is_yes
    values = health_values(found, with_cameras=False)
    assert values["recording"] is None
    assert values["publishing"] is None


def test_recordings_under_a_clock_that_was_never_set_are_told() -> None:
    early = replace(LIVE, since=0.0, last_detection=59.8)
    (finding,) = judge(early, 60.0).findings
    assert (finding.kind, finding.tone) == ("time", "notice")


def test_health_for_machines_has_keys_that_stay() -> None:
    statuses = (replace(LIVE, outputs=(FULL, PUBLISHED)), replace(LIVE, name="yard"))
    values = health_values(verdict(statuses, NOW), with_cameras=True)
    assert json.loads(json.dumps(values)) == {
        "redacting": True,
        "recording": False,
        "publishing": True,
        "ready": True,
        "text": ["1 of 2 cameras is not being recorded", "Every camera is being redacted now"],
        "cameras": {
            "door": {
                "redacting": True,
                "recording": False,
                "publishing": True,
                "stopped": False,
                "findings": [
                    {
                        "kind": "storage",
                        "tone": "bad",
                        "title": "Not recorded",
                        "text": "/media/door: the disk is full",
                    }
                ],
            },
            "yard": {
                "redacting": True,
                "recording": True,
                "publishing": True,
                "stopped": False,
                "findings": [],
            },
        },
    }
    assert "cameras" not in health_values(verdict(statuses, NOW), with_cameras=False)


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
