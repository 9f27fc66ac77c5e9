"""Is every camera being redacted now? The answer, and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from blurcam.runtime.status import CameraStatus

Tone = Literal["good", "notice", "bad", "off"]
"""All is well; works, and wants a look; no redacted picture leaves; stopped on purpose."""

FRESH: Final = 5.0
"""Seconds for which an answer of the detector counts as now: a silent one is replaced by then."""
_STARTING: Final = 120.0
# A camera's supervisor acts on a silent detector after 5 s; if nothing came of it by now, the
# supervisor is what hangs.
_SILENT: Final = 30.0


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """What one camera's status means: whether it is being redacted, and in words."""

    name: str
    is_redacting: bool
    tone: Tone
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """What all statuses mean together; ``look_at`` names the cameras that are not simply well."""

    is_redacting: bool
    is_ready: bool
    tone: Tone
    title: str
    why: str
    look_at: tuple[str, ...]
    cameras: tuple[CameraHealth, ...]


def verdict(statuses: Sequence[CameraStatus], now: float) -> SiteHealth:
    """Judge every camera; those stopped on purpose do not count, and none at all is not well."""
    judged = tuple(judge(status, now) for status in statuses)
    counted = [each for each in judged if each.tone != "off"]
    covered = sum(each.is_redacting for each in counted)
    ready = bool(statuses) and all(status.state != "starting" for status in statuses)
    if not counted:
        title = "No camera is running" if statuses else "There is no camera yet"
        why = "Nothing is read, stored or forwarded."
        return SiteHealth(False, ready, "off", title, why, (), judged)
    look_at = tuple(each.name for each in counted if each.tone != "good")
    if covered == len(counted):
        title = (
            "Every camera is being redacted now"
            if covered > 1
            else "The camera is being redacted now"
        )
        why = "Faces are covered before anything is stored or forwarded."
        tone: Tone = "notice" if look_at else "good"
        return SiteHealth(True, ready, tone, title, why, look_at, judged)
    title = f"{covered} of {len(counted)} cameras are being redacted now"
    if len(counted) == 1:
        title = "The camera is not being redacted now"
    tone = "bad" if any(each.tone == "bad" for each in counted) else "notice"
    why = "No picture with a face left uncovered goes out."
    return SiteHealth(False, ready, tone, title, why, look_at, judged)


def judge(status: CameraStatus, now: float) -> CameraHealth:
    """Say what a camera's status means at the time ``now``."""
    return _JUDGES[status.state](status, now)


def is_moving(statuses: Sequence[CameraStatus], now: float) -> bool:
    """Whether every camera makes progress, or is in a state that explains why not.

    What the watchdog asks: a false answer means that the supervisor itself no longer does its
    work, and that the whole service should be started anew.
    """
    return all(_moves(status, now) for status in statuses)


def _moves(status: CameraStatus, now: float) -> bool:
    if status.state == "live":
        return _age(status.last_detection, now, _SILENT) is not None
    if status.state in ("starting", "restarting"):
        return _age(status.since, now, _STARTING) is not None
    return True


def _age(moment: float | None, now: float, most: float) -> float | None:
    """Return how long ago it was, ``None`` if never or longer than ``most``.

    A moment that far in the future is no better: the clock has stepped back, and nothing is known.
    """
    if moment is None or abs(now - moment) > most:
        return None
    return max(0.0, now - moment)


def _live(status: CameraStatus, now: float) -> CameraHealth:
    age = _age(status.last_detection, now, FRESH)
    if age is None:
        when = "has not answered yet"
        if status.last_detection is not None:
            when = f"last answered {span(now - status.last_detection)} ago"
        why = f"The detector {when}: whole pictures are covered until it does."
        return CameraHealth(status.name, False, "bad", "Detector silent", why)
    down = [each for each in status.outputs if not each.up]
    if status.overload in ("resolution", "frames") or _is_short_sighted(status):
        title = "Live, overloaded" if status.overload == "frames" else "Live, short-sighted"
        return CameraHealth(status.name, True, "notice", title, _overloaded(status))
    if down:
        first = down[0]
        reason = f": {first.error}" if first.error else ""
        why = f"{len(down)} of {len(status.outputs)} outputs down. {first.name}{reason}"
        return CameraHealth(status.name, True, "notice", "Live, output down", why)
    why = f"Faces are covered; the detector answered {_ago(age)}."
    return CameraHealth(status.name, True, "good", "Live", why)


def _is_short_sighted(status: CameraStatus) -> bool:
    smallest, planned = status.smallest_face, status.plan_for
    return smallest is not None and planned is not None and smallest > planned


def _overloaded(status: CameraStatus) -> str:
    what = "Overloaded: "
    if status.overload == "frames":
        what += "whole frames are left out, and "
    if status.smallest_face is not None:
        what += f"faces of less than {status.smallest_face:.0f} px may be missed"
        if status.plan_for is not None:
            what += f"; planned are {status.plan_for:.0f} px"
    return f"{what}. Give it fewer cameras, a smaller picture or a GPU."


def _starting(status: CameraStatus, now: float) -> CameraHealth:
    del now
    why = "Whole pictures are covered until the detector has answered once."
    return CameraHealth(status.name, False, "notice", "Starting", why)


def _lost(status: CameraStatus, now: float) -> CameraHealth:
    why = (
        f"No usable picture for {span(now - status.since)}: the last covered one stays, or a grey "
        f"one is shown, until the camera is back.{_told(status)}"
    )
    return CameraHealth(status.name, False, "bad", "Lost", why)


def _backoff(status: CameraStatus, now: float) -> CameraHealth:
    why = f"Not connected for {span(now - status.since)}; {_next(status, now)}.{_told(status)}"
    return CameraHealth(status.name, False, "bad", "Reconnecting", why)


def _refused(status: CameraStatus, now: float) -> CameraHealth:
    why = (
        f"The camera refuses the user name or the password; {_next(status, now)}, since cameras "
        f"lock out who tries too often.{_told(status)}"
    )
    return CameraHealth(status.name, False, "bad", "Refused", why)


def _restarting(status: CameraStatus, now: float) -> CameraHealth:
    del now
    why = "Its process is being replaced; nothing leaves until the new one has looked."
    return CameraHealth(status.name, False, "notice", "Restarting", why)


def _stopped(status: CameraStatus, now: float) -> CameraHealth:
    why = f"Stopped on purpose {span(now - status.since)} ago; nothing is read.{_told(status)}"
    return CameraHealth(status.name, False, "off", "Stopped", why)


_JUDGES: Final[dict[str, Callable[[CameraStatus, float], CameraHealth]]] = {
    "live": _live,
    "starting": _starting,
    "lost": _lost,
    "backoff": _backoff,
    "refused": _refused,
    "restarting": _restarting,
    "stopped": _stopped,
}


def _ago(age: float) -> str:
    return "just now" if age < 1.5 else f"{span(age)} ago"


def _next(status: CameraStatus, now: float) -> str:
    if status.next_try is None or status.next_try <= now:
        return "trying again now"
    return f"next try in {span(status.next_try - now)}"


def _told(status: CameraStatus) -> str:
    return f" The last error: {status.last_error}" if status.last_error else ""


def span(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = abs(seconds)
    if whole < 9.95:
        return f"{whole:.1f} s"
    for limit, unit, text in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if whole < limit:
            return f"{whole / unit:.0f} {text}"
    return f"{whole / 86_400:.0f} days"
