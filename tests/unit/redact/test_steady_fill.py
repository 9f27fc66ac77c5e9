"""A fill that follows its track in time: calm, and still without a sample that was covered."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.media.formats import PIXEL_FORMATS, PixelFormat
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from tests.support.makers import FORMATS, noise_frame, regions
from tests.unit.redact.test_gate import masks_of, with_other_faces

SAFE = ("blur", "solid", "mosaic")
RATE = Fraction(1, 25)
SIZE = 80


def redacted(frames: list[Frame], coverages: list[Coverage], effect: str) -> list[np.ndarray]:
    made = make_effect(effect)
    pairs = zip(frames, coverages, strict=True)
    return [redact(frame, coverage, made).buffer for frame, coverage in pairs]


def face(x: int, y: int, size: int, track: int | None = 1) -> Region:
    return Region(Box(x, y, x + size, y + size), Basis.DETECTED, track)


@st.composite
def paths(draw: st.DrawFn) -> list[Coverage]:
    """Two tracks that wander and meet, and whatever else is covered, over six frames."""
    made = []
    spots = [[draw(st.integers(-10, SIZE)) for _ in range(2)] for _ in range(2)]
    for seq in range(6):
        for spot in spots:
            spot[:] = [each + draw(st.integers(-6, 6)) for each in spot]
        own = [face(x, y, draw(st.integers(8, 30)), track) for track, (x, y) in enumerate(spots)]
        other = draw(st.lists(regions(SIZE, SIZE), max_size=2))
        made.append(Coverage(seq, (*own, *other)))
    return made


@pytest.mark.parametrize("effect", SAFE)
@given(coverages=paths(), pixel_format=st.sampled_from(FORMATS), interlaced=st.booleans())
@settings(max_examples=40, deadline=None)
def test_videos_that_differ_under_their_coverage_become_the_same_to_the_bit(
    effect: str, coverages: list[Coverage], pixel_format: PixelFormat, interlaced: bool
) -> None:
    one = [
        replace(noise_frame(pixel_format, SIZE, SIZE, seed=n, interlaced=interlaced), **at(n))
        for n in range(len(coverages))
    ]
    two = [
        with_other_faces(frame, coverage, seed=50 + frame.seq)
        for frame, coverage in zip(one, coverages, strict=True)
    ]
    for ours, theirs in zip(
        redacted(one, coverages, effect), redacted(two, coverages, effect), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def at(seq: int) -> dict[str, object]:
    return {"seq": seq, "pts": seq, "time_base": RATE}


def wall(seq: int, level: int, **changes: object) -> Frame:
    """A frame with a face of any brightness before an even wall, and a dark floor."""
    plane = np.full((SIZE, SIZE), level, np.uint8)
    plane[60:] = 30
    plane[30:50, 30:50] = 255
    frame = noise_frame(PIXEL_FORMATS["gray"], SIZE, SIZE, seed=1)
    return replace(frame, planes=(plane,), **(at(seq) | changes))


def with_post(frame: Frame) -> Frame:
    """Return the frame with a bright post at one side of the face."""
    (plane,) = (each.copy() for each in frame.planes)
    plane[:60, 10:22] = 250
    return replace(frame, planes=(plane,))


def fills(frames: list[Frame], effect: str = "blur", track: int | None = 1) -> list[float]:
    """The mean of what was filled on each frame."""
    coverages = [Coverage(frame.seq, (face(20, 20, 40, track),)) for frame in frames]
    made = redacted(frames, coverages, effect)
    (covered,) = masks_of(frames[0], coverages[0])
    return [float(each.reshape(SIZE, SIZE)[covered].mean()) for each in made]


@pytest.mark.parametrize("track", [1, None], ids=["a track", "a region that stays"])
@pytest.mark.parametrize("effect", ["blur", "mosaic"])
def test_a_blink_of_the_ring_is_not_a_blink_of_the_fill(effect: str, track: int | None) -> None:
    walls = [wall(n, 120) for n in range(25)]
    walls[12] = with_post(walls[12])
    alone = fills([with_post(wall(0, 120))], effect)[0] - fills([wall(0, 120)], effect)[0]
    steps = np.abs(np.diff(fills(walls, effect, track)))
    assert alone > 10  # what one frame by itself would do
    assert steps.max() < alone / 8


def test_the_fill_follows_a_change_that_stays() -> None:
    walls = [wall(n, 120) if n < 12 else with_post(wall(n, 120)) for n in range(40)]
    filled = fills(walls)
    assert filled[-1] == fills([walls[-1]])[0]
    assert np.abs(np.diff(filled)).max() < (filled[-1] - filled[0]) / 4


def test_nothing_is_remembered_across_a_cut() -> None:
    walls = [wall(n, 40 if n < 12 else 200) for n in range(13)]
    assert fills(walls)[-1] == fills([walls[-1]])[0]


@pytest.mark.parametrize(
    "changes", [{"session": 1}, {"pts": 500}, {"pts": -500}], ids=["session", "jump", "back"]
)
def test_nothing_is_remembered_across_a_break_in_time(changes: dict[str, object]) -> None:
    before = [wall(n, 40) for n in range(12)]
    there = fills([*before, wall(12, 200, **changes)])[-1]
    assert there == fills([wall(12, 200)])[0]


def test_where_two_tracks_overlap_the_fill_has_no_edge() -> None:
    """A dark side and a light one: between them the fills are blended."""
    plane = np.tile(np.where(np.arange(SIZE) < SIZE // 2, 60, 200).astype(np.uint8), (SIZE, 1))
    frame = replace(noise_frame(PIXEL_FORMATS["gray"], SIZE, SIZE, seed=1), planes=(plane,))
    both = Coverage(0, (face(8, 20, 40, 1), face(32, 20, 40, 2)))
    row = redact(frame, both, make_effect("blur")).planes[0][40, 10:70].astype(int)
    assert np.abs(np.diff(row)).max() < 25
    assert row.max() - row.min() > 60
