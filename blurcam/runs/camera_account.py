"""What one camera is doing, gathered while it does it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
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
# From the first frame that was covered whole since the detector was silent for too long (a quarter
# of a second to one, see ``silence``), or failed, until its process is replaced: five in all.
_SPEECHLESS_SECONDS: Final = 4.5
# So long without a picture is a loss, whatever the connection says.
_SILENT_SECONDS: Final = 2.0


class StatusRecorder:
    """Keeps a camera's books: its state, its latency, its reconnects."""

    def __init__(self, name: str, tally: FrameCounts, clock: Clock) -> None:
        """Begin with a camera that is starting."""
        self.name = name
        self.tally = tally
        self.smallest_face: float | None = None
        self.plan_for: float | None = None
        self.overload: Overload = "none"
        self.queue_fill = 0.0
        self.packet_loss = 0
        self._clock = clock
        self._state: State = "starting"
        self._since = clock.wall()
        self._next_try: float | None = None
        self._last_error: str | None = None
        self._last_detection: float | None = None
        self._faces = 0
        self._reconnects: Counter[str] = Counter()
        self._latencies: deque[tuple[float, float]] = deque()
        self._stages: dict[str, float] = {}
        self._shown_at = clock.elapsed()

    def enter(self, state: State, *, next_try: float | None = None) -> None:
        """Be in a state from now on; ``next_try`` is in seconds from now."""
        if state != self._state:
            self._state, self._since = state, self._clock.wall()
        self._next_try = None if next_try is None else self._clock.wall() + next_try

    def connecting(self) -> None:
        """Note the start of a session."""
        self._shown_at = self._clock.elapsed()
        self.enter("starting")

    def failed(self, error: SourceError) -> None:
        """Note why a session ended."""
        self._reconnects[reason_of(error)] += 1
        self._last_error = str(error)

    def broken(self, error: Exception) -> None:
        """Note what else went wrong."""
        self._last_error = str(error)

    def answers(
        self, found: Iterable[tuple[Frame, Finding]], late: Callable[[], int]
    ) -> Iterator[tuple[Frame, Finding]]:
        """Yield what was found, noting when the detector last answered.

        Raises DetectorError once it has said nothing for five seconds: a new process may fare
        better. ``late`` counts answers that came too late: who gives such is slow, and lives.
        """
        silent_since: float | None = None
        heard = late()
        for frame, finding in found:
            if isinstance(finding, Answered):
                self._last_detection, silent_since = self._clock.wall(), None
            elif isinstance(finding, Unanswered) and finding.reason is not Reason.CORRUPT:
                now = self._clock.elapsed()
                if late() > heard:
                    heard, silent_since = late(), None
                silent_since = now if silent_since is None else silent_since
                if now - silent_since > _SPEECHLESS_SECONDS:
                    raise DetectorError("the detector has not answered for 5 s")
            yield frame, finding

    def shown(self, coverage: Coverage, wall_time: float) -> None:
        """Note that a picture left, ``wall_time`` being when the camera's arrived."""
        now = self._clock.elapsed()
        self._shown_at = now
        self._faces = len(
            {r.track for r in coverage.regions if r.basis not in (Basis.ZONE, Basis.WHOLE)}
        )
        self._latencies.append((now, max(0.0, self._clock.wall() - wall_time)))
        while now - self._latencies[0][0] > _LATENCY_SECONDS:
            self._latencies.popleft()
        if coverage.reason is Reason.CORRUPT:
            self.enter("lost")
        elif coverage.reason is None:
            self.enter("live")
        elif self._state == "lost":
            self.enter("starting")

    def stage(self, name: str, seconds: float) -> None:
        """Note how long a stage took for a frame of late; told as a running mean."""
        before = self._stages.get(name, seconds)
        self._stages[name] = before + 0.2 * (seconds - before)

    def status(self, outputs: tuple[OutputStatus, ...] = ()) -> CameraStatus:
        """Return all of it as of now."""
        silent = self._clock.elapsed() - self._shown_at > _SILENT_SECONDS
        if silent and self._state == "live":
            self.enter("lost")
        tally = self.tally
        latencies = sorted(seconds for _, seconds in tuple(self._latencies))
        return CameraStatus(
            name=self.name,
            state=self._state,
            since=self._since,
            next_try=self._next_try,
            frames_in=tally.frames_in,
            redacted=tally.redacted,
            covered_whole={reason.value: n for reason, n in tally.covered_whole.items()},
            dropped=tally.dropped,
            frozen=tally.frozen,
            faces=self._faces if self._state == "live" else 0,
            tracks=tally.tracks,
            last_detection=self._last_detection,
            smallest_face=self.smallest_face,
            plan_for=self.plan_for,
            overload=self.overload,
            latency_p50=_quantile(latencies, 0.5),
            latency_p99=_quantile(latencies, 0.99),
            queue_fill=self.queue_fill,
            stages=dict(self._stages),
            reconnects=dict(self._reconnects),
            packet_loss=self.packet_loss,
            outputs=outputs,
            last_error=self._last_error,
        )


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
