"""The frame loop: which frames are searched, how closely, and what came of it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blurcam.detection import Answer, Answered, Detector, Finding, Unanswered
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.frames import Frame
from blurcam.regions import Reason
from blurcam.stats import Trouble
from blurcam.views import Viewpoint

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stream is searched.

    ``scale`` is the height of the view over that of the frame. ``in_flight`` frames may be
    searched at once. ``timeout`` seconds without an answer cover a frame whole, and after
    ``patience`` such or failed frames in a row the run ends.
    """

    scale: float = 1.0
    in_flight: int = 2
    timeout: float = 10.0
    patience: int = 25


def scan(
    frames: Iterable[Frame], detector: Detector, viewpoint: Viewpoint, plan: Plan
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame with what the detector says of it, in order.

    Inference of the next frames runs while the caller works on this one. Raises
    :class:`DetectorError` once the detector has failed ``plan.patience`` frames in a row.
    """
    waiting: deque[tuple[Frame, Answer | Finding]] = deque()
    verdict = _Verdict(plan)
    for frame in frames:
        waiting.append((frame, _start(frame, detector, viewpoint, plan)))
        if len(waiting) > plan.in_flight:
            yield verdict.of(*waiting.popleft())
    while waiting:
        yield verdict.of(*waiting.popleft())


def _start(frame: Frame, detector: Detector, viewpoint: Viewpoint, plan: Plan) -> Answer | Finding:
    if frame.is_corrupt:
        return Unanswered(Reason.CORRUPT)
    try:
        return detector.start([viewpoint.view(frame, plan.scale)])
    except DetectorError as exc:
        return _Failed(exc)


@dataclass(frozen=True, slots=True)
class _Failed:
    """The answer of a detector that could not even begin."""

    error: DetectorError

    def wait(self, timeout: float) -> tuple[()]:
        del timeout
        raise self.error


class _Verdict:
    """Turns answers into findings, and loses patience."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._failures = 0
        self._trouble = Trouble(logger, "frames not searched and covered whole")

    def of(self, frame: Frame, answer: Answer | Finding) -> tuple[Frame, Finding]:
        """Return the frame with what is now known of it."""
        if isinstance(answer, Finding):
            return frame, answer
        try:
            detections = answer.wait(self._plan.timeout)
        except DetectorError as exc:
            return frame, self._failed(frame, exc)
        self._failures = 0
        return frame, Answered(detections)

    def _failed(self, frame: Frame, error: DetectorError) -> Unanswered:
        self._failures += 1
        self._trouble.add(f"frame {frame.seq} at {float(frame.time):.3f} s: {error}")
        if self._failures >= self._plan.patience:
            raise DetectorError(
                f"the detector failed {self._failures} frames in a row, last: {error}"
            ) from error
        silent = isinstance(error, DetectorTimeout)
        return Unanswered(Reason.DETECTOR_SILENT if silent else Reason.DETECTOR_FAILED)
