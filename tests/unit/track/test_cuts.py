"""Cuts: nothing that is known crosses one, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam.detect.detector import Accounted, Answered, Detection, Finding
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage
from blurcam.runtime.counts import FrameCounts
from blurcam.track.cover import cover
from blurcam.track.cuts import CutFinder
from blurcam.track.reach import Reach
from tests.support.makers import TIME_BASE

Picture = NDArray[np.float32]
WIDE, HIGH = 640, 360
NONE = Answered(())
FACE = Box(300, 150, 340, 200)


@cache
def place(seed: int) -> Picture:
    """A picture of a place: large shapes, small ones, and texture."""
    rng = np.random.default_rng(seed)
    made = np.zeros((2 * HIGH, 2 * WIDE), np.float32)
    for cells, share in ((6, 50), (20, 30), (80, 20)):
        coarse = rng.uniform(-1, 1, (cells, 2 * cells)).astype(np.float32)
        made += share * cv2.resize(coarse, (2 * WIDE, 2 * HIGH), interpolation=cv2.INTER_CUBIC)
    return np.asarray(120 + made, np.float32)


def seen(picture: Picture, seq: int = 0) -> Frame:
    """A frame of the top left quarter of a picture."""
    plane = np.clip(picture[:HIGH, :WIDE], 0, 255).astype(np.uint8)
    return Frame((plane,), PIXEL_FORMATS["gray"], seq, 40 * seq, TIME_BASE)


def is_cut(before: Picture, now: Picture, finding: Finding = NONE) -> bool:
    cuts = CutFinder()
    assert not cuts.is_cut(seen(before), finding)
    return cuts.is_cut(seen(now), NONE)


def with_face(picture: Picture, box: Box = FACE) -> Picture:
    face = np.random.default_rng(9).uniform(40, 220, (5, 4)).astype(np.float32)
    made = picture.copy()
    made[box.y0 : box.y1, box.x0 : box.x1] = cv2.resize(face, (box.width, box.height))
    return made


def infra_red(picture: Picture) -> Picture:
    """The same in other light: brighter, of less contrast, and lit from the middle."""
    lamp = cv2.getGaussianKernel(WIDE, WIDE / 2)
    lit = (lamp / lamp.max()).T.astype(np.float32)
    return np.asarray(60 + 0.6 * (picture[:HIGH, :WIDE] - 120) + 90 * lit, np.float32)


def passed_by_a_lorry(picture: Picture, share: float) -> Picture:
    made = picture.copy()
    made[:, : round(share * WIDE)] = place(7)[:, : round(share * WIDE)]
    return made


def blurred(picture: Picture) -> Picture:
    return np.asarray(cv2.blur(picture, (61, 5)), np.float32)


def noisy(picture: Picture) -> Picture:
    return picture + np.random.default_rng(5).normal(0, 25, picture.shape).astype(np.float32)


@pytest.mark.parametrize("pair", [(1, 2), (2, 3), (3, 1), (4, 8)])
def test_another_place_is_a_cut(pair: tuple[int, int]) -> None:
    one, other = map(place, pair)
    assert is_cut(one, other)
    assert is_cut(with_face(one), other, Answered((Detection(FACE, 0.9, 1),)))


NOT_CUTS = {
    "nothing": lambda p: p,
    "noise": noisy,
    "a flash": lambda p: p + 200,
    "half a flash": lambda p: p + 70,
    "darkness": lambda p: 0.05 * p,
    "other light": infra_red,
    "a shake": lambda p: np.roll(p, (-14, 23), (0, 1)),
    "a fast pan": lambda p: np.roll(p, -80, 1),
    "a smeared pan": lambda p: blurred(np.roll(p, -60, 1)),
    "a zoom": lambda p: cv2.resize(p, None, fx=1.12, fy=1.12),
    "a lorry": lambda p: passed_by_a_lorry(p, 0.6),
}


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NOT_CUTS)
def test_what_happens_in_one_place_is_no_cut(name: str, seed: int) -> None:
    before = place(seed)
    now = np.asarray(NOT_CUTS[name](before), np.float32)
    assert not is_cut(before, now)
    assert not is_cut(now, before)


def test_where_a_known_face_is_found_again_there_is_no_cut() -> None:
    one, other = with_face(place(1)), with_face(place(2))
    assert is_cut(one, other)
    assert not is_cut(one, other, Answered((), (Detection(FACE, 0.5, 1),)))


def test_a_damaged_frame_is_compared_with_nothing() -> None:
    cuts = CutFinder()
    damaged = replace(seen(place(2)), is_corrupt=True)
    frames = (seen(place(1)), damaged, seen(place(3)), seen(place(2)))
    assert [cuts.is_cut(each, NONE) for each in frames] == [False, False, False, True]


REACH = Reach(lead=0.5, hold=0.5, bridge=1.0, margin=1.4)
Scene = list[tuple[Frame, Finding]]


def edited(findings: list[Finding], at: int) -> Scene:
    """Return frames of one place up to a cut, then of another."""
    return [
        (seen(with_face(place(1)) if n < at else place(2), n), each)
        for n, each in enumerate(findings)
    ]


def covered(scanned: Scene, reach: Reach = REACH) -> list[Coverage]:
    return [each for _, each in cover(scanned, reach, FrameCounts())]


def found(box: Box = FACE, track: int = 1) -> Answered:
    return Answered((Detection(box, 0.9, track),))


def bases(coverages: list[Coverage]) -> list[str]:
    return ["+".join(sorted(r.basis.value for r in c.regions)) for c in coverages]


def test_a_face_is_not_held_across_a_cut() -> None:
    scene = edited([found()] * 4 + [NONE] * 4, at=4)
    assert bases(covered(scene)) == ["detected"] * 4 + [""] * 4
    same = [(replace(frame, planes=scene[0][0].planes), each) for frame, each in scene]
    assert bases(covered(same)) == ["detected"] * 4 + ["held"] * 3 + [""]


def test_a_face_is_not_led_across_a_cut() -> None:
    scene = edited([NONE] * 4 + [NONE, found(), found(), found()], at=4)
    assert bases(covered(scene)) == [""] * 4 + ["led"] + ["detected"] * 3


def test_a_track_that_goes_on_after_a_cut_is_another_one() -> None:
    there = Box(320, 160, 345, 190)
    scene = edited([found()] * 4 + [Accounted()] * 2 + [found(there)] * 3, at=4)
    made = covered(scene)
    assert bases(made) == ["detected"] * 4 + ["led"] * 2 + ["detected"] * 3
    assert {r.track for c in made[:4] for r in c.regions} == {1}
    (other,) = {r.track for c in made[4:] for r in c.regions}
    assert other not in (None, 1)
    assert max(r.box.height for r in made[-1].regions) < 1.4 * FACE.height


def test_what_is_followed_after_a_cut_is_covered() -> None:
    followed = Accounted((), (Detection(FACE, 0.9, 1),))
    made = covered(edited([found()] * 4 + [followed] * 4, at=4))
    assert bases(made) == ["detected"] * 4 + [Basis.FOLLOWED.value] * 4


def test_no_cut_of_a_live_stream_is_told() -> None:
    made = covered(edited([found()] * 4 + [NONE] * 4, at=4), replace(REACH, is_live=True))
    assert bases(made)[4] == "held"
