from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.detect.sheets import Tile, tiles
from blurcam.detect.views import View, Viewpoint
from blurcam.media.formats import PIXEL_FORMATS, PixelFormat
from blurcam.media.frames import Frame
from blurcam.media.orientation import Orientation
from blurcam.media.regions import Box
from tests.support.makers import FORMATS, noise_frame

some = settings(max_examples=60, deadline=None)


def marked(pixel_format: PixelFormat, width: int, height: int, box: Box) -> Frame:
    """Return a dark frame with a bright box."""
    top = (1 << pixel_format.depth) - 1
    planes = []
    for index in range(pixel_format.plane_count):
        shape = pixel_format.plane_shape(index, width, height)
        is_colour = index > 0 and not pixel_format.is_rgb
        planes.append(np.full(shape, top // 2 + 1 if is_colour else top // 16, pixel_format.dtype))
        if not is_colour:
            planes[-1][box.y0 : box.y1, box.x0 : box.x1] = top
    return Frame(tuple(planes), pixel_format, 0, 0, Fraction(1, 25))


@given(
    pixel_format=st.sampled_from(FORMATS),
    orientation=st.builds(Orientation, st.sampled_from([0, 90, 180, 270]), st.booleans()),
    mirrored=st.booleans(),
    ratio=st.sampled_from([Fraction(1), Fraction(4, 3), Fraction(10, 11)]),
    scale=st.sampled_from([0.5, 1.0, 2.0]),
    corner=st.tuples(st.integers(8, 60), st.integers(8, 40)),
    turned=st.sampled_from([0, 90, 180, 270]),
)
@some
def test_what_is_seen_in_the_view_is_found_again_in_the_frame(
    pixel_format: PixelFormat,
    orientation: Orientation,
    mirrored: bool,
    ratio: Fraction,
    scale: float,
    corner: tuple[int, int],
    turned: int,
) -> None:
    box = Box(corner[0], corner[1], corner[0] + 32, corner[1] + 24)
    frame = marked(pixel_format, 130, 97, box)
    view = Viewpoint(ratio, orientation).view(frame, scale, mirrored=mirrored, turned=turned)
    rows, columns = np.nonzero(view.picture[..., 1] > 140)
    seen = view.box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    slack = 3 if scale >= 1 else 4
    for a, b in zip(
        (seen.x0, seen.y0, seen.x1, seen.y1), (box.x0, box.y0, box.x1, box.y1), strict=True
    ):
        assert abs(a - b) <= slack


@pytest.mark.parametrize(("rotation", "size"), [(0, (100, 60)), (90, (60, 100)), (180, (100, 60))])
def test_a_view_is_upright(rotation: int, size: tuple[int, int]) -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 100, 60, seed=1)
    view = Viewpoint(orientation=Orientation(rotation)).view(frame)
    assert view.picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("turned", [90, 180, 270])
@pytest.mark.parametrize("orientation", [Orientation(0), Orientation(90), Orientation(90, True)])
def test_a_turned_view_is_the_upright_one_turned_clockwise(
    orientation: Orientation, turned: int
) -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 100, 60, seed=1)
    upright = Viewpoint(orientation=orientation).view(frame).picture
    view = Viewpoint(orientation=orientation).view(frame, turned=turned).picture
    np.testing.assert_array_equal(view, np.rot90(upright, -turned // 90))


def test_a_view_has_square_pixels() -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 100, 60, seed=1)
    assert Viewpoint(Fraction(2)).view(frame).picture.shape == (60, 200, 3)


def test_a_part_of_the_frame_is_placed_in_the_whole() -> None:
    frame = marked(PIXEL_FORMATS["yuv420p"], 130, 97, Box(80, 40, 96, 56))
    view = Viewpoint().view(frame, 1.0, Box(64, 32, 128, 96))
    rows, columns = np.nonzero(view.picture[..., 1] > 140)
    seen = view.box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert seen == Box(80, 40, 96, 56)


def test_colours_come_in_the_order_blue_green_red() -> None:
    planes = tuple(np.full((16, 16), level, np.uint8) for level in (10, 20, 30))
    frame = Frame(planes, PIXEL_FORMATS["gbrp"], 0, 0, Fraction(1))
    assert Viewpoint().view(frame).picture[0, 0].tolist() == [20, 10, 30]


@pytest.mark.parametrize("size", [(1088, 1920), (700, 1024), (4000, 300), (2160, 3840)])
def test_tiles_answer_for_every_place_once_and_see_beyond_it(size: tuple[int, int]) -> None:
    rows, columns = size
    whole = View(np.zeros((rows, columns, 3), np.uint8), Box(0, 0, columns, rows), 0)
    cut = tiles([whole])
    assert all(t.picture.shape[0] * t.picture.shape[1] <= 800_000 for t in cut)
    assert (len(cut) == 1) == (rows * columns <= 800_000)
    for x, y in [(0, 0), (columns - 1, rows - 1), (columns // 2, rows // 2), (3, rows // 3)]:
        face = Box(x - 40, y - 50, x + 40, y + 50)
        answers = []
        for tile in cut:
            left, top = (tile.x, tile.y) if isinstance(tile, Tile) else (0, 0)
            box = tile.box(face.x0 - left, face.y0 - top, face.x1 - left, face.y1 - top)
            if box is not None:
                answers.append(box)
                seen = Box(left, top, left + tile.picture.shape[1], top + tile.picture.shape[0])
                inside = face.intersection(Box(0, 0, columns, rows))
                assert inside is not None
                assert seen.contains(inside)
        assert len(answers) == 1
        assert answers[0].iou(face) > 0.95  # rounded out


@pytest.mark.parametrize(
    ("ratio", "width"),
    [
        (Fraction(2), 128),
        (Fraction(1, 2), 32),
        (Fraction(100), 64),
        (Fraction(1, 100), 64),
    ],
)
def test_a_shape_of_pixels_that_no_camera_has_does_not_widen_the_view(
    ratio: Fraction, width: int
) -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 64, 48, 1)
    assert Viewpoint(ratio).view(frame, 1.0).picture.shape == (48, width, 3)
