"""Rolled heads: what passes over the turned frame find, when they are made, and what is told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from blurcam.detect.detector import Detection
from blurcam.detect.frame_loop import scan
from blurcam.detect.search import Search, SearchPass, SearchPasses
from blurcam.detect.search_plan import SearchPlan
from blurcam.detect.sheets import Searchable, Sheet
from blurcam.detect.turned import TURNS, TurnedCamera, TurnedSearch
from blurcam.detect.views import View, Viewpoint
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

WIDE, HIGH = 320, 240
FACE = Box(100, 80, 148, 140)
WHOLE = Box(0, 0, WIDE, HIGH)
PASSES = SearchPasses((SearchPass(1), SearchPass(2, below=80)), 0.27, turns=TURNS)


def frame(number: int = 0, face: Box = FACE) -> Frame:
    """Return a frame with something dark where the face is, which is darkest at its top."""
    luma = np.full((HIGH, WIDE), 200, np.uint8)
    luma[:8, :8] = 90 + number % 100
    luma[face.y0 : face.y1, face.x0 : face.x1] = 60
    luma[face.y0 : face.y0 + 20, face.x0 : face.x1] = 20
    return Frame((luma,), PIXEL_FORMATS["gray"], number, number, Fraction(1, 25))


class Rolled:
    """Sees the face only on frames that are turned by ``turn``."""

    name = "rolled"
    threshold = 0.1
    smallest_face = 1

    def __init__(self, turn: int, confidence: float = 0.9) -> None:
        self.turn = turn
        self.confidence = confidence
        self.shown: list[tuple[int, Box]] = []

    def start(self, views: Sequence[Searchable]) -> Rolled.Answer:
        found: list[Detection] = []
        for each in views:
            for view in [p.view for p in each.placed] if isinstance(each, Sheet) else [each]:
                assert isinstance(view, View)
                self.shown.append((view.rotation, view.area))
                inside = view.area.intersection(FACE)
                if view.rotation == self.turn and inside == FACE:
                    found.append(Detection(FACE, self.confidence))
        return Rolled.Answer(tuple(found[:1]))

    def close(self) -> None: ...

    class Answer:
        is_ready = True

        def __init__(self, found: tuple[Detection, ...]) -> None:
            self._found = found

        def wait(self, timeout: float) -> tuple[Detection, ...]:
            del timeout
            return self._found


@pytest.mark.parametrize("turn", TURNS)
def test_a_close_search_finds_a_rolled_head_and_says_how_it_is_turned(turn: int) -> None:
    (face,) = Search(Rolled(turn), Viewpoint(), PASSES).start(frame()).wait(1)
    assert (face.box, face.turned) == (FACE, turn)


def test_a_turned_pass_counts_half() -> None:
    assert not Search(Rolled(90, 0.5), Viewpoint(), PASSES).start(frame()).wait(1)
    assert Search(Rolled(0, 0.5), Viewpoint(), PASSES).start(frame()).wait(1)


def test_a_face_that_is_seen_both_ways_is_one_face() -> None:
    class Both(Rolled):
        def start(self, views: Sequence[Searchable]) -> Rolled.Answer:
            upright = isinstance(views[0], View) and views[0].rotation == 0
            return Rolled.Answer((Detection(FACE, 0.6 if upright else 0.9),))

    (face,) = Search(Both(90), Viewpoint(), PASSES).start(frame()).wait(1)
    assert face.turned in TURNS
    assert face.confidence >= 0.3


def test_a_quick_search_turns_the_areas_that_it_is_told_to() -> None:
    detector = Rolled(180)
    search = Search(detector, Viewpoint(), PASSES)
    area = Box(60, 40, 200, 200)
    (face,) = search.start_quick(frame(), [area], [], turned={180: [area]}).wait(1)
    assert face.turned == 180
    assert not search.start_quick(frame(), [area], []).wait(1)


def test_an_area_outside_of_the_frame_is_not_searched() -> None:
    search = Search(Rolled(180), Viewpoint(), PASSES)
    outside = Box(WIDE + 5, 0, WIDE + 50, 50)
    assert search.start_quick(frame(), [WHOLE], [], turned={90: [outside]}).wait(1) == ()


def test_a_rolled_head_that_comes_later_is_found_within_the_refresh() -> None:
    away = Box(200, 150, 248, 210)

    def walk() -> list[Frame]:
        return [frame(n, away if n < 10 else FACE) for n in range(100)]

    detector = Rolled(90)
    plan = SearchPlan(refresh=1.0, rhythm=0.16, turns=TURNS)
    found = [
        each.seq
        for each, finding in scan(walk(), Search(detector, Viewpoint(), PASSES), plan)
        if getattr(finding, "detections", ())
    ]
    assert found[0] <= 35


def test_what_was_not_searched_upright_since_is_not_searched_turned_again() -> None:
    turned = TurnedSearch(TURNS, period=2.0)
    turned.begin(0.0)
    assert not turned.due([WHOLE], 1.0, WIDE, HIGH)
    turned.search([Box(0, 0, 40, 40)], WIDE, HIGH)
    areas = turned.due([WHOLE], 2.0, WIDE, HIGH)
    assert set(areas) == set(TURNS)
    assert all(box.x1 <= 50 and box.y1 <= 50 for boxes in areas.values() for box in boxes)
    assert not turned.due([WHOLE], 3.0, WIDE, HIGH)


def test_while_rolled_heads_are_about_all_that_is_searched_is_searched_so() -> None:
    turned = TurnedSearch(TURNS, period=2.0)
    turned.begin(0.0)
    turned.see([270], 0.5)
    assert turned.among([FACE], 5.0) == {270: [FACE]}
    assert not turned.among([FACE], 15.0)


def test_parts_of_a_live_frame_come_every_way_up() -> None:
    turned = TurnedSearch(TURNS, period=2.0)
    parts = [Box(n, 0, n + 10, 10) for n in range(6)]
    seen = {
        (part, turn)
        for number in range(36)
        for part in [parts[number % 6]]
        for turn, boxes in turned.part([part], [part], number / 3).items()
        if boxes
    }
    assert seen == {(part, turn) for part in parts for turn in TURNS}


def test_a_camera_that_hangs_upside_down_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    way = TurnedCamera()
    with caplog.at_level(logging.WARNING):
        for track in range(6):
            way.add([Detection(FACE, 0.9, track, turned=180)])
    assert [each.getMessage() for each in caplog.records] == [
        "3 of 3 faces are seen better if the frame is turned by 180 degrees: "
        "if the camera hangs so, say --rotate 180 (rotate: 180 in cameras.yaml)"
    ]


def test_a_few_rolled_heads_among_others_are_no_reason_to_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    way = TurnedCamera()
    for track in range(30):
        way.add([Detection(FACE, 0.9, track, turned=90 if track % 3 == 1 else 0)])
    assert not caplog.records
