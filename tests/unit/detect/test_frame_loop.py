from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from unittest.mock import ANY

import cv2
import numpy as np
import pytest

from blurcam.detect.detector import Accounted, Answered, Detection, Finding, Unanswered, merge
from blurcam.detect.frame_loop import scan
from blurcam.detect.search import Search, SearchPass, SearchPasses
from blurcam.detect.search_chooser import MOST_FRAMES
from blurcam.detect.search_plan import SearchPlan
from blurcam.detect.sheets import Searchable, Sheet
from blurcam.detect.views import Viewpoint
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Box, Reason

FACE = (Detection(Box(1, 1, 3, 3), 0.9),)


def frame(seq: int, *, is_corrupt: bool = False) -> Frame:
    plane = np.full((8, 8), seq, np.uint8)
    return Frame((plane,), PIXEL_FORMATS["gray"], seq, seq, Fraction(1, 25), is_corrupt=is_corrupt)


def boxes(finding: Finding) -> list[Box]:
    assert isinstance(finding, Answered)
    return [each.box for each in finding.detections]


class ScriptedAnswer:
    is_ready = True

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

    def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
        seq = int(views[0].picture[0, 0, 0])
        self.started.append(seq)
        return ScriptedAnswer(self.outcomes.get(seq, ()))

    def close(self) -> None: ...


ALL = SearchPlan(rhythm=0, refresh=0, closely=True)


def searching(detector: ScriptedDetector) -> Search:
    return Search(detector, Viewpoint(), SearchPasses((SearchPass(1),), 0.5))


def test_every_frame_comes_out_once_in_order_with_its_own_answer() -> None:
    detector = ScriptedDetector({3: FACE})
    out = list(scan((frame(n) for n in range(6)), searching(detector), ALL))
    assert [f.seq for f, _ in out] == list(range(6))
    assert [boxes(finding) for _, finding in out] == [
        [FACE[0].box] if n == 3 else [] for n in range(6)
    ]


def test_a_failed_search_is_not_an_empty_one() -> None:
    detector = ScriptedDetector({1: DetectorError("no"), 2: DetectorTimeout("slow")})
    out = [finding for _, finding in scan(map(frame, range(4)), searching(detector), ALL)]
    assert out == [
        Answered(()),
        Unanswered(Reason.DETECTOR_FAILED),
        Unanswered(Reason.DETECTOR_SILENT),
        Answered(()),
    ]


def test_a_detector_that_cannot_begin_covers_the_frame() -> None:
    class Refusing(ScriptedDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            raise DetectorError("cannot begin")

    out = list(scan([frame(0)], searching(Refusing({})), ALL))
    assert out[0][1] == Unanswered(Reason.DETECTOR_FAILED)


def test_a_corrupt_frame_is_not_searched() -> None:
    detector = ScriptedDetector({})
    out = list(scan([frame(0, is_corrupt=True)], searching(detector), ALL))
    assert out[0][1] == Unanswered(Reason.CORRUPT)
    assert detector.started == []


def test_failures_in_a_row_end_the_run_and_an_answer_between_does_not() -> None:
    failing = {n: DetectorError("no") for n in (0, 1, 3, 4, 5)}
    plan = replace(ALL, patience=3)
    seen = []
    with pytest.raises(DetectorError, match="3 frames in a row"):
        for f, _ in scan(map(frame, range(9)), searching(ScriptedDetector(failing)), plan):
            seen.append(f.seq)
    assert seen == [0, 1, 2, 3, 4]


def test_frames_are_taken_while_a_search_is_under_way() -> None:
    """The next search has begun before the first frame leaves, and goes on while it is used."""
    detector = DarkDetector()
    taken: list[int] = []

    def frames() -> Iterator[Frame]:
        for n in range(20):
            taken.append(n)
            yield street(n, walked(n))

    out = scan(frames(), searching(detector), RHYTHM)
    assert next(out)[0].seq == 0
    assert len(taken) > 4
    assert len(detector.shown) > 1
    begun = len(detector.shown)
    assert next(out)[0].seq == 1
    assert len(detector.shown) - begun <= 1


def test_what_was_searched_comes_out_before_a_run_that_cannot_go_on_ends() -> None:
    class Tired(ScriptedDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            if int(views[0].picture[0, 0, 0]) >= 3:
                raise DetectorError("no more")
            return super().start(views)

    seen = []
    with pytest.raises(DetectorError, match="2 frames in a row"):
        for f, _ in scan(map(frame, range(9)), searching(Tired({})), replace(ALL, patience=2)):
            seen.append(f.seq)
    assert seen == [0, 1, 2, 3]


class SlowDetector(ScriptedDetector):
    """Sees nothing, and says so once ``has_answered``."""

    has_answered = False

    def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
        super().start(views)
        detector = self

        class Slow(ScriptedAnswer):
            @property
            def is_ready(self) -> bool:  # type: ignore[override]
                return detector.has_answered

        return Slow(())


def test_a_live_stream_waits_for_no_answer_that_is_not_needed() -> None:
    """An answer that is not there holds frames back; once it is there they go at the next frame."""
    detector = SlowDetector({})
    out = scan(map(street, range(4)), searching(detector), replace(RHYTHM, live=True))
    assert next(out)[0].seq == 0  # the end of the stream waits
    detector.has_answered = True
    taken: list[int] = []

    def frames() -> Iterator[Frame]:
        for n in range(4):
            taken.append(n)
            yield street(n)

    out = scan(frames(), searching(detector), replace(RHYTHM, live=True))
    assert next(out)[0].seq == 0
    assert taken == [0]


def test_an_answer_is_taken_in_between_two_frames_where_there_is_time() -> None:
    detector = SlowDetector({})

    def frames() -> Iterator[Frame | None]:
        yield street(0)
        yield None
        detector.has_answered = True
        yield None
        raise AssertionError("another frame was asked for")

    out = scan(frames(), searching(detector), replace(RHYTHM, live=True))
    assert next(out) == (ANY, Answered(()))


def test_a_bug_in_a_detector_is_not_taken_for_a_failed_search() -> None:
    class Broken(ScriptedDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(scan([frame(0)], searching(Broken({})), ALL))


SIDE = 320
RHYTHM = SearchPlan(refresh=2.0, rhythm=0.16, certain=0.5)


def street(seq: int, *things: Box, session: int = 0, light: int = 90) -> Frame:
    """A grey frame, 25 a second, with darker things on it."""
    plane = np.full((SIDE, SIDE), light, np.uint8)
    for box in things:
        plane[box.y0 : box.y1, box.x0 : box.x1] = 20
    time_base = Fraction(1, 25)
    return Frame((plane,), PIXEL_FORMATS["gray"], seq, seq, time_base, session=session)


class DarkDetector:
    """Finds every dark thing in what it is shown, and remembers what that was."""

    name = "dark"
    threshold = 0.1
    smallest_face = 1

    def __init__(self, confidence: float = 0.9) -> None:
        self.confidence = confidence
        self.shown: list[int] = []

    def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
        found = []
        for view in views:
            self.shown.append(view.picture.shape[0] * view.picture.shape[1])
            dark = (view.picture[..., 0] < 40).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
            for x, y, wide, high, _ in stats[1:].tolist():
                box = view.box(x, y, x + wide, y + high)
                if box is not None and high > 4:
                    found.append(Detection(box, self.confidence))
        return ScriptedAnswer(merge(found))

    def close(self) -> None: ...


def walked(n: int) -> Box:
    return Box(40 + 2 * n, 100, 60 + 2 * n, 124)


def looked(frames: list[Frame], detector: DarkDetector, plan: SearchPlan = RHYTHM) -> list[Finding]:
    return [finding for _, finding in scan(frames, searching(detector), plan)]


def test_between_the_looks_frames_are_skipped_and_the_last_never_is() -> None:
    findings = looked([street(n) for n in range(24)], DarkDetector())
    answered = [n for n, each in enumerate(findings) if isinstance(each, Answered)]
    assert answered == [0, 4, 8, 12, 16, 20, 23]
    assert all(isinstance(each, Answered | Accounted) for each in findings)


def test_what_moves_is_found_again_where_it_is() -> None:
    findings = looked([street(n, walked(n)) for n in range(41)], DarkDetector())
    for n, each in enumerate(findings):
        if isinstance(each, Answered):
            (face,) = each.detections
            assert face.box.iou(walked(n)) > 0.8, n


def test_what_stands_still_stays_known_without_being_looked_at() -> None:
    detector, still = DarkDetector(), Box(100, 100, 130, 140)
    findings = looked([street(n, still) for n in range(40)], detector)
    assert all(each.detections for each in findings if isinstance(each, Answered))
    assert len(detector.shown) == 1


def test_every_refresh_looks_at_everything() -> None:
    detector = DarkDetector()
    looked([street(n) for n in range(126)], detector)
    assert len(detector.shown) == 3
    assert min(detector.shown) >= SIDE * SIDE


def test_a_live_stream_is_looked_at_part_by_part() -> None:
    """All of it within every refresh, a part at a time: searching everything delays frames."""
    live = replace(RHYTHM, live=True)

    class Part(DarkDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            for view in views:
                for each in view.placed if isinstance(view, Sheet) else ():
                    area = each.view.area
                    last_seen[area.y0 : area.y1, area.x0 : area.x1] = frames_taken
            return super().start(views)

    last_seen = np.zeros((SIDE, SIDE), int)
    frames_taken = 0
    detector = Part()
    for frame, _ in scan((street(n) for n in range(201)), searching(detector), live):
        frames_taken = frame.seq
        assert frames_taken - last_seen.min() <= 25 * (2.0 + 0.4) + 2
    first, *others = detector.shown
    assert len(others) > 12
    assert max(others) < first / 2


def test_a_slow_change_is_looked_at_in_the_end() -> None:
    """Three levels a second are under the noise from frame to frame."""
    plan = replace(RHYTHM, refresh=60)
    detector = DarkDetector()
    looked([street(n, light=90 + n // 8) for n in range(126)], detector, plan)
    assert len(detector.shown) > 1


def test_what_comes_to_rest_is_looked_at_at_rest() -> None:
    plan = replace(RHYTHM, refresh=60)
    frames = [street(n, walked(min(n, 22))) for n in range(60)]
    *_, last = (f for f in looked(frames, DarkDetector(), plan)[:55] if isinstance(f, Answered))
    assert max(each.box.iou(walked(22)) for each in last.detections) > 0.99


def test_a_cut_is_looked_at_whole() -> None:
    detector = DarkDetector()
    looked([street(n, light=90 if n < 20 else 200) for n in range(40)], detector)
    assert len(detector.shown) == 2
    assert min(detector.shown) >= SIDE * SIDE


def test_a_new_session_is_looked_at_whole_and_the_old_one_to_its_end() -> None:
    findings = looked([street(n, session=n // 13) for n in range(26)], DarkDetector())
    answered = [n for n, each in enumerate(findings) if isinstance(each, Answered)]
    assert {0, 12, 13, 25} <= set(answered)


def test_a_weak_sighting_counts_where_a_face_just_was_and_nowhere_else() -> None:
    weak = DarkDetector(confidence=0.35)
    search = Search(weak, Viewpoint(), SearchPasses((SearchPass(1),), 0.3))
    frames = [street(n, walked(n)) for n in range(12)]
    known = [each for _, each in scan(frames, search, RHYTHM)]
    assert all(each.detections or each.followed for each in known if isinstance(each, Answered))
    frames = [street(n, *([walked(n)] if n > 2 else [])) for n in range(12)]
    unknown = [each for _, each in scan(frames, search, RHYTHM)]
    assert not any(each.detections for each in unknown if isinstance(each, Answered))


def test_after_a_failure_everything_is_looked_at_again() -> None:
    class Failing(DarkDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            answer = super().start(views)
            return ScriptedAnswer(DetectorError("no")) if len(self.shown) == 1 else answer

    detector = Failing()
    findings = looked([street(n, walked(0)) for n in range(30)], detector)
    assert findings[0] == Unanswered(Reason.DETECTOR_FAILED)
    later = [each for each in findings[20:] if isinstance(each, Answered)]
    assert later
    assert all(each.detections for each in later)


@pytest.mark.parametrize("live", [False, True])
def test_no_evidence_rests_on_a_failed_search(live: bool) -> None:
    """A face comes into view on a frame whose search fails: the frames behind it show it, too."""

    class Failing(DarkDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            answer = super().start(views)
            failing = any((view.picture[..., 0] < 40).any() for view in views) and not self.failed
            self.failed = self.failed or failing
            return Late(DetectorError("no")) if failing else answer

        failed = False

    class Late(ScriptedAnswer):
        is_ready = False

    frames = [street(n, *([walked(0)] if n > 3 else [])) for n in range(12)]
    findings = looked(frames, Failing(), replace(RHYTHM, live=live))
    for n, finding in enumerate(findings[4:], 4):
        shown = () if isinstance(finding, Unanswered) else finding.detections + finding.followed
        assert isinstance(finding, Unanswered) or shown, n
    assert isinstance(findings[4], Unanswered)
    assert not isinstance(findings[-1], Unanswered)


def flicker(seq: int) -> Frame:
    """A grey frame with a dark thing on every seventh."""
    return street(seq, *([Box(200, 60, 230, 96)] if seq % 7 == 3 else []))


def test_what_is_in_view_for_a_single_frame_is_found_on_it() -> None:
    plan = replace(RHYTHM, refresh=60)
    findings = looked([flicker(n) for n in range(60)], DarkDetector(), plan)
    for n, each in enumerate(findings):
        assert isinstance(each, Answered | Accounted)
        assert bool(each.detections) == (n % 7 == 3), n


@pytest.mark.parametrize("dense", [1, 20, 1000])
def test_no_time_stamps_stretch_the_frames_between_two_searches(dense: int) -> None:
    frames = [replace_pts(street(n, walked(n % 40)), n, Fraction(1, 25 * dense)) for n in range(80)]
    findings = looked(frames, DarkDetector())
    answered = [n for n, each in enumerate(findings) if isinstance(each, Answered)]
    assert max(b - a for a, b in pairwise(answered)) <= MOST_FRAMES


@pytest.mark.parametrize("rate", [1, 4, 5, 6])
def test_at_a_low_rate_every_frame_is_searched(rate: int) -> None:
    frames = [replace_pts(street(n), n, Fraction(1, rate)) for n in range(12)]
    assert all(isinstance(each, Answered) for each in looked(frames, DarkDetector()))


def replace_pts(frame: Frame, pts: int, time_base: Fraction) -> Frame:
    return Frame(frame.planes, frame.pixel_format, frame.seq, pts, time_base)


def test_a_moving_face_is_followed_between_two_searches() -> None:
    rng = np.random.default_rng(3)
    wall = rng.integers(80, 120, (SIDE, SIDE), np.uint8)
    face = rng.integers(0, 255, (6, 6), np.uint8).repeat(4, 0).repeat(4, 1)

    def scene(n: int) -> Frame:
        plane = wall.copy()
        plane[100:124, 40 + 3 * n : 64 + 3 * n] = face
        return Frame((plane,), PIXEL_FORMATS["gray"], n, n, Fraction(1, 25))

    class Once(ScriptedDetector):
        def start(self, views: Sequence[Searchable]) -> ScriptedAnswer:
            self.started.append(0)
            first = (Detection(Box(40, 100, 64, 124), 0.9),)
            return ScriptedAnswer(first if len(self.started) == 1 else ())

    _, *others = scan((scene(n) for n in range(4)), searching(Once({})), RHYTHM)
    for n, (_, finding) in enumerate(others[:2], 1):
        assert isinstance(finding, Accounted)
        (there,) = finding.followed
        assert there.box.iou(Box(40 + 3 * n, 100, 64 + 3 * n, 124)) > 0.75, n
