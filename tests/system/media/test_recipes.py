"""What recorders and editors write, through the whole command: each was reported in public once."""

from __future__ import annotations

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import FFMPEG, ffmpeg, frame_times
from tests.support.containers import (
    pixel_crop,
    projection,
    spherical_box,
    stereo_box,
    stereo_mode,
    with_entry_box,
    with_video_elements,
)
from tests.support.program import blurcam
from tests.support.streams import face_clip
from tests.system.media.judge import difference, notes, redact, shape, shown, steps

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast")
ALIKE, UNLIKE = 6.0, 15.0
SMALL = (96, 64)


def made(path: Path, *options: object, source: str = "testsrc2=s=160x120:r=25:d=1") -> Path:
    ffmpeg("-f", "lavfi", "-i", source, *options, path)
    return path


def test_of_two_tracks_the_default_one_is_redacted_and_the_other_named(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1", "-f", "lavfi", "-i",
           "testsrc=s=320x180:r=25:d=1", "-map", 0, "-map", 1, *H264, "-disposition:v:0", 0,
           "-disposition:v:1", "default", source)  # fmt: skip
    said = notes(redact(source, target))
    assert shape(target)[:2] == (320, 180)
    assert any("track 2 (320x180) is redacted" in each for each in said)
    redact(source, tmp_path / "first.mp4", "--track", 1)
    assert shape(tmp_path / "first.mp4")[:2] == (160, 90)


def test_what_matroska_crops_off_is_not_shown_again(tmp_path: Path) -> None:
    base = made(tmp_path / "base.mkv", *H264, "-live", 1, source="testsrc2=s=320x240:r=25:d=1")
    source = with_video_elements(base, tmp_path / "in.mkv", pixel_crop(80, 20, 40, 60))
    target = tmp_path / "out.mp4"
    redact(source, target)
    assert shape(target)[:2] == (200, 160)
    cut = made(tmp_path / "cut.mp4", "-vf", "crop=200:160:80:20", *H264,
               source="testsrc2=s=320x240:r=25:d=1")  # fmt: skip
    assert difference(shown(target, SMALL), shown(cut, SMALL)) < ALIKE


@pytest.mark.parametrize(
    ("kind", "told"),
    [("spherical mkv", "spherical"), ("stereo mkv", "stereoscopic"), ("spherical mp4", "spherical"),
     ("stereo mp4", "stereoscopic"), ("frame packing", "stereoscopic")],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_is_more_than_a_flat_picture_is_told(
    kind: str, told: str, suffix: str, tmp_path: Path
) -> None:
    name, _, container = kind.partition(" ")
    source = tmp_path / f"in.{container}"
    if container == "mkv":
        base = made(tmp_path / "base.mkv", *H264, "-live", 1)
        extra = projection(1) if name == "spherical" else stereo_mode(1)
        with_video_elements(base, source, extra)
    elif container == "mp4":
        base = made(tmp_path / "base.mp4", *H264)
        with_entry_box(base, source, spherical_box() if name == "spherical" else stereo_box())
    else:
        source = made(tmp_path / "in.h264", *H264, "-x264-params", "frame-packing=3")
    target = tmp_path / f"out{suffix}"
    said = notes(redact(source, target))
    assert any(told in each and "does not say so" in each for each in said)
    judged = blurcam("verify", target, "--against", source)
    assert "verdict: fail" not in judged.stderr, judged.stderr


def test_a_codec_that_changes_within_a_file_is_followed(tmp_path: Path) -> None:
    first = made(tmp_path / "a.ts", *H264, source="testsrc2=s=160x120:r=25:d=1.5")
    second = made(tmp_path / "b.ts", "-c:v", "libx265", "-x265-params", "log-level=none",
                  "-pix_fmt", "yuv420p", "-output_ts_offset", 1.5,
                  source="testsrc=s=160x120:r=25:d=1.5")  # fmt: skip
    source, target = tmp_path / "in.ts", tmp_path / "out.mp4"
    source.write_bytes(first.read_bytes() + second.read_bytes())
    redact(source, target)
    assert len(frame_times(target)) == len(frame_times(first)) + len(frame_times(second))


def test_a_range_that_changes_looks_as_it_did(tmp_path: Path) -> None:
    """Passed on as it was, the second half had too much contrast."""
    parts = {}
    for levels, layout in (("tv", "yuv420p"), ("pc", "yuvj420p")):
        parts[levels] = made(tmp_path / f"{levels}.h264", "-vf", f"scale=out_range={levels}",
                             "-color_range", levels, "-c:v", "libx264", "-pix_fmt",
                             layout)  # fmt: skip
    source, target = tmp_path / "in.h264", tmp_path / "out.mp4"
    source.write_bytes(parts["tv"].read_bytes() + parts["pc"].read_bytes())
    said = notes(redact(source, target))
    assert any("range of the samples changes" in each for each in said)
    pictures = shown(target, SMALL)
    assert len(pictures) == 50
    assert difference(pictures[25:], pictures[:25]) < 3


@pytest.mark.parametrize("name", ["in.m3u8", "in.ffconcat", "in.m4s"])
def test_a_list_is_refused_with_the_line_that_works(name: str, tmp_path: Path) -> None:
    """And the line does work."""
    clip = made(tmp_path / "clip.ts", *H264)
    source, target = tmp_path / name, tmp_path / "out.mp4"
    if name == "in.m3u8":
        ffmpeg("-i", clip, "-c", "copy", "-f", "hls", "-hls_time", 1, source)
    elif name == "in.ffconcat":
        source.write_text("ffconcat version 1.0\nfile clip.ts\n")
    else:
        parts = tmp_path / "parts.m3u8"
        ffmpeg("-i", clip, "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", parts)
        source = next(tmp_path.glob("parts*.m4s"))
    refused = blurcam("run", source, target)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert not target.exists()
    if name == "in.m4s":
        assert f"cat INIT.mp4 {source} | blurcam run - OUTPUT.mp4" in refused.stderr
        data = next(tmp_path.glob("init*.mp4")).read_bytes() + source.read_bytes()
    else:
        line = re.search(r"ffmpeg (-i .*) \| blurcam run - OUTPUT\.mp4", refused.stderr)
        assert line is not None, refused.stderr
        words = [FFMPEG, "-v", "error", *line[1].split()]
        data = subprocess.run(words, capture_output=True, timeout=60, check=True).stdout
    done = blurcam("run", "-", target, "--preset", "ultrafast", stdin=data)
    assert done.returncode == 0, done.stderr
    assert len(frame_times(target)) == 25


def test_a_stream_that_is_refreshed_line_by_line_and_cut_gives_what_ffmpeg_gives(
    tmp_path: Path,
) -> None:
    whole = made(tmp_path / "whole.ts", *H264, "-crf", 35, "-bf", 0, "-x264-params",
                 "intra-refresh=1:keyint=25", source="testsrc2=s=160x120:r=25:d=4")  # fmt: skip
    data = whole.read_bytes()
    source, target = tmp_path / "in.ts", tmp_path / "out.mp4"
    source.write_bytes(data[len(data) // 376 * 188 :])
    done = redact(source, target, code=3)
    assert " lost" in done.stderr
    assert len(frame_times(target)) == len(frame_times(source)) > 10


@pytest.mark.parametrize(
    ("file", "options", "film"),
    [
        ("in.mp4", ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params",
                    "log-level=none:open-gop=1:keyint=25:min-keyint=25"), "r=25:d=2"),
        ("in.gif", (), "r=10:d=1"),
        ("in.mp4", (*H264, "-crf", 40), "r=1000:d=0.2"),
    ],
    ids=["HEVC with CRA pictures", "animated GIF", "1000 frames a second"],
)  # fmt: skip
def test_frames_size_and_times_are_the_inputs(
    file: str, options: tuple[object, ...], film: str, tmp_path: Path
) -> None:
    source = made(tmp_path / file, *options, source=f"testsrc2=s=160x120:{film}")
    target = tmp_path / "out.mp4"
    redact(source, target)
    assert shape(target) == shape(source)
    assert steps(target) == steps(source)


def test_pal_dv_keeps_its_shape_and_its_fields(tmp_path: Path) -> None:
    source, target = tmp_path / "in.avi", tmp_path / "out.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=720x576:r=50:d=0.4", "-vf",
           "tinterlace=interleave_bottom,setsar=64/45", "-c:v", "dvvideo", "-pix_fmt", "yuv420p",
           "-flags", "+ilme+ildct", source)  # fmt: skip
    redact(source, target)
    assert shape(target) == (720, 576, Fraction(16, 9))
    command = [FFMPEG, "-hide_banner", "-i", str(target), "-vf", "showinfo", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    assert set(re.findall(r" i:(\w)", said)) == {"B"}


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mov", ".ts"])
def test_the_shape_of_pixels_goes_everywhere(suffix: str, tmp_path: Path) -> None:
    source = made(tmp_path / "in.mp4", "-vf", "setsar=64/45", *H264)
    target = tmp_path / f"out{suffix}"
    redact(source, target)
    assert shape(target) == shape(source) == (160, 120, Fraction(256, 135))


def test_a_camera_that_hangs_upside_down_is_put_right(tmp_path: Path) -> None:
    """Of faces on their heads none was found, and nothing could be said about it."""
    upright = face_clip(tmp_path / "face.mp4", 0.6, (320, 240))
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    ffmpeg("-i", upright, "-vf", "hflip,vflip", *H264, "-crf", 12, source)
    covered = {}
    for name, path, options in (("up", upright, ()), ("down", source, ("--rotate", 180))):
        regions = tmp_path / f"{name}.jsonl"
        redact(path, target, *options, "--overwrite", "--regions", regions)
        lines = [json.loads(line) for line in regions.read_text().splitlines()[1:]]
        covered[name] = sum(bool(line["regions"]) for line in lines)
    assert covered["down"] == covered["up"] == 15
    wanted = shown(upright, (320, 240))
    assert difference(shown(target, (320, 240)), wanted) < UNLIKE


def test_one_person_can_be_left_visible_by_leaving_out_a_track(tmp_path: Path) -> None:
    """Five lines of Python; see docs/guide/masks.md."""
    left = face_clip(tmp_path / "a.mp4", 0.4, (240, 240))
    source = tmp_path / "in.mp4"
    ffmpeg("-i", left, "-vf", "split[a][b];[a][b]hstack", *H264, "-crf", 12, source)
    regions, edited = tmp_path / "r.jsonl", tmp_path / "edited.jsonl"
    redact(source, tmp_path / "both.mp4", "--regions", regions)
    lines = [json.loads(line) for line in regions.read_text().splitlines()]
    (track,) = {each["track"] for line in lines[1:] for each in line["regions"]
                if each["x0"] < 150 and each["x1"] < 280}  # fmt: skip
    for line in lines[1:]:
        line["regions"] = [each for each in line["regions"] if each["track"] != track]
    edited.write_text("".join(json.dumps(line) + "\n" for line in lines))
    target = tmp_path / "out.mp4"
    done = blurcam("render", source, target, "--regions", edited, "--crf", 12)
    assert done.returncode == 0, done.stderr
    assert re.search(r"by hand: \d+ regions removed", done.stderr)
    before, after = shown(source, (480, 240)).astype(int), shown(target, (480, 240)).astype(int)
    apart = np.abs(before - after).mean(axis=(0, 1))
    assert apart[:220].mean() < 2, "that person is visible"
    assert apart[260:].mean() > 3 * apart[:220].mean(), "the other one is not"


@pytest.mark.parametrize(
    ("codec", "layout"),
    [("ffv1", "gray"), ("ffv1", "gray12le"), ("libx265", "gray"), ("png", "gray")],
)
def test_grey_keeps_its_contrast(codec: str, layout: str, tmp_path: Path) -> None:
    """FFmpeg's scaler takes grey for full range, and made 21 of 7, and 211 of 226."""
    quiet = ("-x265-params", "log-level=none:lossless=1") if codec == "libx265" else ()
    source = made(tmp_path / "in.mkv", "-c:v", codec, *quiet, "-pix_fmt", layout)
    for target, options in (
        (tmp_path / "out.mp4", ()),
        (tmp_path / "out.mkv", ("--codec", "h265")),
    ):
        redact(source, target, *options)
        before, after = shown(source, SMALL), shown(target, SMALL)
        assert int(after.max()) - int(after.min()) == pytest.approx(
            int(before.max()) - int(before.min()), abs=12
        )
        assert difference(after, before) < ALIKE
