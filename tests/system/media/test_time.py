"""When frames are shown: rates that a stream tells, clocks that slip, starts far from zero."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.reading import ReadOptions
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg, frame_times
from tests.support.containers import dhav
from tests.support.h264 import without_vui
from tests.system.media.judge import first_frame, notes, redact, steps

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
H265 = ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p")


def made(path: Path, rate: object, count: int, *options: object) -> Path:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=96x64:r={rate}", "-frames:v", count, *options, path)
    return path


def read(path: Path, asked: ReadOptions | None = None) -> tuple[StreamInfo, list[Frame], list[str]]:
    counts = FrameCounts()
    with open_source(path, counts, asked or ReadOptions()) as source:
        frames = list(source.frames())
        return source.info, frames, counts.notices


# Rates -------------------------------------------------------------------------------------------

RAW = {
    "15 of H.264": ("in.h264", "15", H264),
    "30000/1001 of H.264": ("in.264", "30000/1001", H264),
    "10 of H.264 with B-frames": ("in.h264", "10", (*H264, "-preset", "medium", "-bf", 3)),
    "100 of H.264": ("in.h264", "100", H264),
    "12 of H.265": ("in.h265", "12", H265),
    "50 of H.265": ("in.hevc", "50", H265),
    "24 of MPEG-2": ("in.m2v", "24", ("-c:v", "mpeg2video")),
    "10 of MPEG-4": ("in.m4v", "10", ("-c:v", "mpeg4")),
    "10 of VP9": ("in.ivf", "10", ("-c:v", "libvpx-vp9", "-cpu-used", 8)),
}


@pytest.mark.parametrize("name", RAW)
def test_a_bare_stream_tells_its_own_rate(name: str, tmp_path: Path) -> None:
    file, rate, options = RAW[name]
    info, frames, notices = read(made(tmp_path / file, rate, 20, *options))
    assert [frame.time - frames[0].time for frame in frames] == [
        n / Fraction(rate) for n in range(20)
    ]
    assert info.rate == Fraction(rate)
    assert notices == []


def silent(folder: Path, codec: str) -> Path:
    """Write a stream that says nothing of its rate."""
    path = folder / f"in.{codec}"
    match codec:
        case "h264":
            plain = made(folder / "plain.h264", 15, 12, *H264, "-profile:v", "baseline")
            return without_vui(plain, path)
        case "hevc":
            quiet = "log-level=none:vui-timing-info=0"
            return made(path, 15, 12, *H265, "-x265-params", quiet)
        case "obu":
            return made(path, 15, 12, "-c:v", "libsvtav1", "-preset", 12)
        case _:
            return made(path, 15, 12, "-c:v", "mjpeg", "-f", "mjpeg")


@pytest.mark.parametrize(("asked", "rate"), [(None, 25), (10, 10), ("30000/1001", None)], ids=str)
@pytest.mark.parametrize("codec", ["h264", "hevc", "obu", "mjpg"])
def test_one_that_does_not_is_told_or_noted(
    codec: str, asked: object, rate: int | None, tmp_path: Path
) -> None:
    path = silent(tmp_path, codec)
    expected = Fraction(str(asked)) if asked is not None else Fraction(25)
    assert rate is None or expected == rate
    options = ReadOptions(rate=None if asked is None else expected)
    info, frames, notices = read(path, options)
    assert len(frames) == 12
    assert info.rate == expected
    assert abs(frames[-1].time - 11 / expected) < Fraction(1, 100_000)
    assert any("25" in each and "--rate" in each for each in notices) == (asked is None)


def test_the_rate_of_a_bare_stream_is_that_of_the_output(tmp_path: Path) -> None:
    """Seen to fail: 2.4 s in place of 4.0."""
    source, target = made(tmp_path / "in.h264", 15, 60, *H264), tmp_path / "out.mp4"
    redact(source, target)
    assert steps(target) == [Fraction(n, 15) for n in range(60)]
    done = redact(silent(tmp_path, "hevc"), tmp_path / "slow.mp4", "--rate", "10")
    assert steps(tmp_path / "slow.mp4")[-1] == Fraction(11, 10)
    assert not any("--rate" in each for each in notes(done))


# Clocks that slip --------------------------------------------------------------------------------

SLIPS = {
    "early": r"PTS-if(eq(mod(N\,10)\,9)\,45*90\,0)",
    "repeated": r"PTS-if(eq(mod(N\,10)\,9)\,40*90\,0)",
    "late": r"PTS+if(eq(mod(N\,10)\,9)\,45*90\,0)",
    "far early": r"PTS-if(eq(mod(N\,10)\,9)\,300*90\,0)",
    "far late": r"PTS+if(eq(mod(N\,10)\,9)\,3600*90000\,0)",
}


@pytest.mark.parametrize("slip", SLIPS)
def test_only_the_frames_that_slip_are_moved(slip: str, tmp_path: Path) -> None:
    """Each step back had moved all that follows, for good: 81 s an hour."""
    plain, path = tmp_path / "p.ts", tmp_path / "in.ts"
    made(plain, 25, 100, *H264, "-bf", 0, "-g", 50)
    ffmpeg("-i", plain, "-c", "copy", "-bsf:v", f"setts=pts='{SLIPS[slip]}':dts=DTS-27000000",
           path)  # fmt: skip
    _, frames, notices = read(path)
    assert len(frames) == 100
    off = [n for n, frame in enumerate(frames) if frame.time != Fraction(n, 25)]
    # A last frame that comes late has no neighbour to be moved before.
    assert set(off) <= set(range(9, 100, 10))
    assert all(b.pts > a.pts for a, b in pairwise(frames))
    assert {frame.session for frame in frames[:-1]} == {0}
    assert any("out of order" in each for each in notices)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".flv", ".nut"])
def test_a_repeated_time_in_other_containers(suffix: str, tmp_path: Path) -> None:
    plain, path = tmp_path / f"p{suffix}", tmp_path / f"in{suffix}"
    codec = ("-c:v", "flv") if suffix == ".flv" else (*H264, "-bf", 0)
    made(plain, 25, 50, *codec)
    ffmpeg("-i", plain, "-c", "copy", "-bsf:v",
           r"setts=ts='TS-if(eq(mod(N\,10)\,9)\,0.039/TB\,0)'", path)  # fmt: skip
    _, frames, _ = read(path)
    off = [
        n for n, f in enumerate(frames) if abs(f.time - frames[0].time - Fraction(n, 25)) > 0.002
    ]
    assert len(frames) == 50
    assert set(off) <= set(range(9, 50, 10))


# Starts ------------------------------------------------------------------------------------------

STARTS = {
    "MPEG-TS": (".ts", 0.0), "MPEG-TS after a day": (".ts", 86400.0),
    "Matroska after a day": (".mkv", 86400.0), "MP4 after a day": (".mp4", 86400.0),
    "FLV after ten hours": (".flv", 36000.0), "MPEG-PS": (".mpg", 0.0),
    "NUT in 1970": (".nut", 1.7e9),
}  # fmt: skip


@pytest.mark.parametrize("kind", STARTS)
def test_a_start_by_the_clock_becomes_zero(kind: str, tmp_path: Path) -> None:
    suffix, offset = STARTS[kind]
    codec = {".flv": ("-c:v", "flv"), ".mpg": ("-c:v", "mpeg2video")}.get(suffix, H264)
    path = made(tmp_path / f"in{suffix}", 25, 25, *codec, "-output_ts_offset", offset)
    info, frames, _ = read(path)
    times = frame_times(path)
    assert len(frames) == 25
    assert frames[0].pts == 0
    assert float(info.start) == pytest.approx(float(times[0]), abs=0.002)
    assert float(info.start) >= offset
    for frame, time in zip(frames, times, strict=True):
        assert float(frame.time) == pytest.approx(float(time - times[0]), abs=0.002)
    kept_info, kept, _ = read(path, ReadOptions(keep_start=True))
    assert kept[0].time == info.start == kept_info.start


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".nut"])
def test_a_start_within_the_first_second_is_kept(suffix: str, tmp_path: Path) -> None:
    path = made(tmp_path / f"in{suffix}", 25, 10, *H264, "-bf", 0, "-output_ts_offset", 0.4)
    _, frames, _ = read(path)
    assert float(frames[0].time) == pytest.approx(0.4, abs=0.002)


def test_the_first_time_stamp_is_in_the_summary(tmp_path: Path) -> None:
    path = made(tmp_path / "in.ts", 25, 10, *H264, "-output_ts_offset", 86400)
    summary, target = tmp_path / "s.json", tmp_path / "out.mp4"
    redact(path, target, "--summary", summary)
    assert first_frame(target) == 0
    said = json.loads(summary.read_text())["input_starts_s"]
    assert said == pytest.approx(float(first_frame(path)), abs=1e-5)
    redact(path, tmp_path / "kept.mp4", "--keep-start")
    assert first_frame(tmp_path / "kept.mp4") == first_frame(path)


@pytest.mark.parametrize("year", [2024, 2038])
def test_dahua_s_recordings_last_as_long_as_they_last(year: int, tmp_path: Path) -> None:
    """FFmpeg counts them from 1970. Seen to fail: a film of 54 years."""
    bare, path = tmp_path / "in.h264", tmp_path / "in.dav"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", *H264, "-g", 25, "-bf", 0, bare)
    dhav(bare, path, year=year)
    info, frames, _ = read(path)
    assert [frame.time for frame in frames] == [Fraction(n, 25) for n in range(50)]
    assert info.start > 365 * 86400 * (year - 1971)
