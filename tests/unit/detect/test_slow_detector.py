"""A detector that hangs and one that is slow: the first is known soon, the second is not it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from blurcam.detect.detector import Answered, Detection, Unanswered
from blurcam.detect.frame_loop import SearchPlan, scan
from blurcam.detect.overload import OverloadControl, overload_levels
from blurcam.detect.overload_search import OverloadSearch
from blurcam.detect.search import SearchPass, SearchPasses
from blurcam.detect.sheets import Searchable
from blurcam.detect.slow_detector import DeadlineDetector
from blurcam.detect.views import Viewpoint
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Reason
from blurcam.runs.camera_status import CameraState, note_answers
from tests.support.clocks import HandClock

NEVER = float("inf")


@dataclass
class Paced:
    """Answers after so many seconds of a hand clock, times the ``share`` of a close search."""

    clock: HandClock
    seconds: float
    share: Callable[[], float] = lambda: 1.0
    name: str = "paced"
    threshold: float = 0.5
    smallest_face: int = 1
    asked: list[float] = field(default_factory=list)

    def start(self, views: Sequence[Searchable]) -> PacedAnswer:
        self.asked.append(self.clock.now)
        return PacedAnswer(self.clock, self.clock.now + self.seconds * self.share())

    def close(self) -> None: ...


@dataclass
class PacedAnswer:
    clock: HandClock
    ready: float

    @property
    def is_ready(self) -> bool:
        return self.clock.now >= self.ready

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        if self.ready > self.clock.now + timeout:
            self.clock.now += timeout
            raise DetectorTimeout("no answer")
        self.clock.now = max(self.clock.now, self.ready)
        return ()


def accustomed(clock: HandClock, seconds: float) -> tuple[Paced, DeadlineDetector]:
    """Return a detector that has answered after so many seconds often enough."""
    paced = Paced(clock, seconds)
    guarded = DeadlineDetector(paced, clock)
    for _ in range(10):
        guarded.start(()).wait(1)
    return paced, guarded


@pytest.mark.parametrize(("usual", "given_up"), [(0.01, 0.25), (0.1, 0.4), (0.4, 1.0)])
def test_a_detector_that_falls_silent_is_given_up_soon_and_asked_nothing(
    usual: float, given_up: float
) -> None:
    clock = HandClock()
    paced, guarded = accustomed(clock, usual)
    paced.seconds, began = NEVER, clock.now
    with pytest.raises(DetectorTimeout):
        guarded.start(()).wait(1)
    assert clock.now - began == pytest.approx(given_up)
    asked = len(paced.asked)
    with pytest.raises(DetectorTimeout, match="still overdue"):
        guarded.start(()).wait(1)
    assert clock.now - began == pytest.approx(given_up)
    assert len(paced.asked) == asked


def test_an_answer_is_taken_for_overdue_though_nobody_waits_for_it() -> None:
    clock = HandClock()
    paced, guarded = accustomed(clock, 0.1)
    paced.seconds = NEVER
    answer = guarded.start(())
    assert not answer.is_ready
    clock.now += 0.41
    assert answer.is_ready


def test_who_becomes_slow_is_late_once_and_waited_for_from_then_on() -> None:
    clock = HandClock()
    paced, guarded = accustomed(clock, 0.1)
    paced.seconds = 0.7
    with pytest.raises(DetectorTimeout):
        guarded.start(()).wait(1)
    clock.now += 0.4
    assert guarded.start(()).wait(1) == ()
    assert guarded.late == 1


def test_nothing_is_overdue_while_little_is_known() -> None:
    clock = HandClock()
    paced = Paced(clock, 0.01)
    guarded = DeadlineDetector(paced, clock)
    guarded.start(()).wait(1)
    paced.seconds = 0.9
    assert guarded.start(()).wait(1) == ()


SIDE = 64


def picture(seq: int) -> Frame:
    """A picture unlike the one before, so that there is always something to look at."""
    plane = np.full((SIDE, SIDE), 40 + seq % 2 * 120, np.uint8)
    return Frame((plane,), PIXEL_FORMATS["gray"], seq, seq, Fraction(1, 25))


@dataclass
class Box:
    """A camera's chain from frame to finding, in front of a paced detector."""

    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.control = OverloadControl(self.clock, overload_levels(0.25))
        self.paced = Paced(self.clock, 0.05, lambda: self.control.level.scale**2)
        self.guarded = DeadlineDetector(self.paced, self.clock)
        self.state = CameraState.starting(self.clock)
        self.found: list[tuple[float, object]] = []
        self.dropped = 0

    def frames(self, seconds: float, slow_from: float, slow: float) -> Iterator[Frame]:
        """Yield 25 frames a second; from a time on the detector takes ``slow`` seconds."""
        for n in range(round(seconds * 25)):
            self.clock.now = max(self.clock.now, n / 25)
            if n / 25 >= slow_from:
                self.paced.seconds = slow
            lag = self.clock.now - n / 25
            if lag > 0.5:
                self.dropped += 1
                continue
            self.control.note_load(lag / 0.5, self.dropped)
            yield picture(n)

    def run(self, seconds: float, slow_from: float, slow: float) -> None:
        passes = SearchPasses((SearchPass(1),), 0.5)
        search = OverloadSearch(self.guarded, Viewpoint(), passes, self.control)
        plan = SearchPlan(
            rhythm=0.2, refresh=0.2, longest=0.3, timeout=1.0, patience=10**6, live=True
        )
        scanned = scan(self.frames(seconds, slow_from, slow), search, plan, self.control)
        for frame, finding in note_answers(
            scanned, self.state, lambda: self.guarded.late, self.clock
        ):
            self.found.append((float(frame.time), finding))


def test_a_detector_that_is_slow_but_alive_is_looked_with_less_closely_and_not_replaced() -> None:
    """Looks that take two seconds, twice what is waited for, become coarser until they are in time.

    It fails where ``note_answers`` does not ask how many came late: then the run ends
    after five seconds. And where the level never rises: then frames are fully covered for ever.
    """
    box = Box()
    box.run(60, slow_from=5, slow=2.0)
    assert box.guarded.late > 2
    assert box.control.level.scale < 1
    last = [finding for when, finding in box.found if when > 50]
    assert len(last) > 200
    assert not any(isinstance(each, Unanswered) for each in last)
    assert any(isinstance(each, Answered) for each in last)


def test_a_detector_that_is_silent_is_replaced_and_not_eased() -> None:
    """The same box, but nothing comes any more: whole frames at once, and then the end."""
    box = Box()
    with pytest.raises(DetectorError, match="not answered for 5 s"):
        box.run(60, slow_from=5, slow=NEVER)
    assert 9.5 < box.clock.now < 10.8
    assert box.control.overload == "none"
    silent = [when for when, each in box.found if each == Unanswered(Reason.DETECTOR_SILENT)]
    assert min(silent) < 5.3
    # Once the first is known to be overdue all of them are, one after the other.
    assert all(b - a < 0.05 for a, b in pairwise(silent[1:]))
    assert silent[1] < 5.3
    assert silent[-1] > 9
