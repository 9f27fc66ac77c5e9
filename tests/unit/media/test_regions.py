"""Boxes, regions and coverages: what must not be cannot be built."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.regions import Basis, Box, Coverage, Reason, Region, Shape
from tests.support.makers import boxes

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
