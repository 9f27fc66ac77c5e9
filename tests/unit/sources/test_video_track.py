"""Of several video tracks the one that players show is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from blurcam.errors import ConfigError
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.reading import ReadOptions
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg

SMALL, LARGE = (64, 36), (128, 72)


def two_tracks(path: Path, first: tuple[int, int], second: tuple[int, int], *extra: object) -> Path:
    sizes = [f"testsrc2=s={w}x{h}:r=25:d=0.4" for w, h in (first, second)]
    ffmpeg("-f", "lavfi", "-i", sizes[0], "-f", "lavfi", "-i", sizes[1], "-map", 0, "-map", 1,
           "-c:v", "libx264", "-pix_fmt", "yuv420p", *extra, path)  # fmt: skip
    return path


def size_of(path: Path, counts: FrameCounts, track: int | None = None) -> tuple[int, int]:
    with open_source(path, counts, ReadOptions(track=track)) as source:
        frames = list(source.frames())
        assert len(frames) == 10
        assert {(frame.width, frame.height) for frame in frames} == {
            (source.info.width, source.info.height)
        }
        return source.info.width, source.info.height


DEFAULT = {
    "first": ("-disposition:v:0", "default", "-disposition:v:1", "0"),
    "second": ("-disposition:v:0", "0", "-disposition:v:1", "default"),
    "both": ("-disposition:v:0", "default", "-disposition:v:1", "default"),
    "none": ("-disposition:v:0", "0", "-disposition:v:1", "0"),
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_the_default_track_comes_first(suffix: str, tmp_path: Path) -> None:
    path = two_tracks(tmp_path / f"a{suffix}", LARGE, SMALL, *DEFAULT["second"])
    assert size_of(path, FrameCounts()) == SMALL


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
@pytest.mark.parametrize("default", ["both", "none"])
def test_then_the_largest(suffix: str, default: str, tmp_path: Path) -> None:
    for name, sizes in (("a", (SMALL, LARGE)), ("b", (LARGE, SMALL))):
        path = two_tracks(tmp_path / f"{name}{suffix}", *sizes, *DEFAULT[default])
        assert size_of(path, FrameCounts()) == LARGE


def test_the_others_are_noted_by_the_number_that_chooses_them(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mp4", SMALL, LARGE, *DEFAULT["second"])
    counts = FrameCounts()
    assert size_of(path, counts) == LARGE
    (note,) = counts.notices
    assert "2 video tracks" in note
    assert "track 2 (128x72) is redacted" in note
    assert "1 (64x36)" in note
    assert "--track" in note
    assert size_of(path, FrameCounts(), 1) == SMALL
    assert size_of(path, FrameCounts(), 2) == LARGE


def test_cover_art_is_no_track(tmp_path: Path) -> None:
    clip, art, path = (tmp_path / each for each in ("a.mp4", "a.jpg", "b.mp4"))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=0.4", "-pix_fmt", "yuv420p", clip)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360", "-frames:v", 1, art)
    ffmpeg("-i", art, "-i", clip, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:0",
           "attached_pic", path)  # fmt: skip
    counts = FrameCounts()
    assert size_of(path, counts) == SMALL
    assert counts.notices == []


def test_a_track_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    path = two_tracks(tmp_path / "a.mp4", SMALL, LARGE)
    with pytest.raises(ConfigError, match=r"track: .*a\.mp4 has 2 video tracks, and no 3"):
        size_of(path, FrameCounts(), 3)
