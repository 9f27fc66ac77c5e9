"""The history: the last ten minutes of every camera for the plots, and its events for the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from blurcam.runtime.status import CameraStatus
from blurcam.serve.camera_health import span

INTERVAL: Final = 2.0
_SAMPLES: Final = 300
_EVENTS: Final = 200
# This many samples are half a minute: within that a replaced detector works again.
_LATEST: Final = 16


@dataclass(frozen=True, slots=True)
class StatusSample:
    """The figures and counters of a camera at one moment."""

    number: int
    at: float
    redacted: int
    covered_whole: int
    withheld: int
    latency: float | None
    latency_p99: float | None
    faces: int
    queue_fill: float


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """Something that happened to a camera; ``tone`` as in :mod:`blurcam.serve.camera_health`."""

    number: int
    at: float
    camera: str
    text: str
    tone: str


class History:
    """Keeps samples and events in bounded memory.

    They are numbered in the order in which they came, since the wall clock may be set back.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._samples: dict[str, deque[StatusSample]] = {}
        self._events: deque[CameraEvent] = deque(maxlen=_EVENTS)
        self._last: dict[str, CameraStatus] = {}
        self._number = 0

    def take(self, statuses: Sequence[CameraStatus], now: float) -> None:
        """Take a sample of every camera, and note what has changed since the last one."""
        present = {status.name for status in statuses}
        for name in set(self._samples) - present:
            del self._samples[name]
            self._last.pop(name, None)
        for status in statuses:
            kept = self._samples.setdefault(status.name, deque(maxlen=_SAMPLES))
            self._number += 1
            kept.append(_sample(self._number, status, now))
            before = self._last.get(status.name)
            if before is not None:
                self._compare(before, status, now)
            self._last[status.name] = status

    def _compare(self, before: CameraStatus, after: CameraStatus, now: float) -> None:
        for reason, count in after.reconnects.items():
            more = count - before.reconnects.get(reason, 0)
            if more > 0:
                times = f" ({more} times)" if more > 1 else ""
                self._note(now, after.name, f"connection lost: {reason}{times}", "bad")
        if after.state != before.state:
            text = f"{_WORDS[before.state]} for {span(now - before.since)}, now {_now(after)}"
            self._note(now, after.name, text, _TONES[after.state])
        if after.overload != before.overload:
            text = _OVERLOAD[after.overload]
            tone = "notice" if after.overload in ("resolution", "frames") else "good"
            self._note(now, after.name, text, tone)
        were_up = {each.name: each.up for each in before.outputs}
        for output in after.outputs:
            if output.up != were_up.get(output.name, output.up):
                why = f": {output.error}" if output.error and not output.up else ""
                text = f"output {output.name} {'up again' if output.up else 'down'}{why}"
                self._note(now, after.name, text, "good" if output.up else "bad")

    def _note(self, now: float, camera: str, text: str, tone: str) -> None:
        self._number += 1
        self._events.append(CameraEvent(self._number, now, camera, text, tone))

    def covered(self) -> dict[str, float]:
        """Return the share of each camera's frames of the last half minute that were covered."""
        return {name: _covered_share(list(kept)[-_LATEST:]) for name, kept in self._samples.items()}

    def after(self, number: int) -> dict[str, Any]:
        """Return samples and events that came after this number, as values for JSON."""
        return {
            "interval": INTERVAL,
            "newest": self._number,
            "cameras": {
                name: [asdict(sample) for sample in kept if sample.number > number]
                for name, kept in self._samples.items()
            },
            "events": [asdict(event) for event in self._events if event.number > number],
        }


_WORDS: Final = {
    "starting": "starting",
    "live": "live",
    "lost": "lost",
    "backoff": "not connected",
    "refused": "refused",
    "restarting": "restarting",
    "stopped": "stopped",
}
_OVERLOAD: Final = {
    "none": "no longer overloaded",
    "rhythm": "under load: searching less often",
    "resolution": "overloaded: searching at a lower resolution, small faces may be missed",
    "frames": "overloaded: whole frames are left out",
}
_TONES: Final = {
    "starting": "notice",
    "live": "good",
    "lost": "bad",
    "backoff": "bad",
    "refused": "bad",
    "restarting": "notice",
    "stopped": "off",
}


def _now(status: CameraStatus) -> str:
    told = f": {status.last_error}" if status.last_error and status.state != "live" else ""
    return _WORDS[status.state] + told


def _covered_share(samples: list[StatusSample]) -> float:
    """Return the share of fully covered frames, 0 for too few frames to tell."""
    if len(samples) < _LATEST:
        return 0.0
    first, last = samples[0], samples[-1]
    covered = last.covered_whole - first.covered_whole
    frames = covered + last.redacted - first.redacted
    # Counters begin anew when a camera's process is replaced.
    return covered / frames if covered >= 0 and frames > 0 else 0.0


def _sample(number: int, status: CameraStatus, now: float) -> StatusSample:
    return StatusSample(
        number=number,
        at=round(now, 2),
        redacted=status.redacted,
        covered_whole=sum(status.covered_whole.values()),
        withheld=status.dropped + status.frozen,
        latency=status.latency_p50,
        latency_p99=status.latency_p99,
        faces=status.faces,
        queue_fill=status.queue_fill,
    )
