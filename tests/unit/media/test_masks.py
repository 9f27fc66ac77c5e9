from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.media.masks import covered_share, merged, rasterise
from blurcam.media.regions import Box, Region
from tests.support.makers import boxes, ellipse, polygon, regions

W, H = 40, 30
some = settings(max_examples=150, deadline=None)


@given(box=boxes(W, H))
@some
def test_every_pixel_whose_centre_is_in_the_ellipse_is_covered(box: Box) -> None:
    mask = rasterise([ellipse(box.x0, box.y0, box.x1, box.y1)], W, H)
    x, y = np.meshgrid(np.arange(W) + 0.5, np.arange(H) + 0.5)
    cx, cy = box.centre
    inside = ((x - cx) / (box.width / 2)) ** 2 + ((y - cy) / (box.height / 2)) ** 2 <= 1
    assert (mask[inside] == 1).all()


@given(box=boxes(W, H))
@some
def test_no_pixel_outside_the_box_is_covered(box: Box) -> None:
    mask = rasterise([ellipse(box.x0, box.y0, box.x1, box.y1)], W, H)
    inside = box.intersection(Box(0, 0, W, H))
    count = 0
    if inside is not None:
        count = int(mask[inside.y0 : inside.y1, inside.x0 : inside.x1].sum())
    assert int(mask.sum()) == count


@given(box=boxes(W, H))
@some
def test_an_ellipse_is_clipped_by_the_edge_and_not_shrunk(box: Box) -> None:
    shifted = Box(box.x0 + W, box.y0 + H, box.x1 + W, box.y1 + H)
    large = rasterise([ellipse(shifted.x0, shifted.y0, shifted.x1, shifted.y1)], 3 * W, 3 * H)
    small = rasterise([ellipse(box.x0, box.y0, box.x1, box.y1)], W, H)
    np.testing.assert_array_equal(small, large[H : 2 * H, W : 2 * W])


def test_a_polygon_takes_in_its_corners() -> None:
    mask = rasterise([polygon((2, 2), (20, 2), (20, 12), (2, 12))], W, H)
    assert np.argwhere(mask).min(axis=0).tolist() == [2, 2]
    assert np.argwhere(mask).max(axis=0).tolist() == [12, 20]


@given(found=st.lists(regions(W, H), max_size=6))
@some
def test_merged_boxes_hold_all_parts_and_do_not_meet(found: list[Region]) -> None:
    boxes = [region.box for region in found]
    made = merged(boxes)
    assert all(any(each.contains(box) for each in made) for box in boxes)
    assert not any(one.meets(other) for n, one in enumerate(made) for other in made[n + 1 :])


def test_the_share_counts_only_what_is_in_the_frame() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[:, :5] = 1
    assert covered_share(mask, Box(0, 0, 10, 10)) == 0.5
    assert covered_share(mask, Box(-10, 0, 5, 10)) == 1.0
    assert covered_share(mask, Box(20, 0, 25, 10)) is None


def test_a_polygon_covers_what_its_edges_go_round_twice() -> None:
    """Seen to fail with fillPoly alone: a star that is drawn in one stroke has a bare middle."""
    star = ((50, 5), (79, 95), (3, 39), (97, 39), (21, 95))
    mask = rasterise([polygon(*star)], 100, 100)
    assert mask[55, 50] == 1
    inner_shares_a_corner = ((10, 10), (90, 10), (90, 90), (10, 10), (80, 30), (80, 60))
    assert rasterise([polygon(*inner_shares_a_corner)], 100, 100)[35, 70] == 1


def test_a_polygon_covers_nothing_beside_itself() -> None:
    hook = ((10, 10), (90, 10), (90, 90), (70, 90), (70, 30), (10, 30))
    mask = rasterise([polygon(*hook)], 100, 100)
    assert mask[60, 40] == 0
    assert mask[20, 20] == mask[60, 80] == 1
    assert int(mask.sum()) == 81 * 21 + 21 * 60
