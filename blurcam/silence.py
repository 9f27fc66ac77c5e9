"""A detector that hangs, and what is said in its place: nobody waits for it twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blurcam.buffering import Errands, Order
from blurcam.detection import Answer, Detection, Detector
from blurcam.errors import DetectorTimeout
from blurcam.views import Searchable


class Attended:
    """A detector that is asked nothing while an answer is overdue: every search fails at once.

    So the frames of a camera are covered whole from the first time-out on, each as it comes, until
    the answer is there after all, late and thrown away.
    """

    def __init__(self, detector: Detector) -> None:
        """Take over the detector."""
        self._detector = detector
        self._overdue: list[Answer] = []
        self.late = 0  # answers that came after their time-out, and were thrown away
        self.name = detector.name
        self.threshold = detector.threshold
        self.smallest_face = detector.smallest_face

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Begin to search, or to fail."""
        waiting = [answer for answer in self._overdue if not answer.is_ready]
        self.late += len(self._overdue) - len(waiting)
        self._overdue[:] = waiting
        if self._overdue:
            return _Refused(f"{self.name}: an earlier answer is still overdue")
        return _Attended(self._detector.start(views), self._overdue)

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


@dataclass(frozen=True, slots=True)
class _Attended:
    answer: Answer
    overdue: list[Answer]

    @property
    def is_ready(self) -> bool:
        return self.answer.is_ready

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        try:
            return self.answer.wait(timeout)
        except DetectorTimeout:
            if not self.answer.is_ready:
                self.overdue.append(self.answer)
            raise


class Apart:
    """A detector that answers at once, in a thread of its own: one that hangs holds nobody up."""

    def __init__(self, detector: Detector) -> None:
        """Take over the detector."""
        self._detector = detector
        self._errands: Errands[Sequence[Searchable], tuple[Detection, ...]] = Errands(self._search)
        self.name = detector.name
        self.threshold = detector.threshold
        self.smallest_face = detector.smallest_face

    def _search(self, views: Sequence[Searchable]) -> tuple[Detection, ...]:
        return self._detector.start(views).wait(0.0)

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Have it searched."""
        return _Served(self.name, self._errands.order(views))

    def close(self) -> None:
        """Release the detector, once its thread has come to rest; one that hangs is left."""
        if self._errands.close():
            self._detector.close()


@dataclass(frozen=True, slots=True)
class _Served:
    name: str
    order: Order[tuple[Detection, ...]]

    @property
    def is_ready(self) -> bool:
        return self.order.is_ready

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        try:
            return self.order.wait(timeout)
        except TimeoutError:
            raise DetectorTimeout(f"{self.name}: no answer within {timeout:g} s") from None
