"""The outline of a track: it holds all that is asked for, and is calm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.media.masks import rasterise
from blurcam.media.regions import Basis, Box, Region
from blurcam.runtime.counts import FrameCounts
from blurcam.track.cover import cover
from blurcam.track.outline import Outline
from blurcam.track.reach import Reach
from tests.support.makers import boxes, grey_frame
from tests.unit.track.test_cover import Scene, reaches, scenes

SIDE = 200
some = settings(max_examples=150, deadline=None)


@dataclass(frozen=True)
class Asked:
    """What is asked for on a frame, in milliseconds, and what was thought of it before."""

    pts: int
    foretold: tuple[Box, ...]
    boxes: tuple[Box, ...]


@st.composite
def asked(draw: st.DrawFn) -> list[Asked]:
    made, pts = [], 0
    parts = st.lists(boxes(SIDE, SIDE), max_size=3).map(tuple)
    for _ in range(draw(st.integers(1, 20))):
        pts += draw(st.integers(1, 300))
        here = draw(parts)
        made.append(Asked(pts, draw(st.just(here) | parts), here))
    return made


def regions(parts: tuple[Box, ...], basis: Basis = Basis.DETECTED) -> list[Region]:
    return [Region(box, basis, 1) for box in parts]


def outlines(frames: list[Asked], look_ahead: float = 1000) -> list[list[Region]]:
    """The outline of each frame, of which ``look_ahead`` milliseconds are foretold."""
    outline = Outline(1000, look_ahead)
    made = []
    ahead = {each.pts: each for each in frames}
    for each in frames:
        later = [grey_frame(n, pts) for n, pts in enumerate(ahead) if pts > each.pts]
        for pts in outline.unseen(later, each.pts):
            outline.see(pts, regions(ahead[pts].foretold))
        made.append(outline.of(each.pts, regions(each.boxes)))
        outline.forget_before(each.pts)
    return made


def steady(parts: list[Box], step: int = 40) -> list[Region]:
    """The outline of a face that is in one place on each frame."""
    frames = [Asked(n * step, (box,), (box,)) for n, box in enumerate(parts)]
    return [only for (only,) in outlines(frames)]


@given(frames=asked(), look_ahead=st.floats(0, 2000))
@some
def test_an_outline_holds_every_pixel_that_is_asked_for(
    frames: list[Asked], look_ahead: float
) -> None:
    for each, made in zip(frames, outlines(frames, look_ahead), strict=True):
        wanted = rasterise(regions(each.boxes), SIDE, SIDE)
        assert not (wanted & ~rasterise(made, SIDE, SIDE)).any()


@given(scanned=scenes(), reach=reaches)
@settings(max_examples=60, deadline=None)
def test_coverage_holds_every_pixel_that_it_would_without_outlines(
    scanned: Scene, reach: Reach
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        calm = [each for _, each in cover(scanned, reach, FrameCounts())]
        patch.setattr(Outline, "of", lambda self, pts, asked: list(asked))
        bare = [each for _, each in cover(scanned, reach, FrameCounts())]
    for ours, theirs in zip(calm, bare, strict=True):
        wanted = rasterise(theirs.regions, SIDE, SIDE)
        assert not (wanted & ~rasterise(ours.regions, SIDE, SIDE)).any()


def heights(made: list[Region]) -> list[int]:
    return [each.box.height for each in made]


def test_a_face_that_stands_still_has_an_outline_that_stands_still() -> None:
    """The detector places it anew every fourth frame: up to 3 px off, up to 10 % larger."""
    rng = np.random.default_rng(1)
    spots = rng.uniform(-3, 3, (25, 2))
    sizes = rng.uniform(1, 1.1, 25)
    parts = [
        Box.around(x, y, x + 60 * size, y + 75 * size)
        for (x, y), size in zip(50 + spots, sizes, strict=True)
        for _ in range(4)
    ]
    jumps = np.abs(np.diff([part.height for part in parts]))
    assert np.percentile(jumps, 95) / 75 > 0.06
    made = steady(parts)
    steps = np.abs(np.diff(heights(made))) / np.array(heights(made)[:-1])
    assert np.percentile(steps, 95) <= 0.04
    asked_x, made_x = (np.diff([each.centre[0] for each in side])
                       for side in (parts, [m.box for m in made]))  # fmt: skip
    assert np.abs(made_x).max() < 0.6 * np.abs(asked_x).max()
    assert max(heights(made)) < 1.25 * max(part.height for part in parts)


def test_an_outline_grows_in_small_steps_before_it_has_to() -> None:
    small, large = Box(60, 60, 100, 110), Box(55, 55, 105, 117)
    steps = np.diff(heights(steady([small] * 12 + [large] * 12)))
    assert np.count_nonzero(steps) >= 4
    assert steps.max() <= 4


def test_an_outline_grows_at_once_where_nothing_was_foretold() -> None:
    small, large = Box(60, 60, 100, 110), Box(55, 55, 105, 117)
    frames = [Asked(40 * n, (small,), (small if n < 12 else large,)) for n in range(20)]
    made = [only for (only,) in outlines(frames)]
    assert made[11].box.height < 54
    assert made[12].box.height >= large.height


def test_an_outline_shrinks_slowly_and_comes_to_an_end() -> None:
    small, large = Box(60, 60, 100, 110), Box(45, 45, 115, 125)
    made = heights(steady([large] * 5 + [small] * 40))
    steps = np.diff(made)
    assert steps.min() >= -0.04 * large.height
    assert made[-1] <= small.height + 4


def test_a_wrong_link_does_not_inflate_an_outline() -> None:
    here, there = Box(10, 80, 40, 120), Box(160, 80, 190, 120)
    for made in steady([here] * 10 + [there] * 10):
        assert made.box.width <= 1.5 * here.width
        assert made.box.height <= 1.5 * here.height


def test_what_a_track_asks_for_is_one_shape_unless_its_parts_are_far_apart() -> None:
    near = (Box(50, 50, 80, 90), Box(60, 52, 92, 92))
    far = (Box(10, 50, 40, 90), Box(150, 52, 180, 92))
    (one,), (first, second) = outlines([Asked(0, near, near), Asked(2000, far, far)])
    assert one.box.contains(near[0].union(near[1]))
    assert (first.box, second.box) == far


def test_the_outline_is_known_by_the_strongest_of_what_asks_for_it() -> None:
    outline = Outline(1000, 0)
    box = Box(50, 50, 80, 90)
    asks = [Region(box, basis, 7) for basis in (Basis.HELD, Basis.BRIDGED, Basis.LED)]
    (made,) = outline.of(0, asks)
    assert (made.basis, made.track) == (Basis.BRIDGED, 7)
