"""What a run takes is bounded by its pictures, not by what a header claims."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.clips import ffmpeg, frame_times
from tests.system.media.judge import run

GIGABYTE = 10**9
FAST = ("--preset", "ultrafast")


def film(path: Path, size: str, rate: int, frames: int, *options: object) -> Path:
    ffmpeg("-f", "lavfi", "-i", f"color=gray:s={size}:r={rate}", "-frames:v", frames,
           "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *options,
           path)  # fmt: skip
    return path


@pytest.mark.parametrize("rate", [90_000, pytest.param(1000, marks=pytest.mark.slow)])
def test_frames_that_claim_to_be_shown_at_once_are_not_all_held(tmp_path: Path, rate: int) -> None:
    # All of them are within 1.5 s: 1 GB in 4:4:4.
    source = film(tmp_path / "in.mp4", "1920x1080", rate, 120, "-pix_fmt", "yuv444p")
    target = tmp_path / "out.mp4"
    done = run("run", source, target, *FAST)
    assert done.code == 0, done.said
    assert done.peak_bytes < 2.0 * GIGABYTE
    assert "note: memory holds" in done.said
    assert "looked ahead than --lead and --bridge ask for; --memory allows more" in done.said
    assert len(frame_times(target)) == 120


def test_an_hour_of_1080p_takes_what_the_readme_says(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", "1920x1080", 25, 150)
    done = run("run", source, tmp_path / "out.mp4", *FAST)
    assert done.code == 0, done.said
    assert done.peak_bytes < 1.3 * GIGABYTE
    assert "note:" not in done.said


@pytest.mark.parametrize(
    "shape", [Fraction(100), Fraction(1, 100), Fraction(255, 4), Fraction(2, 255)]
)
def test_an_absurd_shape_of_pixels_is_not_followed(tmp_path: Path, shape: Fraction) -> None:
    plain = film(tmp_path / "plain.h264", "640x360", 25, 10)
    source = tmp_path / "in.h264"
    told = f"h264_metadata=sample_aspect_ratio={shape.numerator}/{shape.denominator}"
    ffmpeg("-i", plain, "-c", "copy", "-bsf:v", told, source)
    done = run("run", source, tmp_path / "out.mp4", *FAST)
    assert done.code == 0, done.said
    assert "10 frames in: 10 redacted" in done.said
    assert done.peak_bytes < 0.6 * GIGABYTE


def test_frames_that_do_not_fit_are_refused_in_a_line(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", "3840x2160", 25, 2)
    target = tmp_path / "out.mp4"
    done = run("run", source, target, "--memory", "0.8")
    assert done.code != 0
    assert len(done.said.splitlines()) == 1
    assert "frames of 3840x2160 need 1.2 GB of memory, and there are 0.8 GB" in done.said
    assert not target.exists()


@pytest.mark.slow
def test_8k_keeps_to_what_it_was_promised(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", "7680x4320", 25, 40)
    done = run("run", source, tmp_path / "out.mp4", *FAST, "--memory", "4.5")
    assert done.code == 0, done.said
    assert done.peak_bytes < 4.5 * (1 << 30)


def test_a_larger_look_ahead_is_what_memory_allows(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", "640x360", 120, 240)
    done = run("run", source, tmp_path / "out.mp4", *FAST, "--memory", "2")
    assert done.code == 0, done.said
    assert "note:" not in done.said
