"""A picture in tiles: no face is cut by a seam in all of them, and each is found where it is."""

from __future__ import annotations

from contextlib import closing

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.detect.detector import Detection
from blurcam.detect.detectors.tiles import OVERLAP, PictureTile, parts
from blurcam.detect.selftest import known_face
from blurcam.detect.views import Picture, View
from blurcam.errors import ConfigError
from blurcam.media.regions import Box
from blurcam.runs.perception import open_detector
from blurcam.settings.redaction import Detect

SIDE = 192


def view(wide: int, high: int) -> View:
    return View(np.zeros((high, wide, 3), np.uint8), Box(0, 0, wide, high), 0)


def shown(part: PictureTile) -> Box:
    """What of the frame a part shows."""
    rows, columns = part.picture.shape[:2]
    box = part.box(0, 0, columns, rows)
    assert box is not None
    return box


@given(
    st.integers(1, 1200), st.integers(1, 900), st.integers(32, 900),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_a_face_lies_whole_in_one_look_and_fills_a_sixth_of_it(
    wide: int, high: int, size: int, right: float, down: float
) -> None:
    """Wherever it is, at a seam or not."""
    size = min(size, wide, high)
    x, y = round(right * (wide - size)), round(down * (high - size))
    face = Box(x, y, x + size, y + size)
    whole = view(wide, high)
    looks = [(whole.area, max(wide, high))]
    looks += [(shown(part), SIDE * part.shrunk) for part in parts(whole, SIDE)]
    sides = [side for area, side in looks if area.contains(face)]
    assert min(sides) <= max(SIDE, 6 * size)


@pytest.mark.parametrize("wide", [193, 321, 385, 640, 1000, 1281])
def test_no_place_is_a_seam_in_every_look(wide: int) -> None:
    """Every size at every place along a row; with an OVERLAP of a quarter this fails."""
    looks = [(part, shown(part)) for part in parts(view(wide, SIDE), SIDE)]
    x = np.arange(wide)
    for size in range(32, wide):
        is_found = np.full(wide, 6 * size >= max(wide, SIDE))
        for part, area in looks:
            if SIDE * part.shrunk <= max(SIDE, 6 * size):
                is_found |= (area.x0 <= x) & (x + size <= area.x1)
        assert is_found[: wide - size + 1].all(), size


@given(st.integers(1, 1200), st.integers(1, 900))
def test_every_pixel_is_in_a_tile_of_every_scale(wide: int, high: int) -> None:
    whole = view(wide, high)
    by_scale: dict[int, list[Box]] = {}
    for part in parts(whole, SIDE):
        assert max(part.picture.shape[:2]) <= SIDE
        by_scale.setdefault(part.shrunk, []).append(shown(part))
    for areas in by_scale.values():
        seen = np.zeros((high, wide), bool)
        for area in areas:
            seen[max(0, area.y0) : area.y1, max(0, area.x0) : area.x1] = True
        assert seen.all()


def test_neighbours_share_a_third_and_small_pictures_have_no_tiles() -> None:
    starts = sorted({part.x for part in parts(view(1000, 100), SIDE) if part.shrunk == 1})
    assert max(np.diff(starts)) <= SIDE * (1 - OVERLAP)
    assert list(parts(view(SIDE, SIDE), SIDE)) == []


def test_a_tile_shows_what_it_says() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (401, 515, 3), np.uint8)
    whole = View(noise, Box(0, 0, 515, 401), 0)
    for part in parts(whole, SIDE):
        x, y, n = part.x * part.shrunk, part.y * part.shrunk, part.shrunk
        inner = noise[y : y + n, x : x + n].mean((0, 1))
        assert np.abs(part.picture[0, 0] - inner).max() <= 1
        place = part.box(0, 0, 1, 1)
        assert place is not None
        assert place.contains(Box(x, y, x + n, y + n))
        assert place.width <= n + 2


def scene(places: list[tuple[int, int]], size: int) -> Picture:
    """A large picture with the portrait, its face ``size`` px high, at each of these places."""
    portrait, face = known_face()
    scale = size / face.height
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((720, 1280, 3), 96, np.uint8)
    for x, y in places:
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def faces(picture: Picture, *, tiles: bool) -> tuple[Detection, ...]:
    rows, columns = picture.shape[:2]
    detect = Detect(detector="mediapipe", tiles=tiles)
    with closing(open_detector(detect)) as detector:
        return detector.start([View(picture, Box(0, 0, columns, rows), 0)]).wait(60)


@pytest.mark.parametrize("size", [32, 48, 80])
def test_small_faces_are_found_with_tiles_wherever_they_are(size: int) -> None:
    """At, across and between the seams, which lie 128 px apart."""
    places = [(40 + 143 * n, 30 + 67 * n) for n in range(8)]
    picture = scene(places, size)
    _, face = known_face()
    scale = size / face.height
    found = faces(picture, tiles=True)
    for x, y in places:
        centre = (face.x0 + face.x1) / 2 * scale + x, (face.y0 + face.y1) / 2 * scale + y
        expected = Box.around(
            centre[0] - size / 2, centre[1] - size / 2, centre[0] + size / 2, centre[1] + size / 2
        )
        assert any(each.box.iou(expected) > 0.4 for each in found), (x, y)
    if size == 32:
        assert len(faces(picture, tiles=False)) < len(places)


def test_what_is_found_without_tiles_is_found_with_them() -> None:
    picture = scene([(100, 80), (700, 300)], 150)
    without, found = faces(picture, tiles=False), faces(picture, tiles=True)
    assert len(without) == 2
    for each in without:
        assert any(o.box.iou(each.box) > 0.4 and o.confidence >= each.confidence for o in found)


def test_tiles_of_another_detector_are_refused() -> None:
    with pytest.raises(ConfigError, match="tiles: are for the mediapipe detector"):
        Detect(tiles=True)
    assert Detect("near", tiles=True).tiles
