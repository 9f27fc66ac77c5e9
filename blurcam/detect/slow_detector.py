"""A detector that hangs, and what is said in its place: nobody waits for it twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.detect.detector import Answer, Detection, Detector
from blurcam.detect.sheets import Searchable
from blurcam.errors import DetectorTimeout
from blurcam.media.clock import Clock
from blurcam.runtime.threads import Future, WorkerThread

# An answer is overdue after so many times as long as the slowest of the last ones took. The slowest
# of 132 looks at 1080p took three times as long as half of them.
_TIMES: Final = 4.0
_OF_LATE: Final = 50
# But no sooner than that, and not while so few are known: a network is prepared for each new size.
_LEAST_SECONDS: Final = 0.25
_FEWEST: Final = 10


class DeadlineDetector:
    """A detector whose answers are overdue soon, and that is asked nothing while one is.

    An answer is overdue once it takes several times as long as the slowest of late, or as long as
    whoever waits for it allows. From then on every search fails at once, so that the frames of a
    camera are covered whole, each as it comes, until the answer is there after all, late and
    thrown away. A detector that has become slow is known to be so from its first late answer.
    """

    def __init__(self, detector: Detector, clock: Clock) -> None:
        """Take over the detector."""
        self._detector = detector
        self._clock = clock
        self._took: deque[float] = deque(maxlen=_OF_LATE)
        self._overdue: list[_Attended] = []
        self.late = 0  # answers that came when they were overdue, and were thrown away
        self.name = detector.name
        self.threshold = detector.threshold
        self.smallest_face = detector.smallest_face

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Begin to search, or to fail."""
        waiting = [each for each in self._overdue if not each.has_come]
        self.late += len(self._overdue) - len(waiting)
        self._overdue[:] = waiting
        if self._overdue:
            return _Refused(f"{self.name}: an earlier answer is still overdue")
        return _Attended(self._detector.start(views), self, self._clock.elapsed())

    @property
    def patience(self) -> float:
        """How many seconds an answer may take that is asked for now."""
        if len(self._took) < _FEWEST:
            return float("inf")
        return max(_LEAST_SECONDS, _TIMES * max(self._took))

    def elapsed(self, since: float) -> float:
        """Return how many seconds ago that was."""
        return self._clock.elapsed() - since

    def came(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._took.append(seconds)

    def miss(self, answer: _Attended) -> None:
        """Note that an answer is overdue."""
        self._overdue.append(answer)

    def close(self) -> None:
        """Release the detector, unless it hangs: then only the end of the process does."""
        if not self._overdue:
            self._detector.close()


@dataclass(frozen=True, slots=True)
class _Refused:
    why: str
    is_ready: bool = True

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        del timeout
        raise DetectorTimeout(self.why)


class _Attended:
    """An answer that is overdue at some time."""

    def __init__(self, answer: Answer, attended: DeadlineDetector, asked: float) -> None:
        self._answer = answer
        self._attended = attended
        self._asked = asked
        self._patience = attended.patience
        self._has_come = False

    @property
    def has_come(self) -> bool:
        """Whether it is there."""
        if not self._has_come and self._answer.is_ready:
            self._note()
        return self._has_come

    def _note(self) -> None:
        """Note how long it took, once."""
        if not self._has_come:
            self._has_come = True
            self._attended.came(self._attended.elapsed(self._asked))

    @property
    def is_ready(self) -> bool:
        return self.has_come or self._left <= 0

    @property
    def _left(self) -> float:
        return self._patience - self._attended.elapsed(self._asked)

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        try:
            found = self._answer.wait(max(0.0, min(timeout, self._left)))
        except DetectorTimeout:
            if not self.has_come:
                self._attended.miss(self)
            raise
        self._note()
        return found


class ThreadedDetector:
    """A detector that answers at once, in a thread of its own: one that hangs holds nobody up."""

    def __init__(self, detector: Detector) -> None:
        """Take over the detector."""
        self._detector = detector
        self._worker: WorkerThread[Sequence[Searchable], tuple[Detection, ...]] = WorkerThread(
            self._search
        )
        self.name = detector.name
        self.threshold = detector.threshold
        self.smallest_face = detector.smallest_face

    def _search(self, views: Sequence[Searchable]) -> tuple[Detection, ...]:
        return self._detector.start(views).wait(0.0)

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Have it searched."""
        return _Served(self.name, self._worker.submit(views))

    def close(self) -> None:
        """Release the detector, once its thread has come to rest; one that hangs is left."""
        if self._worker.close():
            self._detector.close()


@dataclass(frozen=True, slots=True)
class _Served:
    name: str
    answer: Future[tuple[Detection, ...]]

    @property
    def is_ready(self) -> bool:
        return self.answer.done()

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        try:
            return self.answer.result(timeout)
        except TimeoutError:
            raise DetectorTimeout(f"{self.name}: no answer within {timeout:g} s") from None
