"""What one camera is doing, as its run notes it, and as others are told."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from blurcam.detect.detector import Answered, Finding, Unanswered
from blurcam.errors import (
    DetectorError,
    SourceError,
    SourceOpenError,
    SourceReadError,
    SourceRefused,
    SourceTimeout,
)
from blurcam.media.clock import Clock
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Coverage, Reason
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.status import CameraStatus, OutputStatus, Overload, State

_LATENCY_SECONDS: Final = 30.0
# From the first frame that was fully covered since the detector was silent for too long (a quarter
# of a second to one, see ``slow_detector``), or failed, until its process is replaced: five in all.
_SPEECHLESS_SECONDS: Final = 4.5
# So long without a frame is a loss, whatever the connection says.
_SILENT_SECONDS: Final = 2.0


@dataclass(slots=True)
class CameraState:
    """What a camera's run knows of itself; times of day in seconds since 1970.

    ``shown`` is when a frame last left, or a session began. ``latencies`` are the last half
    minute's, each with when it was noted on the clock that never steps.
    """

    since: float
    shown: float
    state: State = "starting"
    next_try: float | None = None
    last_error: str | None = None
    last_detection: float | None = None
    faces: int = 0
    smallest_face: float | None = None
    plan_for: float | None = None
    overload: Overload = "none"
    queue_fill: float = 0.0
    packet_loss: int = 0
    reconnects: Counter[str] = field(default_factory=Counter)
    latencies: deque[tuple[float, float]] = field(default_factory=deque)
    stages: dict[str, float] = field(default_factory=dict)

    @classmethod
    def starting(cls, clock: Clock) -> CameraState:
        """Return the state of a camera that has done nothing yet."""
        return cls(clock.wall(), clock.elapsed())

    def enter(self, state: State, clock: Clock, *, next_try: float | None = None) -> None:
        """Be in a state from now on; ``next_try`` is in seconds from now."""
        if state != self.state or self._is_silent(clock):
            self.state, self.since = state, clock.wall()
        self.next_try = None if next_try is None else clock.wall() + next_try

    def connecting(self, clock: Clock) -> None:
        """Note the start of a session."""
        self.enter("starting", clock)
        self.shown = clock.elapsed()

    def failed(self, error: SourceError) -> None:
        """Note why a session ended."""
        self.reconnects[reason_of(error)] += 1
        self.last_error = str(error)

    def note_shown(self, coverage: Coverage, wall_time: float, clock: Clock) -> None:
        """Note that a frame left, ``wall_time`` being when the camera's arrived."""
        if coverage.reason is Reason.CORRUPT:
            self.enter("lost", clock)
        elif coverage.reason is None:
            self.enter("live", clock)
        elif self.seen(clock)[0] == "lost":
            self.enter("starting", clock)
        now = self.shown = clock.elapsed()
        self.faces = len(
            {r.track for r in coverage.regions if r.basis not in (Basis.ZONE, Basis.WHOLE)}
        )
        self.latencies.append((now, max(0.0, clock.wall() - wall_time)))
        while now - self.latencies[0][0] > _LATENCY_SECONDS:
            self.latencies.popleft()

    def note_stage(self, name: str, seconds: float) -> None:
        """Note how long a stage took for each recent frame; told as a running mean."""
        before = self.stages.get(name, seconds)
        self.stages[name] = before + 0.2 * (seconds - before)

    def _is_silent(self, clock: Clock) -> bool:
        return self.state == "live" and clock.elapsed() - self.shown > _SILENT_SECONDS

    def seen(self, clock: Clock) -> tuple[State, float]:
        """Return the state, and since when: a live camera without frames is lost."""
        if self._is_silent(clock):
            return "lost", clock.wall() - (clock.elapsed() - self.shown - _SILENT_SECONDS)
        return self.state, self.since


def status_of(
    name: str,
    state: CameraState,
    counts: FrameCounts,
    outputs: tuple[OutputStatus, ...],
    clock: Clock,
) -> CameraStatus:
    """Return what a camera is doing as of now; it changes nothing."""
    seen, since = state.seen(clock)
    latencies = sorted(seconds for _, seconds in tuple(state.latencies))
    return CameraStatus(
        name=name,
        state=seen,
        since=since,
        next_try=state.next_try,
        frames_in=counts.frames_in,
        redacted=counts.redacted,
        covered_whole={reason.value: n for reason, n in counts.covered_whole.items()},
        dropped=counts.dropped,
        frozen=counts.frozen,
        faces=state.faces if seen == "live" else 0,
        tracks=counts.tracks,
        ignored=counts.ignored,
        last_detection=state.last_detection,
        smallest_face=state.smallest_face,
        plan_for=state.plan_for,
        overload=state.overload,
        latency_p50=_quantile(latencies, 0.5),
        latency_p99=_quantile(latencies, 0.99),
        queue_fill=state.queue_fill,
        stages=dict(state.stages),
        reconnects=dict(state.reconnects),
        packet_loss=state.packet_loss,
        outputs=outputs,
        last_error=state.last_error,
    )


def note_answers(
    found: Iterable[tuple[Frame, Finding]],
    state: CameraState,
    late: Callable[[], int],
    clock: Clock,
) -> Iterator[tuple[Frame, Finding]]:
    """Yield what was found, noting when the detector last answered.

    Raises DetectorError once it has said nothing for five seconds: a new process may fare better.
    ``late`` counts answers that came too late: a detector that gives such is slow, not hung.
    """
    silent_since: float | None = None
    heard = late()
    for frame, finding in found:
        if isinstance(finding, Answered):
            state.last_detection, silent_since = clock.wall(), None
        elif isinstance(finding, Unanswered) and finding.reason is not Reason.CORRUPT:
            now = clock.elapsed()
            if late() > heard:
                heard, silent_since = late(), None
            silent_since = now if silent_since is None else silent_since
            if now - silent_since > _SPEECHLESS_SECONDS:
                raise DetectorError("the detector has not answered for 5 s")
        yield frame, finding


def reason_of(error: SourceError) -> str:
    """Return in a word why a session ended, to count by."""
    for kind, word in (
        (SourceRefused, "refused"),
        (SourceTimeout, "silent"),
        (SourceOpenError, "unreachable"),
        (SourceReadError, "ended"),
    ):
        if isinstance(error, kind):
            return word
    return "failed"


def _quantile(values: list[float], part: float) -> float | None:
    return values[min(len(values) - 1, int(part * len(values)))] if values else None
