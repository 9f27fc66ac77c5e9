"""Deadlines for a detector: after one missed deadline every search fails at once.

That lasts until the detector answers.
"""

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

# An answer is overdue after this many times as long as the slowest of the recent ones took. Of 132
# searches at 1080p the slowest took three times as long as the median.
_TIMES: Final = 4.0
_RECENT: Final = 50
# An answer is never overdue sooner than this, nor while fewer than this many answers are known:
# the network is prepared anew for each new size of its input.
_LEAST_SECONDS: Final = 0.25
_FEWEST: Final = 10


class DeadlineDetector:
    """Gives each answer of a detector a deadline, and starts no search while one is overdue.

    An answer is overdue once it takes several times as long as the slowest of the recent ones, or
    as long as the caller of ``wait()`` allows. From then on every search fails at once, so that a
    camera's frames are fully covered, each as it comes. That ends when the overdue answer comes,
    which is discarded. So one late answer is enough to show that a detector has become slow.
    """

    def __init__(self, detector: Detector, clock: Clock) -> None:
        """Take over the detector."""
        self._detector = detector
        self._clock = clock
        self._took: deque[float] = deque(maxlen=_RECENT)
        self._overdue: list[_WithDeadline] = []
        self.late = 0  # answers that came when they were overdue, and were discarded
        self.name = detector.name
        self.threshold = detector.threshold
        self.smallest_face = detector.smallest_face

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Begin to search; the answer fails at once if an earlier one is overdue."""
        waiting = [each for each in self._overdue if not each.has_come]
        self.late += len(self._overdue) - len(waiting)
        self._overdue[:] = waiting
        if self._overdue:
            return _Refused(f"{self.name}: an earlier answer is still overdue")
        return _WithDeadline(self._detector.start(views), self, self._clock.elapsed())

    @property
    def patience(self) -> float:
        """How many seconds the next answer may take."""
        if len(self._took) < _FEWEST:
            return float("inf")
        return max(_LEAST_SECONDS, _TIMES * max(self._took))

    def elapsed(self, since: float) -> float:
        """Return how many seconds ago that was."""
        return self._clock.elapsed() - since

    def came(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._took.append(seconds)

    def miss(self, answer: _WithDeadline) -> None:
        """Note that an answer is overdue."""
        self._overdue.append(answer)

    def close(self) -> None:
        """Release the detector, unless it hangs: then only the end of the process releases it."""
        if not self._overdue:
            self._detector.close()


@dataclass(frozen=True, slots=True)
class _Refused:
    why: str
    is_ready: bool = True

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        del timeout
        raise DetectorTimeout(self.why)


class _WithDeadline:
    """An answer with a deadline."""

    def __init__(self, answer: Answer, detector: DeadlineDetector, asked: float) -> None:
        self._answer = answer
        self._detector = detector
        self._asked = asked
        self._patience = detector.patience
        self._has_come = False

    @property
    def has_come(self) -> bool:
        """Whether the answer is there."""
        if not self._has_come and self._answer.is_ready:
            self._note()
        return self._has_come

    def _note(self) -> None:
        """Note how long it took, once."""
        if not self._has_come:
            self._has_come = True
            self._detector.came(self._detector.elapsed(self._asked))

    @property
    def is_ready(self) -> bool:
        return self.has_come or self._left <= 0

    @property
    def _left(self) -> float:
        return self._patience - self._detector.elapsed(self._asked)

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        try:
            found = self._answer.wait(max(0.0, min(timeout, self._left)))
        except DetectorTimeout:
            if not self.has_come:
                self._detector.miss(self)
            raise
        self._note()
        return found


class ThreadedDetector:
    """Runs a detector in a thread of its own, so that one that hangs holds nothing up."""

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
        """Begin to search in the thread."""
        return _Served(self.name, self._worker.submit(views))

    def close(self) -> None:
        """Release the detector once its thread has ended; a detector that hangs is left."""
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
