"""What a container crops off is not shown again."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.media.formats import PIXEL_FORMATS
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.container_crop import NO_CROP, Crop, crop_in
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg, moving_clip
from tests.support.containers import (
    clean_aperture,
    pixel_crop,
    with_entry_box,
    with_video_elements,
)
from tests.support.makers import noise_frame

SIDES = (8, 2, 4, 6)  # left, top, right, bottom
GREY = ("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p")


def cropped(folder: Path, kind: str, left: int, top: int, right: int, bottom: int) -> Path:
    """Write a recording of 96 by 64 pixels that is to be shown without its edges."""
    if kind == "matroska":
        plain = moving_clip(folder / "p.mkv", *GREY, "-live", "1", size="96x64", seconds=0.2)
        elements = pixel_crop(left, top, right, bottom)
        return with_video_elements(plain, folder / "in.mkv", elements)
    plain = moving_clip(folder / "p.mp4", *GREY, size="96x64", seconds=0.2)
    size = 96 - left - right, 64 - top - bottom
    box = clean_aperture(*size, (left - right) // 2, (top - bottom) // 2)
    return with_entry_box(plain, folder / "in.mp4", box)


@pytest.mark.parametrize("kind", ["matroska", "mp4"])
@pytest.mark.parametrize("sides", [SIDES, (0, 0, 0, 20), (7, 3, 1, 5)], ids=str)
def test_what_is_left_is_what_lies_between_the_edges(
    kind: str, sides: tuple[int, int, int, int], tmp_path: Path
) -> None:
    path = cropped(tmp_path, kind, *sides)
    left, top, right, bottom = sides
    with open_source(path, FrameCounts()) as source:
        shown = list(source.frames())
        assert (source.info.width, source.info.height) == (96 - left - right, 64 - top - bottom)
    with open_source(tmp_path / f"p{path.suffix}", FrameCounts()) as source:
        whole = list(source.frames())
    assert len(shown) == len(whole) == 5
    for a, b in zip(shown, whole, strict=True):
        expected = b.planes[0][top : 64 - bottom, left : 96 - right]
        np.testing.assert_array_equal(a.planes[0], expected)


def test_a_crop_that_leaves_nothing_is_not_followed(tmp_path: Path) -> None:
    """FFmpeg opens no such Matroska file."""
    path = cropped(tmp_path, "mp4", 48, 0, 48, 0)
    with open_source(path, FrameCounts()) as source:
        assert (source.info.width, source.info.height) == (96, 64)


def test_each_track_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x36:d=0.2", "-f", "lavfi", "-i",
           "testsrc2=s=96x64:d=0.2", "-map", 0, "-map", 1, "-live", 1, path)  # fmt: skip
    marked = with_video_elements(path, tmp_path / "in.mkv", pixel_crop(*SIDES))
    with marked.open("rb") as file:
        assert crop_in(file, "matroska,webm", 0) == Crop(*SIDES)
        assert crop_in(file, "matroska,webm", 1) == NO_CROP
        assert crop_in(file, "matroska,webm", 2) == NO_CROP


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv411p", "gray", "gbrp", "yuv420p10le"])
def test_every_plane_is_cut(name: str) -> None:
    frame = noise_frame(PIXEL_FORMATS[name], 33, 21, seed=1)
    planes = Crop(3, 2, 4, 5).applied(frame.planes, frame.pixel_format)
    assert planes[0].shape == (14, 26)
    for index, plane in enumerate(planes):
        assert plane.shape == frame.pixel_format.plane_shape(index, 26, 14)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), format=st.sampled_from(["matroska,webm", "mov,mp4,m4a"]))
def test_nothing_is_made_of_noise(data: bytes, format: str) -> None:
    for head in (b"", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff", b"\0\0\0\x10moov"):
        crop_in(io.BytesIO(head + data), format, 0)


def test_the_shape_of_a_pixel_is_that_of_what_is_shown(tmp_path: Path) -> None:
    path = cropped(tmp_path, "matroska", 8, 0, 8, 0)
    with open_source(path, FrameCounts()) as source:
        assert source.info.sample_aspect_ratio in (Fraction(1), Fraction(6, 5))
