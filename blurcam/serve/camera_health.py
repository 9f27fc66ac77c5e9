"""What one camera's status means: is it redacted, recorded and published, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from blurcam.runtime.status import CameraStatus, OutputStatus

Tone = Literal["good", "notice", "bad", "off"]
"""Good; works, but needs attention; does not do what it should; stopped on purpose."""

FindingKind = Literal["connection", "searching", "storage", "outputs", "time"]
"""The subject of a finding; equally bad findings come in this order."""

FRESH: Final = 5.0
"""Seconds for which an answer of the detector is recent. After that the supervisor replaces it."""
# 2020-01-01: a wall clock before this was never set.
_NEVER_SET: Final = 1_577_836_800.0
# A share of the latest frames. A start and single late answers cover less than this.
_MOST_COVERED: Final = 0.5
_WORST_FIRST: Final = ("bad", "notice", "off", "good")


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One thing that is wrong with a camera, and what to do about it."""

    kind: FindingKind
    tone: Tone
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """What a camera's status means, in words; ``findings`` tell what is wrong, the worst first.

    ``is_recording`` and ``is_publishing`` are ``None`` if the camera has no such output. ``title``
    and ``why`` are those of the worst finding.
    """

    name: str
    is_redacting: bool
    is_recording: bool | None
    is_publishing: bool | None
    tone: Tone
    title: str
    why: str
    findings: tuple[HealthFinding, ...]


def worst_first(tone: Tone) -> int:
    """Return the rank of a tone: the worst is 0."""
    return _WORST_FIRST.index(tone)


def judge(status: CameraStatus, now: float, covered: float = 0.0) -> CameraHealth:
    """Return what a camera's status means at the time ``now`` of the wall clock.

    ``covered`` is the share of its latest frames that were fully covered.
    """
    own = (_live if status.state == "live" else _not_live)(status, now)
    found = [] if own is None else [own]
    if status.state == "live":
        found += _covered(covered)
    if status.state != "stopped":
        found += [*_searching(status), *_outputs(status), *_time(status, now)]
    found.sort(key=lambda each: worst_first(each.tone))
    is_redacting = status.state == "live" and own is None
    first = found[0] if found else _well(status, now)
    return CameraHealth(
        status.name,
        is_redacting=is_redacting,
        is_recording=_delivers(status, [o for o in status.outputs if not is_published(o)]),
        is_publishing=_delivers(status, [o for o in status.outputs if is_published(o)]),
        tone=first.tone,
        title=first.title,
        why=first.text,
        findings=tuple(found),
    )


def is_published(output: OutputStatus) -> bool:
    """Return whether an output goes to a server and not to disk; its name is its address."""
    return "://" in output.name


def age_within(moment: float | None, now: float, most: float) -> float | None:
    """Return the age of a moment; ``None`` for never, for more than ``most``, or in the future.

    A moment far in the future is from another setting of the clock, so that its age is not known.
    """
    if moment is None or abs(now - moment) > most:
        return None
    return max(0.0, now - moment)


def _delivers(status: CameraStatus, outputs: list[OutputStatus]) -> bool | None:
    if not outputs or status.state == "stopped":
        return None
    return status.state == "live" and all(each.up for each in outputs)


def _well(status: CameraStatus, now: float) -> HealthFinding:
    age = age_within(status.last_detection, now, FRESH) or 0.0
    when = "just now" if age < 1.5 else f"{span(age)} ago"
    return HealthFinding(
        "searching", "good", "Live", f"Faces are covered. The detector answered {when}."
    )


def _live(status: CameraStatus, now: float) -> HealthFinding | None:
    if age_within(status.last_detection, now, FRESH) is not None:
        return None
    when = "has not answered yet"
    if status.last_detection is not None:
        when = f"last answered {span(now - status.last_detection)} ago"
    return HealthFinding(
        "searching",
        "bad",
        "The detector does not answer",
        f"The detector {when}. Frames are fully covered until it does.",
    )


def _covered(share: float) -> Iterator[HealthFinding]:
    if share > _MOST_COVERED:
        yield HealthFinding(
            "searching",
            "bad",
            "Live, frames are fully covered",
            f"{100 * share:.0f} % of the latest frames were fully covered, so that little can be "
            "seen. The counts of this camera tell why. Most often the detector is too slow.",
        )


def _searching(status: CameraStatus) -> Iterator[HealthFinding]:
    smallest, planned = status.smallest_face, status.plan_for
    is_coarse = smallest is not None and planned is not None and smallest > planned
    if status.overload not in ("resolution", "frames") and not is_coarse:
        return
    drops = status.overload == "frames"
    text = "Overloaded. " if status.overload != "none" else ""
    text += "Whole frames are left out. " if drops else ""
    if smallest is not None:
        text += f"Faces smaller than {smallest:.0f} px may be missed"
        text += f" (plan_for: {planned:.0f} px). " if planned is not None else ". "
    text += "Use fewer cameras, a smaller frame size or a GPU."
    title = "Live, frames are left out" if drops else "Live, small faces may be missed"
    yield HealthFinding("searching", "notice", title, text)


def _outputs(status: CameraStatus) -> Iterator[HealthFinding]:
    down = [each for each in status.outputs if not each.up]
    for each in sorted(down, key=is_published):  # recordings first: what they miss is lost
        text = each.error or f"{each.name}: down, for a reason that is not known"
        if is_published(each):
            yield HealthFinding("outputs", "bad", "Not published", text)
        else:
            yield HealthFinding("storage", "bad", "Not recorded", text)


def _time(status: CameraStatus, now: float) -> Iterator[HealthFinding]:
    if now < _NEVER_SET and any(not is_published(each) for each in status.outputs):
        yield HealthFinding(
            "time",
            "notice",
            "Live, the clock is not set",
            "The clock of this machine was never set: recordings are named by a wrong time.",
        )


def _not_live(status: CameraStatus, now: float) -> HealthFinding:
    """Return the finding of a camera that is not live."""
    tone, title, text = _STATES[status.state]
    told = f" The last error: {status.last_error}" if status.last_error else ""
    since, attempt = span(now - status.since), _next(status, now)
    return HealthFinding(
        "connection", tone, title, text.format(since=since, attempt=attempt, told=told)
    )


_STATES: Final[dict[str, tuple[Tone, str, str]]] = {
    "starting": (
        "notice",
        "Starting",
        "Frames are fully covered until the detector has answered once.",
    ),
    "lost": (
        "bad",
        "Lost",
        "No usable frame for {since}. The last redacted frame stays, or a grey one is shown, until "
        "the camera is back.{told}",
    ),
    "backoff": ("bad", "Reconnecting", "Not connected for {since}; {attempt}.{told}"),
    "refused": (
        "bad",
        "Refused",
        "The camera rejects the user name or the password; {attempt}. Cameras lock out clients "
        "that try too often.{told}",
    ),
    "restarting": (
        "notice",
        "Restarting",
        "Its process is being replaced. Nothing leaves until the new one has searched.",
    ),
    "stopped": ("off", "Stopped", "Stopped on purpose {since} ago. Nothing is read.{told}"),
}


def _next(status: CameraStatus, now: float) -> str:
    if status.next_try is None or status.next_try <= now:
        return "trying again now"
    return f"next try in {span(status.next_try - now)}"


def span(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = abs(seconds)
    if whole < 9.95:
        return f"{whole:.1f} s"
    for limit, unit, text in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if whole < limit:
            return f"{whole / unit:.0f} {text}"
    return f"{whole / 86_400:.0f} days"
