"""Boxes, coverages, time lines, zones, settings: the small values that all else is made of."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.detect.detector import Answered, Detection, Unanswered
from blurcam.errors import ConfigError
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.masks import rasterise
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region, Shape
from blurcam.media.timelines import Timeline, rescale
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Cover, Detect, Encode, parse_polygon
from blurcam.track.zones import burn_in, ignore, zone
from tests.support.makers import boxes, grey_frame

some_boxes = boxes(100, 100)


@given(box=some_boxes, factor=st.floats(1, 4))
def test_a_grown_box_contains_the_box(box: Box, factor: float) -> None:
    assert box.grown(factor).contains(box)


@given(a=some_boxes, b=some_boxes)
def test_union_and_intersection_agree_with_containment(a: Box, b: Box) -> None:
    assert a.union(b).contains(a)
    assert a.union(b).contains(b)
    shared = a.intersection(b)
    if shared is not None:
        assert a.contains(shared)
        assert b.contains(shared)
    assert (a.iou(b) > 0) == (shared is not None)
    assert a.iou(a) == 1


def test_an_empty_box_cannot_be() -> None:
    with pytest.raises(ValueError, match="empty"):
        Box(3, 0, 3, 5)


def test_a_polygon_needs_three_points_and_nothing_else_has_any() -> None:
    with pytest.raises(ValueError, match="three"):
        Region(Box(0, 0, 2, 2), Basis.ZONE, shape=Shape.POLYGON, points=((0, 0), (1, 1)))
    with pytest.raises(ValueError, match="three"):
        Region(Box(0, 0, 2, 2), Basis.ZONE, points=((0, 0), (1, 1), (1, 0)))


def test_whole_has_a_reason_and_only_whole() -> None:
    assert Coverage.whole(1, Reason.CORRUPT, 8, 8).is_whole
    with pytest.raises(ValueError, match="reason"):
        Coverage(1, (), Reason.CORRUPT)


@given(
    steps=st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=1),
    step=st.integers(1, 5000),
)
def test_a_time_line_strictly_increases(steps: list[int | None], step: int) -> None:
    line = Timeline(step=step, jump=10 * step)
    placed = [line.place(pts) for pts in steps]
    assert all(b > a for a, b in pairwise(placed))


@given(steps=st.lists(st.integers(1, 1000), min_size=1))
def test_a_time_line_keeps_steps_that_are_in_order(steps: list[int]) -> None:
    line = Timeline(step=40, jump=1000)
    pts = [sum(steps[:n]) for n in range(1, len(steps) + 1)]
    assert [line.place(p) for p in pts] == pts
    assert line.jumps == 0


@given(pts=st.integers(-(10**12), 10**12))
def test_rescaling_to_a_finer_base_and_back_changes_nothing(pts: int) -> None:
    fine = rescale(pts, Fraction(1, 1000), Fraction(1, 90000))
    assert fine == pts * 90
    assert rescale(fine, Fraction(1, 90000), Fraction(1, 1000)) == pts


def test_odd_sizes_round_chroma_up() -> None:
    assert PIXEL_FORMATS["yuv420p"].plane_shape(1, 5, 3) == (2, 3)
    assert PIXEL_FORMATS["yuv410p"].plane_shape(2, 9, 9) == (3, 3)
    assert PIXEL_FORMATS["yuv420p"].with_depth(10).name == "yuv420p10le"


SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def test_a_zone_is_burnt_into_every_frame() -> None:
    covered = [(grey_frame(n, n), Coverage(n, ())) for n in range(3)]
    for _, coverage in burn_in(covered, [SQUARE]):
        mask = rasterise(coverage.regions, 200, 200)
        assert mask[50:150, 50:150].all()
        assert not mask[:49].any()


def test_zones_come_on_top_of_a_whole_cover() -> None:
    whole = Coverage.whole(0, Reason.CORRUPT, 200, 200)
    ((_, coverage),) = burn_in([(grey_frame(0, 0), whole)], [SQUARE])
    assert coverage.reason is Reason.CORRUPT


def test_detections_centred_in_an_ignored_polygon_are_left_out() -> None:
    inside, outside = Detection(Box(90, 90, 110, 110), 0.9), Detection(Box(0, 0, 20, 20), 0.9)
    crossing = Detection(Box(30, 90, 60, 110), 0.9)  # its centre is outside
    scanned = [(grey_frame(0, 0), Answered((inside, outside, crossing)))]
    ((_, finding),) = ignore(scanned, [SQUARE])
    assert finding == Answered((outside, crossing))


def test_an_unanswered_frame_stays_unanswered_under_ignored_polygons() -> None:
    scanned = [(grey_frame(0, 0), Unanswered(Reason.DETECTOR_FAILED))]
    assert list(ignore(scanned, [SQUARE])) == scanned


def test_a_zone_at_the_edge_reaches_the_last_row_and_column() -> None:
    region = zone(((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1)), 31, 23)
    mask = rasterise([region], 31, 23)
    assert mask[22, 30] == 1


@pytest.mark.parametrize("text", ["", "0,0 1,1", "a,b c,d e,f", "0,0 1,0 1", "0,0 1,0 1,1.5"])
def test_what_is_no_polygon_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--mask"):
        parse_polygon(text, "--mask")


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Detect(detector="haar"), "detector"),  # type: ignore[arg-type]
        (lambda: Detect(threshold=0), "threshold"),
        (lambda: Detect(scale=float("nan")), "scale"),
        (lambda: Detect("eager"), "profile"),  # type: ignore[arg-type]
        (lambda: Detect(plan_for=1), "plan-for"),
        (lambda: Detect(scale=1, plan_for=12), "not both"),
        (lambda: Cover(hold=-1), "hold"),
        (lambda: Cover(margin=0.5), "margin"),
        (lambda: Encode(crf=-1), "crf"),
        (lambda: Encode(audio="loud"), "audio"),  # type: ignore[arg-type]
        (lambda: Config("a.mp4", "b.mp4", effect="none"), "effect"),  # type: ignore[arg-type]
        (lambda: Config("a.mp4", "b.mp4", summary="b.mp4"), "files of their own"),  # type: ignore[arg-type]
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(make, key: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=key):
        make()


def test_a_run_is_complete_only_without_faults() -> None:
    tally = FrameCounts()
    tally.covered(Coverage.whole(0, Reason.NOT_YET, 8, 8))
    assert tally.complete
    tally.covered(Coverage.whole(1, Reason.DETECTOR_FAILED, 8, 8))
    assert not tally.complete
    assert not FrameCounts(lost=1).complete
