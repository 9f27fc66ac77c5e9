"""The gate: what is covered is replaced, what is not is untouched, and nothing shines through."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from blurcam.errors import ConfigError
from blurcam.media.formats import PIXEL_FORMATS, PixelFormat
from blurcam.media.frames import Frame
from blurcam.media.masks import plane_mask, rasterise
from blurcam.media.regions import Coverage, Reason
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import RedactedFrame, redact
from blurcam.settings.redaction import COSMETIC
from tests.support.makers import (
    FORMATS,
    coverage_of,
    coverages,
    ellipse,
    noise_frame,
    polygon,
    sizes,
)

SAFE = ("blur", "solid", "mosaic")
ALL = (*SAFE, *sorted(COSMETIC))
some = settings(max_examples=60, deadline=None)


def masks_of(frame: Frame, coverage: Coverage) -> list[NDArray[np.bool_]]:
    """Return which samples of each plane are covered, worked out sample by sample."""
    mask = rasterise(coverage.regions, frame.width, frame.height)
    return [
        plane_mask(mask, frame.pixel_format, i, interlaced=frame.interlaced).astype(bool)
        for i in range(len(frame.planes))
    ]


def with_other_faces(frame: Frame, coverage: Coverage, seed: int) -> Frame:
    """Return the frame with different samples under the coverage, and only there."""
    rng = np.random.default_rng(seed)
    planes = []
    for plane, covered in zip(frame.planes, masks_of(frame, coverage), strict=True):
        other = rng.integers(0, 1 << frame.pixel_format.depth, plane.shape).astype(plane.dtype)
        planes.append(np.where(covered, other, plane))
    return replace(frame, planes=tuple(planes))


@pytest.mark.parametrize("effect", ALL)
@given(data=st.data(), pixel_format=st.sampled_from(FORMATS), size=sizes())
@some
def test_no_sample_outside_the_coverage_is_touched(
    effect: str, data: st.DataObject, pixel_format: PixelFormat, size: tuple[int, int]
) -> None:
    coverage = data.draw(coverages(*size))
    frame = noise_frame(pixel_format, *size, seed=1, interlaced=data.draw(st.booleans()))
    redacted = redact(frame, coverage, make_effect(effect))
    for before, after, covered in zip(
        frame.planes, redacted.planes, masks_of(frame, coverage), strict=True
    ):
        np.testing.assert_array_equal(after[~covered], before[~covered])


@pytest.mark.parametrize("effect", SAFE)
@given(data=st.data(), pixel_format=st.sampled_from(FORMATS), size=sizes())
@some
def test_what_is_covered_does_not_show_in_the_result(
    effect: str, data: st.DataObject, pixel_format: PixelFormat, size: tuple[int, int]
) -> None:
    coverage = data.draw(coverages(*size))
    frame = noise_frame(pixel_format, *size, seed=2, interlaced=data.draw(st.booleans()))
    other = with_other_faces(frame, coverage, seed=3)
    one = redact(frame, coverage, make_effect(effect))
    two = redact(other, coverage, make_effect(effect))
    np.testing.assert_array_equal(one.buffer, two.buffer)


@pytest.mark.parametrize("effect", sorted(COSMETIC))
def test_cosmetic_effects_let_the_face_through(effect: str) -> None:
    coverage = coverage_of(ellipse(10, 10, 50, 50))
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 64, 64, seed=2)
    other = with_other_faces(frame, coverage, seed=3)
    one = redact(frame, coverage, make_effect(effect))
    two = redact(other, coverage, make_effect(effect))
    assert (one.buffer != two.buffer).any()


@pytest.mark.parametrize("effect", SAFE)
@given(data=st.data(), pixel_format=st.sampled_from(FORMATS), size=sizes())
@some
def test_every_covered_sample_of_every_plane_is_replaced(
    effect: str, data: st.DataObject, pixel_format: PixelFormat, size: tuple[int, int]
) -> None:
    """Two fills of the covered part that no effect could leave both unchanged."""
    coverage = data.draw(coverages(*size))
    frame = noise_frame(pixel_format, *size, seed=4)
    top = (1 << pixel_format.depth) - 1
    kept = [np.ones(plane.shape, bool) for plane in frame.planes]
    for level in (0, top):
        planes = tuple(
            np.where(covered, np.array(level, plane.dtype), plane)
            for plane, covered in zip(frame.planes, masks_of(frame, coverage), strict=True)
        )
        redacted = redact(replace(frame, planes=planes), coverage, make_effect(effect))
        for number, after in enumerate(redacted.planes):
            kept[number] &= after == level
    for untouched, covered in zip(kept, masks_of(frame, coverage), strict=True):
        assert not (untouched & covered).any()


def test_the_last_row_and_column_are_covered() -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 31, 23, seed=5)
    white = replace(frame, planes=tuple(np.full_like(p, 255) for p in frame.planes))
    redacted = redact(
        white, coverage_of(polygon((0, 0), (31, 0), (31, 23), (0, 23))), make_effect("solid")
    )
    assert all((plane != 255).all() for plane in redacted.planes)


def test_chroma_beside_the_mask_is_covered_where_it_colours_a_covered_pixel() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[3, 3] = 1
    covered = plane_mask(mask, PIXEL_FORMATS["yuv420p"], 1, interlaced=False)
    assert np.argwhere(covered).tolist() == [[1, 1]]
    interlaced = plane_mask(mask, PIXEL_FORMATS["yuv420p"], 1, interlaced=True)
    assert np.argwhere(interlaced).tolist() == [[0, 1], [1, 1], [2, 1]]


def test_a_neighbour_is_not_surroundings() -> None:
    """Two faces side by side: the fill of one may not take its colour from the other."""
    frame = noise_frame(PIXEL_FORMATS["gray"], 60, 40, seed=6)
    plane = np.full((40, 60), 50, np.uint8)
    plane[5:35, 2:58] = 250
    faces = coverage_of(polygon((1, 4), (30, 4), (30, 36), (1, 36)),
                        polygon((29, 4), (59, 4), (59, 36), (29, 36)))  # fmt: skip
    redacted = redact(replace(frame, planes=(plane,)), faces, make_effect("blur"))
    assert np.unique(redacted.planes[0]).tolist() == [36, 50]  # the ground, and the same veiled


@pytest.mark.parametrize(("wall", "veiled"), [(0, 20), (40, 28), (90, 72), (200, 172), (255, 222)])
def test_blur_shows_on_a_plain_wall_and_is_even_there(wall: int, veiled: int) -> None:
    plane = np.full((80, 80), wall, np.uint8)
    plane[20:60, 20:60] = 255 - wall
    frame = replace(noise_frame(PIXEL_FORMATS["gray"], 80, 80, seed=7), planes=(plane,))
    coverage = coverage_of(ellipse(10, 10, 70, 70))
    redacted = redact(frame, coverage, make_effect("blur"))
    (covered,) = masks_of(frame, coverage)
    assert np.unique(redacted.planes[0][covered]).tolist() == [veiled]


@pytest.mark.parametrize("effect", ALL)
def test_a_region_that_fills_the_frame_leaves_nothing(effect: str) -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p10le"], 20, 20, seed=8)
    everything = coverage_of(polygon((0, 0), (20, 0), (20, 20), (0, 20)))
    redacted = redact(frame, everything, make_effect(effect))
    if effect in SAFE:
        assert all(plane.std() < 200 for plane in redacted.planes)
    assert redacted.reason is None


@pytest.mark.parametrize("reason", Reason)
def test_covered_whole_shows_nothing_of_the_frame_and_says_why(reason: Reason) -> None:
    pixel_format = PIXEL_FORMATS["yuv420p"]
    coverage = Coverage.whole(0, reason, 640, 360)
    one = redact(noise_frame(pixel_format, 640, 360, seed=1), coverage, make_effect("blur"))
    two = redact(noise_frame(pixel_format, 640, 360, seed=2), coverage, make_effect("blur"))
    np.testing.assert_array_equal(one.buffer, two.buffer)
    assert one.reason is reason
    assert len(np.unique(one.planes[0])) == 2  # grey, and the text
    assert np.unique(one.planes[1]).tolist() == [128]


def test_the_coverage_of_another_frame_is_refused() -> None:
    frame = noise_frame(PIXEL_FORMATS["gray"], 8, 8, seed=1)
    with pytest.raises(ValueError, match="coverage of frame 7 for frame 0"):
        redact(frame, Coverage(7, ()), make_effect("blur"))


def test_the_decoders_planes_are_not_written_to() -> None:
    frame = noise_frame(PIXEL_FORMATS["yuv420p"], 32, 32, seed=1)
    before = [plane.copy() for plane in frame.planes]
    redact(frame, coverage_of(ellipse(0, 0, 32, 32)), make_effect("solid"))
    for plane, kept in zip(frame.planes, before, strict=True):
        np.testing.assert_array_equal(plane, kept)


def test_a_failing_effect_gives_no_frame() -> None:
    class Failing:
        name = "failing"
        reads_face = False

        def fill(self, *args: object) -> NDArray[np.float32]:
            raise ZeroDivisionError

    frame = noise_frame(PIXEL_FORMATS["gray"], 8, 8, seed=1)
    with pytest.raises(ZeroDivisionError):
        redact(frame, coverage_of(ellipse(1, 1, 5, 5)), Failing())


def sealed() -> RedactedFrame:
    frame = noise_frame(PIXEL_FORMATS["gray"], 8, 8, seed=1)
    return redact(frame, Coverage(0, ()), make_effect("blur"))


def test_a_redacted_frame_cannot_be_made_otherwise() -> None:
    frame = noise_frame(PIXEL_FORMATS["gray"], 8, 8, seed=1)
    with pytest.raises(TypeError, match="redact"):
        RedactedFrame(object(), frame, None)
    for forge in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="redact"):
            forge(sealed())
    with pytest.raises(TypeError, match="final"):
        type("Forged", (RedactedFrame,), {})


def test_a_redacted_frame_does_not_change() -> None:
    redacted = sealed()
    with pytest.raises(AttributeError):
        redacted.planes = ()
    with pytest.raises(ValueError, match="read-only"):
        redacted.planes[0][0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        redacted.buffer[0] = 1


def test_an_unknown_effect_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match='no "none"'):
        make_effect("none")
