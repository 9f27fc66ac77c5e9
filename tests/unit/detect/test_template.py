"""A face is followed by its likeness, on the frames between two searches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from blurcam.detect.detector import Accounted, Answered, Detection, Finding
from blurcam.detect.template import Template, leads_back
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box
from blurcam.runtime.counts import FrameCounts
from blurcam.track.cover import cover
from blurcam.track.reach import Reach

SIZE = 20
RNG = np.random.default_rng(5)
WALL = RNG.integers(90, 130, (200, 320), np.uint8)
FACE = RNG.integers(0, 255, (5, 5), np.uint8).repeat(4, 0).repeat(4, 1)


def scene(n: int, x: int, y: int = 80, *, hidden: bool = False, deep: bool = False) -> Frame:
    """Return frame ``n`` with a face whose corner is there, as far as that is in the picture."""
    plane = WALL.copy()
    if not hidden:
        left, right = max(0, x), min(320, x + SIZE)
        if left < right:
            plane[y : y + SIZE, left:right] = FACE[:, left - x : right - x]
    if deep:
        name, samples = "gray10le", plane.astype(np.uint16) * 4
        return Frame((samples,), PIXEL_FORMATS[name], n, n, Fraction(1, 25))
    return Frame((plane,), PIXEL_FORMATS["gray"], n, n, Fraction(1, 25))


def face_at(x: int, y: int = 80) -> Box:
    return Box(x, y, x + SIZE, y + SIZE)


def turning(n: int) -> int:
    """Go right for six frames, then back again."""
    return 100 + 5 * (n if n <= 6 else 12 - n)


@pytest.mark.parametrize("deep", [False, True])
def test_a_face_is_found_again_where_it_went(deep: bool) -> None:
    template = Template.of(scene(0, 100, deep=deep), face_at(100))
    assert template is not None
    for x in (90, 97, 100, 108):
        there = template.find(scene(1, x, deep=deep), face_at(100), 0.7)
        assert there is not None
        assert there.iou(face_at(x)) > 0.8, x


def test_a_face_that_is_hidden_is_not_found() -> None:
    template = Template.of(scene(0, 100), face_at(100))
    assert template is not None
    assert template.find(scene(1, 100, hidden=True), face_at(100), 0.7) is None


def test_of_two_places_that_are_alike_none_is_taken() -> None:
    template = Template.of(scene(0, 100), face_at(100))
    assert template is not None
    twice = scene(1, 88).planes[0].copy()
    twice[80:100, 112:132] = FACE
    frame = Frame((twice,), PIXEL_FORMATS["gray"], 1, 1, Fraction(1, 25))
    assert template.find(frame, face_at(100), 1.0) is None


def test_the_way_back_leads_to_where_a_face_came_from() -> None:
    before, after = scene(0, 100), scene(1, 108)
    template, found = Template.of(before, face_at(100)), Template.of(after, face_at(108))
    assert template is not None
    assert found is not None
    assert leads_back(template, before, found, 0.7)
    wall = Template.of(after, face_at(160))
    assert wall is not None
    assert not leads_back(template, before, wall, 0.7)


def test_a_face_half_out_of_the_frame_is_followed_and_one_further_out_is_not() -> None:
    assert Template.of(scene(0, -6), face_at(-6)) is not None
    assert Template.of(scene(0, -12), face_at(-12)) is None


def test_a_patch_like_any_wall_is_not_followed() -> None:
    flat = Frame((np.full((200, 320), 90, np.uint8),), PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 25))
    assert Template.of(flat, face_at(100)) is None


def covered(found: list[tuple[Frame, Finding]]) -> list[list[Box]]:
    out = cover(found, Reach(0.5, 0.0, 1.0, 1.35), FrameCounts())
    return [
        [region.box for region in coverage.regions if region.basis is not Basis.WHOLE]
        for _, coverage in out
    ]


def seen(n: int, where: int, *, at: int | None = None) -> tuple[Frame, Finding]:
    frame = scene(n, where)
    return frame, Answered(() if at is None else (Detection(face_at(at), 0.9, 1),))


def test_a_face_that_turns_round_between_two_searches_stays_covered() -> None:
    """A straight line alone leaves it."""
    found: list[tuple[Frame, Finding]] = [seen(0, turning(0), at=turning(0))]
    found += [(scene(n, turning(n)), Accounted()) for n in range(1, 12)]
    found.append(seen(12, turning(12), at=turning(12)))
    for n, boxes in enumerate(covered(found)):
        assert any(box.contains(face_at(turning(n))) for box in boxes), n


def test_a_face_is_followed_back_from_where_it_was_first_found() -> None:
    found: list[tuple[Frame, Finding]] = [(scene(n, 100 + 4 * n), Accounted()) for n in range(10)]
    found[0] = (found[0][0], Answered(()))
    found.append(seen(10, 140, at=140))
    for n, boxes in enumerate(covered(found)):
        assert any(box.contains(face_at(100 + 4 * n)) for box in boxes), n
