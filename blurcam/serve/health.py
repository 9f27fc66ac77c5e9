"""The health of all cameras: whether each is being redacted, and all recorded and published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from blurcam.runtime.status import CameraStatus
from blurcam.serve.camera_health import CameraHealth, Tone, age_within, judge, worst_first

_STARTING: Final = 120.0
# The supervisor replaces a camera whose detector has not answered for 5 s. If that has not happened
# after this many seconds, the supervisor itself hangs.
_SILENT: Final = 30.0


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """The answer to one question about all cameras, in words."""

    is_yes: bool
    tone: Tone
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """What all statuses mean together.

    ``redaction`` answers whether every camera is being redacted now, ``delivery`` whether
    everything is being recorded and published. ``look_at`` names the cameras with findings, the
    worst first.
    """

    redaction: HealthAnswer
    delivery: HealthAnswer
    is_ready: bool
    look_at: tuple[str, ...]
    cameras: tuple[CameraHealth, ...]

    @property
    def answers(self) -> tuple[HealthAnswer, HealthAnswer]:
        """Both answers, the worse one first."""
        is_worse = worst_first(self.delivery.tone) < worst_first(self.redaction.tone)
        if is_worse and self.delivery.tone != "off":
            return self.delivery, self.redaction
        return self.redaction, self.delivery

    @property
    def tone(self) -> Tone:
        """The worst of all cameras."""
        tones = [each.tone for each in self.answers] + [each.tone for each in self.cameras]
        tones = [each for each in tones if each != "off"]
        return min(tones, key=worst_first, default="off")

    @property
    def title(self) -> str:
        """Both answers in one line, the worse one first."""
        return ". ".join(each.title for each in self.answers if each.title)


def verdict(
    statuses: Sequence[CameraStatus], now: float, covered: Mapping[str, float] | None = None
) -> SiteHealth:
    """Judge every camera. Those stopped on purpose do not count; no camera at all is not good.

    ``covered`` has the share of each camera's latest frames that were fully covered.
    """
    shares = covered or {}
    judged = tuple(judge(status, now, shares.get(status.name, 0.0)) for status in statuses)
    counted = [each for each in judged if each.tone != "off"]
    ready = bool(statuses) and all(status.state != "starting" for status in statuses)
    if not counted:
        title = "No camera is running" if statuses else "There is no camera yet"
        redaction = HealthAnswer(False, "off", title, "Nothing is read, recorded or published.")
        return SiteHealth(redaction, HealthAnswer(True, "off", "", ""), ready, (), judged)
    worst = sorted(counted, key=lambda each: worst_first(each.tone))
    look_at = tuple(each.name for each in worst if each.tone != "good")
    return SiteHealth(_redaction(counted), _delivery(counted, statuses), ready, look_at, judged)


def _redaction(counted: list[CameraHealth]) -> HealthAnswer:
    redacted, most = sum(each.is_redacting for each in counted), len(counted)
    if redacted == most:
        title = f"{'Every' if most > 1 else 'The'} camera is being redacted now"
        why = "Faces are covered before anything is recorded or published."
        return HealthAnswer(True, "good", title, why)
    title = f"{redacted} of {most} cameras are being redacted now"
    if most == 1:
        title = "The camera is not being redacted now"
    tones = [each.findings[0].tone for each in counted if not each.is_redacting]
    tone: Tone = "bad" if "bad" in tones else "notice"
    return HealthAnswer(False, tone, title, "No frame with an uncovered face leaves.")


def _delivery(counted: list[CameraHealth], statuses: Sequence[CameraStatus]) -> HealthAnswer:
    recorded = [each for each in counted if each.is_recording is not None]
    published = [each for each in counted if each.is_publishing is not None]
    if not recorded and not published:
        return HealthAnswer(True, "off", "Nothing is set to be recorded or published", "")
    unrecorded = sum(not each.is_recording for each in recorded)
    unpublished = sum(not each.is_publishing for each in published)
    if not unrecorded + unpublished:
        done = [word for word, all_ in (("recorded", recorded), ("published", published)) if all_]
        return HealthAnswer(True, "good", f"Everything is being {' and '.join(done)}", "")
    missing = [
        f"{_count(some, len(all_), len(counted))} not being {done}"
        for some, all_, done in (
            (unrecorded, recorded, "recorded"),
            (unpublished, published, "published"),
        )
        if some
    ]
    title = ". ".join(missing)
    down = any(not output.up for status in statuses for output in status.outputs)
    why = "What is not recorded now is lost." if unrecorded else ""
    return HealthAnswer(False, "bad" if down else "notice", title, why)


def _count(some: int, most: int, cameras: int) -> str:
    if cameras == 1:
        return "The camera is"
    if most == 1:
        return "1 camera is"
    return f"{some} of {most} cameras {'is' if some == 1 else 'are'}"


def health_values(found: SiteHealth, *, with_cameras: bool) -> dict[str, Any]:
    """Return health as values for machines, under stable keys. ``with_cameras`` names each camera.

    ``recording`` and ``publishing`` are ``None`` if no camera has such an output.
    """
    counted = [each for each in found.cameras if each.tone != "off"]
    values: dict[str, Any] = {
        "redacting": found.redaction.is_yes,
        "recording": _all_of(each.is_recording for each in counted),
        "publishing": _all_of(each.is_publishing for each in counted),
        "ready": found.is_ready,
        "text": [answer.title for answer in found.answers if answer.title],
    }
    if with_cameras:
        values["cameras"] = {each.name: _camera_values(each) for each in found.cameras}
    return values


def _camera_values(camera: CameraHealth) -> dict[str, Any]:
    return {
        "redacting": camera.is_redacting,
        "recording": camera.is_recording,
        "publishing": camera.is_publishing,
        "stopped": camera.tone == "off",
        "findings": [
            {"kind": each.kind, "tone": each.tone, "title": each.title, "text": each.text}
            for each in camera.findings
        ],
    }


def _all_of(answers: Iterable[bool | None]) -> bool | None:
    known = [each for each in answers if each is not None]
    return all(known) if known else None


def is_moving(statuses: Sequence[CameraStatus], now: float) -> bool:
    """Whether every camera makes progress, or is in a state that explains why not.

    The watchdog asks this. If the answer is false, the supervisor no longer does its work, and the
    whole service must be restarted.
    """
    return all(_moves(status, now) for status in statuses)


def _moves(status: CameraStatus, now: float) -> bool:
    if status.state == "live":
        return age_within(status.last_detection, now, _SILENT) is not None
    if status.state in ("starting", "restarting"):
        return age_within(status.since, now, _STARTING) is not None
    return True
