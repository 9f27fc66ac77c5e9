"""A face is followed by its likeness, on the frames between two looks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from blurcam.detect.detector import Answered, Detection, Finding, Skipped
from blurcam.detect.template import TemplateTracker
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box
from blurcam.runtime.counts import FrameCounts
from blurcam.track.cover import Reach, cover

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
def test_a_face_that_turns_round_is_followed_forward_and_back(deep: bool) -> None:
    for order in (range(13), range(12, -1, -1)):
        trail = TemplateTracker(
            scene(order[0], turning(order[0]), deep=deep), face_at(turning(order[0]))
        )
        for n in order[1:]:
            where = trail.advance(scene(n, turning(n), deep=deep))
            assert where is not None
            assert where.iou(face_at(turning(n))) > 0.8, n


def test_a_face_that_passes_behind_something_is_found_again() -> None:
    trail = TemplateTracker(scene(0, 100), face_at(100), (50.0, 0.0))
    for n in range(1, 8):
        where = trail.advance(scene(n, 100 + 2 * n, hidden=n in (3, 4)))
        assert where is not None
        assert where.iou(face_at(100 + 2 * n)) > 0.6, n


def test_a_face_that_stays_hidden_is_given_up_after_three_steps_on_trust() -> None:
    trail = TemplateTracker(scene(0, 100), face_at(100), (50.0, 0.0))
    steps = [trail.advance(scene(n, 100, hidden=True)) for n in range(1, 5)]
    assert [each is None for each in steps] == [False, False, False, True]
    assert trail.is_over


def test_a_face_that_leaves_the_picture_is_covered_until_it_is_out() -> None:
    trail = TemplateTracker(scene(0, 12), face_at(12), (-100.0, 0.0))
    seen = [trail.advance(scene(n, 12 - 4 * n)) for n in range(1, 10)]
    for n, where in enumerate(seen, 1):
        rest = face_at(12 - 4 * n).intersection(Box(0, 0, 320, 200))
        if rest is not None:
            assert where is not None
            assert where.grown(1.35).contains(rest)
    assert seen[-1] is None


def test_a_patch_like_any_wall_is_not_followed() -> None:
    flat = Frame((np.full((200, 320), 90, np.uint8),), PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 25))
    assert TemplateTracker(flat, face_at(100)).is_over


def covered(found: list[tuple[Frame, Finding]]) -> list[list[Box]]:
    out = cover(found, Reach(0.5, 0.0, 1.0, 1.35), FrameCounts())
    return [
        [region.box for region in coverage.regions if region.basis is not Basis.WHOLE]
        for _, coverage in out
    ]


def seen(n: int, where: int, *, at: int | None = None) -> tuple[Frame, Finding]:
    frame = scene(n, where)
    return frame, Answered(() if at is None else (Detection(face_at(at), 0.9),))


def test_a_face_that_turns_round_between_two_looks_stays_covered() -> None:
    """Straight lines alone leave it: so it was before faces were followed."""
    found: list[tuple[Frame, Finding]] = [seen(0, turning(0), at=turning(0))]
    found += [(scene(n, turning(n)), Skipped()) for n in range(1, 12)]
    found.append(seen(12, turning(12), at=turning(12)))
    for n, boxes in enumerate(covered(found)):
        assert any(box.contains(face_at(turning(n))) for box in boxes), n


def test_a_face_that_is_missed_once_stays_covered() -> None:
    found: list[tuple[Frame, Finding]] = [seen(0, 100, at=100)]
    found += [(scene(n, 100 + 4 * n), Skipped()) for n in range(1, 10)]
    found.append(seen(10, 140))
    for n, boxes in enumerate(covered(found)):
        assert any(box.contains(face_at(100 + 4 * n)) for box in boxes), n
