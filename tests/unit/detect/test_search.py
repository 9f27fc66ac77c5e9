"""Several looks at a frame, and one answer."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.detect.crops import crops
from blurcam.detect.detector import Detection, bunches
from blurcam.detect.fusion import fuse
from blurcam.detect.motion import MotionGate, areas_of
from blurcam.detect.profiles import PROFILES, passes_for, plan_of, smallest_face
from blurcam.detect.search import Search, SearchPass, SearchPasses
from blurcam.detect.sheets import Placed, Searchable, Sheet, sheets
from blurcam.detect.views import View, Viewpoint
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Box
from blurcam.settings.redaction import Detect, ProfileName
from tests.support.makers import boxes

FACE = Box(100, 100, 120, 124)


def grey(value: int = 90, side: int = 320) -> Frame:
    plane = np.full((side, side), value, np.uint8)
    return Frame((plane,), PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 25))


def seen(box: Box, confidence: float) -> list[Detection]:
    return [Detection(box, confidence)]


def test_the_confidence_is_the_mean_over_all_passes() -> None:
    (face,) = fuse([seen(FACE, 0.9), seen(FACE, 0.3), []], 0.1)
    assert face.confidence == pytest.approx(0.4)
    assert face.box == FACE


def test_what_only_one_pass_saw_must_be_surer() -> None:
    assert fuse([seen(FACE, 0.5), [], []], 0.2) == ()
    assert len(fuse([seen(FACE, 0.5), seen(FACE, 0.5), []], 0.2)) == 1


def test_two_boxes_of_one_pass_count_once() -> None:
    twice = [*seen(FACE, 0.6), *seen(Box(101, 100, 121, 124), 0.5)]
    (face,) = fuse([twice, []], 0.1)
    assert face.confidence == pytest.approx(0.3)


def test_a_box_inside_another_is_a_second_box_on_the_same_face() -> None:
    """Its IoU with the face is under the 0.4 that two boxes need to be taken for one."""
    lower_half = Box(102, 112, 118, 123)
    assert FACE.iou(lower_half) < 0.4
    (face,) = fuse([seen(FACE, 0.8), seen(lower_half, 0.6)], 0.1)
    assert face.confidence == pytest.approx(0.7)


def test_a_small_face_before_a_large_one_stays_a_face() -> None:
    behind, before = Box(100, 100, 200, 220), Box(140, 150, 180, 196)
    assert len(fuse([[*seen(behind, 0.8), *seen(before, 0.8)]], 0.1)) == 2


def test_one_pass_is_left_as_it_is() -> None:
    assert fuse([seen(FACE, 0.7)], 0.5) == (Detection(FACE, 0.7),)
    assert fuse([seen(FACE, 0.7)], 0.8) == ()


def test_a_pass_counts_by_how_well_it_sees_a_face_of_that_height() -> None:
    """A small face is not there for a pass that shrinks it; a large one is not for an enlarging."""
    small, large = Box(0, 0, 10, 12), Box(0, 0, 260, 320)
    enlarged, shrunk = 2.0, 0.25
    (face,) = fuse([seen(small, 0.5), []], 0.0, scales=(enlarged, shrunk))
    assert face.confidence > 0.4
    (face,) = fuse([seen(large, 0.5), []], 0.0, scales=(enlarged, shrunk))
    assert face.confidence < 0.2
    assert fuse([seen(small, 0.5)], 0.0, scales=(shrunk,))[0].confidence == pytest.approx(0.5)


def test_the_tilt_asks_more_of_small_faces_and_less_of_large_ones() -> None:
    small, large = Box(0, 0, 8, 9), Box(0, 0, 60, 70)
    assert fuse([seen(small, 0.5)], 0.0, 0.3)[0].confidence < 0.5
    assert fuse([seen(large, 0.5)], 0.0, 0.3)[0].confidence > 0.5


@given(st.lists(boxes(80, 80), max_size=12))
def test_every_detection_is_in_one_bunch(found: list[Box]) -> None:
    made = bunches([Detection(box, 0.5) for box in found])
    assert sorted(index for bunch in made for index in bunch) == list(range(len(found)))


@given(st.lists(boxes(200, 200), max_size=10))
def test_crops_hold_every_face_that_is_in_the_frame(found: list[Box]) -> None:
    whole = Box(0, 0, 200, 200)
    areas = crops(found, whole)
    for box in found:
        inside = box.intersection(whole)
        assert inside is None or any(area.contains(inside) for area in areas)
    assert all(whole.contains(area) for area in areas)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 900), st.integers(2, 700)), max_size=14))
def test_sheets_hold_every_view_once_and_none_upon_another(sizes: list[tuple[int, int]]) -> None:
    views = [View(np.full((h, w, 3), 7, np.uint8), Box(0, 0, w, h), 0) for w, h in sizes]
    laid: list[View] = []
    for sheet in sheets(views):
        placed = sheet.placed if isinstance(sheet, Sheet) else (Placed(0, 0, sheet),)
        areas = [
            Box(p.x, p.y, p.x + p.view.picture.shape[1], p.y + p.view.picture.shape[0])
            for p in placed
        ]
        page = Box(0, 0, sheet.picture.shape[1], sheet.picture.shape[0])
        assert all(page.contains(area) for area in areas)
        assert not any(a.intersection(b) for a in areas for b in areas if a is not b)
        laid += [p.view for p in placed]
    assert sorted(map(id, laid)) == sorted(map(id, views))


def test_a_box_on_a_sheet_is_where_its_view_says() -> None:
    view = View(np.zeros((100, 100, 3), np.uint8), Box(500, 300, 550, 350), 0)
    (sheet,) = sheets([view, View(np.zeros((90, 90, 3), np.uint8), Box(0, 0, 90, 90), 0)])
    assert isinstance(sheet, Sheet)
    assert sheet.box(20, 40, 60, 80) == Box(510, 320, 530, 340)
    assert sheet.box(102, 20, 106, 30) is None  # between the two
    assert sheet.box(-5, 40, 60, 80) is None  # cut
    kept = Sheet(sheet.picture, sheet.placed, keeps_cut=True)
    assert kept.box(-5, 40, 60, 80) == Box(500, 320, 530, 340)


def test_a_mirrored_view_is_mirrored_back() -> None:
    frame = grey()
    plain = Viewpoint().view(frame, 0.5)
    mirrored = Viewpoint().view(frame, 0.5, mirrored=True)
    assert mirrored.box(0, 10, 20, 30) == plain.box(140, 10, 160, 30)


class Watching:
    """Sees the same thing in every view, and remembers how large the views were."""

    name = "watching"
    threshold = 0.1
    smallest_face = 1
    is_ready = True

    def __init__(self, box: Box | None) -> None:
        self.box = box
        self.shown: list[list[tuple[int, ...]]] = []

    def start(self, views: Sequence[Searchable]) -> Watching:
        self.shown.append([view.picture.shape[:2] for view in views])
        return self

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        del timeout
        return () if self.box is None else (Detection(self.box, 0.5),)

    def close(self) -> None: ...


LOOKS = SearchPasses(
    (
        SearchPass(1),
        SearchPass(0.5),
        SearchPass(2, below=40),
        SearchPass(2, mirrored=True, below=40),
    ),
    0.2,
)


def test_doubtful_places_are_looked_at_again_and_no_others() -> None:
    watching = Watching(FACE)
    search = Search(watching, Viewpoint(), LOOKS)
    assert len(search.start(grey()).wait(1)) == 1
    assert watching.shown == [[(320, 320)], [(160, 160)], [(192, 320)], [(192, 320)]]
    nothing = Watching(None)
    assert Search(nothing, Viewpoint(), LOOKS).start(grey()).wait(1) == ()
    assert nothing.shown == [[(320, 320)], [(160, 160)]]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("size", [(320, 240), (1024, 680), (1920, 1080), (3840, 2160)])
def test_every_profile_looks_at_the_whole_frame(profile, size) -> None:  # type: ignore[no-untyped-def]
    passes = passes_for(Detect(profile), 0.25, *size)
    assert passes.wholes
    assert all(0.05 < each.scale <= 4.5 for each in passes.passes)


def test_the_plan_can_be_made_for_a_height_of_face() -> None:
    fine = passes_for(Detect(plan_for=6), 0.25, 1920, 1080)
    coarse = passes_for(Detect(plan_for=24), 0.25, 1920, 1080)
    assert (smallest_face(fine, 12), smallest_face(coarse, 12)) == (6, 24)


@pytest.mark.parametrize("profile", PROFILES)
def test_searches_are_at_most_a_sixth_of_a_second_apart(profile: ProfileName) -> None:
    passes = passes_for(Detect(profile), 0.25, 1920, 1080)
    assert plan_of(Detect(profile), passes).rhythm <= 0.16


def test_the_rhythm_is_the_one_that_was_asked_for() -> None:
    passes = passes_for(Detect(), 0.25, 1920, 1080)
    assert plan_of(Detect(rhythm=0), passes).rhythm == 0
    assert plan_of(Detect(rhythm=1.5), passes).rhythm == 1.5


def test_an_unchanged_picture_has_no_changed_tile() -> None:
    gate = MotionGate()
    assert gate.change(grey()).is_cut
    gate.searched(grey())
    assert not gate.change(grey()).tiles.any()
    assert gate.change(grey(120)).is_cut


def test_noise_is_not_change_and_a_small_thing_in_it_is() -> None:
    rng = np.random.default_rng(5)

    def noisy(*, thing: bool) -> Frame:
        plane = np.clip(rng.normal(110, 6, (720, 1280)), 0, 255)
        if thing:
            plane[300:316, 600:612] += 60
        planes = (plane.astype(np.uint8),)
        return Frame(planes, PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 25))

    gate = MotionGate()
    gate.searched(noisy(thing=False))
    assert not gate.change(noisy(thing=False)).tiles.any()
    tiles = gate.change(noisy(thing=True)).tiles
    (area,) = areas_of(tiles, 1280, 720)
    assert area.contains(Box(600, 300, 612, 316))
    assert area.area < 100 * 100


@given(st.lists(boxes(30, 40), min_size=1, max_size=6))
def test_areas_cover_every_tile_that_changed(found: list[Box]) -> None:
    tiles = np.zeros((40, 30), bool)
    for box in found:
        tiles[max(0, box.y0) : max(0, box.y1), max(0, box.x0) : max(0, box.x1)] = True
    step = 2 * 2  # a tile of two pixels at a width of 320, of a frame of 640
    areas = areas_of(tiles, 640, 40 * step)
    for y, x in zip(*np.nonzero(tiles), strict=True):
        tile = Box(int(x) * step, int(y) * step, int(x + 1) * step, int(y + 1) * step)
        parts = [tile.intersection(area) for area in areas]
        assert any(part == tile for part in parts), (x, y)
