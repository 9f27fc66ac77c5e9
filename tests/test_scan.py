from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from blurcam.detection import Answered, Detection, Unanswered
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.frames import Frame
from blurcam.regions import Box, Reason
from blurcam.scan import Plan, scan
from blurcam.streams import PIXEL_FORMATS
from blurcam.views import View, Viewpoint

FACE = (Detection(Box(1, 1, 3, 3), 0.9),)


def frame(seq: int, *, is_corrupt: bool = False) -> Frame:
    plane = np.full((8, 8), seq, np.uint8)
    return Frame((plane,), PIXEL_FORMATS["gray"], seq, seq, Fraction(1, 25), is_corrupt=is_corrupt)


class ScriptedAnswer:
    def __init__(self, outcome: tuple[Detection, ...] | DetectorError) -> None:
        self._outcome = outcome

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        if isinstance(self._outcome, DetectorError):
            raise self._outcome
        return self._outcome


class ScriptedDetector:
    """Answers frame n, which is a picture of grey n, with outcome n."""

    name = "scripted"
    threshold = 0.5
    smallest_face = 1

    def __init__(self, outcomes: dict[int, tuple[Detection, ...] | DetectorError]) -> None:
        self.outcomes = outcomes
        self.started: list[int] = []

    def start(self, views: Sequence[View]) -> ScriptedAnswer:
        seq = int(views[0].picture[0, 0, 0])
        self.started.append(seq)
        return ScriptedAnswer(self.outcomes.get(seq, ()))

    def close(self) -> None: ...


def test_every_frame_comes_out_once_in_order_with_its_own_answer() -> None:
    detector = ScriptedDetector({3: FACE})
    out = list(scan((frame(n) for n in range(6)), detector, Viewpoint(), Plan()))
    assert [f.seq for f, _ in out] == list(range(6))
    assert [finding for _, finding in out] == [Answered(FACE if n == 3 else ()) for n in range(6)]


def test_a_failed_search_is_not_an_empty_one() -> None:
    detector = ScriptedDetector({1: DetectorError("no"), 2: DetectorTimeout("slow")})
    out = [finding for _, finding in scan(map(frame, range(4)), detector, Viewpoint(), Plan())]
    assert out == [
        Answered(()),
        Unanswered(Reason.DETECTOR_FAILED),
        Unanswered(Reason.DETECTOR_SILENT),
        Answered(()),
    ]


def test_a_detector_that_cannot_begin_covers_the_frame() -> None:
    class Refusing(ScriptedDetector):
        def start(self, views: Sequence[View]) -> ScriptedAnswer:
            raise DetectorError("cannot begin")

    out = list(scan([frame(0)], Refusing({}), Viewpoint(), Plan()))
    assert out[0][1] == Unanswered(Reason.DETECTOR_FAILED)


def test_a_corrupt_frame_is_not_searched() -> None:
    detector = ScriptedDetector({})
    out = list(scan([frame(0, is_corrupt=True)], detector, Viewpoint(), Plan()))
    assert out[0][1] == Unanswered(Reason.CORRUPT)
    assert detector.started == []


def test_failures_in_a_row_end_the_run_and_an_answer_between_does_not() -> None:
    failing = {n: DetectorError("no") for n in (0, 1, 3, 4, 5)}
    plan = Plan(patience=3, in_flight=1)
    seen = []
    with pytest.raises(DetectorError, match="3 frames in a row"):
        for f, _ in scan(map(frame, range(9)), ScriptedDetector(failing), Viewpoint(), plan):
            seen.append(f.seq)
    assert seen == [0, 1, 2, 3, 4]


def test_searches_run_ahead_of_what_is_yielded() -> None:
    detector = ScriptedDetector({})
    out = scan(map(frame, range(9)), detector, Viewpoint(), Plan(in_flight=2))
    next(out)
    assert detector.started == [0, 1, 2]


def test_a_bug_in_a_detector_is_not_taken_for_a_failed_search() -> None:
    class Broken(ScriptedDetector):
        def start(self, views: Sequence[View]) -> ScriptedAnswer:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(scan([frame(0)], Broken({}), Viewpoint(), Plan()))
