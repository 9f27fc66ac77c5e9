"""Sound beside the frames: copied where the container can hold it, in step with them, or said."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source
from tests.support.clips import FFMPEG, ffmpeg
from tests.system.media.judge import first_frame, notes, redact, sound, steps

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")
FRAME = Fraction(1024, 44100)


def made(path: Path, *options: object, lasts: float = 1.0, tone: str = "sine") -> Path:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=96x64:r=25:d={lasts}", "-f", "lavfi", "-i",
           tone if "=" in tone else f"{tone}=d={lasts}", *H264, "-c:a", "aac",
           *options, path)  # fmt: skip
    return path


def apart(path: Path) -> Fraction:
    """Return by how much the sound begins after the picture."""
    heard = sound(path)
    assert heard is not None
    return heard.first - first_frame(path)


def heard_length(path: Path) -> float:
    heard = sound(path)
    assert heard is not None
    return float(heard.last - heard.first)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_the_sound_of_a_transport_stream_is_copied(suffix: str, tmp_path: Path) -> None:
    """Seen to fail for MP4: "Operation not permitted"."""
    source, target = made(tmp_path / "in.ts"), tmp_path / f"out{suffix}"
    done = redact(source, target, "--audio", "copy")
    heard = sound(target)
    assert heard is not None
    assert heard.codec == "aac"
    assert heard_length(target) == pytest.approx(heard_length(source), abs=0.03)
    assert abs(apart(target) - apart(source)) <= Fraction(1, 500)
    assert not any("encoded anew" in each for each in notes(done))


KINDS = {
    "G.711": ("in.mov", ("-c:a", "pcm_mulaw", "-ar", "8000"), "out.mp4", "aac", 1),
    "ADPCM": ("in.mkv", ("-c:a", "adpcm_ima_wav"), "out.mp4", "aac", 1),
    "WMA": ("in.mkv", ("-c:a", "wmav2"), "out.mp4", "aac", 1),
    "5.1": ("in.mkv", ("-c:a", "pcm_s16le", "-ac", "6"), "out.mp4", "aac", 6),
    "MP3 of FLV": ("in.flv", ("-c:v", "flv", "-c:a", "libmp3lame"), "out.mp4", "mp3float", 1),
    "MP2": ("in.ts", ("-c:a", "mp2"), "out.mkv", "mp2", 1),
    "G.711 in QuickTime": ("in.mov", ("-c:a", "pcm_alaw", "-ar", "8000"), "out.mov", "pcm_alaw", 1),
}  # fmt: skip
COPIED = ("MP3 of FLV", "MP2", "G.711 in QuickTime")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_encoded_anew_is_said(kind: str, tmp_path: Path) -> None:
    name, options, out, codec, channels = KINDS[kind]
    source, target = made(tmp_path / name, *options), tmp_path / out
    done = redact(source, target, "--audio", "copy")
    heard = sound(target)
    assert heard is not None
    assert (heard.codec, heard.channels) == (codec, channels)
    assert any("encoded anew" in each for each in notes(done)) == (kind not in COPIED)
    assert heard_length(target) == pytest.approx(1.0, abs=0.1)


def test_channels_that_are_mixed_down_are_said(tmp_path: Path) -> None:
    source = made(tmp_path / "in.mkv", "-c:a", "pcm_s16le", "-ac", "8")
    done = redact(source, tmp_path / "out.mp4", "--audio", "copy")
    heard = sound(tmp_path / "out.mp4")
    assert heard is not None
    assert heard.channels == 2
    assert any("8 channels are mixed down to stereo" in each for each in notes(done))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_clock_that_wraps_takes_the_sound_along(suffix: str, tmp_path: Path) -> None:
    """33 bits of 90 kHz: 95,443.7 s. Seen to fail: a second out of step."""
    source = made(tmp_path / "in.ts", "-bf", 2, "-muxdelay", 0, "-output_ts_offset", 95443.2,
                  "-f", "mpegts")  # fmt: skip
    target = tmp_path / f"out{suffix}"
    redact(source, target, "--audio", "copy")
    assert abs(apart(target) - apart(source)) <= Fraction(1, 400)
    assert len(steps(target)) == 25


def joined(folder: Path, parts: int = 3, *options: object) -> Path:
    each = [made(folder / f"part{n}.ts", *options) for n in range(parts)]
    whole = folder / "in.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in each))
    return whole


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_joined_transport_streams_go_on_in_step(suffix: str, tmp_path: Path) -> None:
    """Each part's clock begins anew. Seen to fail: "cannot be written: Invalid argument"."""
    source, target = joined(tmp_path), tmp_path / f"out{suffix}"
    redact(source, target, "--audio", "copy")
    times = steps(target)
    assert len(times) == 75
    assert times[-1] == pytest.approx(2.96, abs=0.01)
    assert heard_length(target) == pytest.approx(3.0, abs=0.15)
    assert abs(apart(target) - apart(tmp_path / "part0.ts")) <= Fraction(1, 400)


def beeps(path: Path) -> list[float]:
    """Return when each beep begins, in seconds of the film."""
    command = [FFMPEG, "-v", "error", "-i", str(path), "-map", "0:a", "-af", "aresample=async=1",
               "-ar", "8000", "-ac", "1", "-f", "s16le", "-"]  # fmt: skip
    data = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    samples: NDArray[np.int16] = np.frombuffer(data, np.int16)
    whole = samples[: len(samples) // 80 * 80].astype(int).reshape(-1, 80)
    loud = np.abs(whole).max(axis=1) > 1000
    starts = np.flatnonzero(loud[1:] & ~loud[:-1])
    return [float(start + 1) / 100 for start in starts]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_what_is_heard_at_a_seam_is_heard_with_its_frames(suffix: str, tmp_path: Path) -> None:
    """A beep in the middle of each part of a second."""
    tone = "aevalsrc='0.5*sin(3000*t)*between(t,0.5,0.7)':d=1"
    source, target = joined(tmp_path, 3), tmp_path / f"out{suffix}"
    parts = [made(tmp_path / f"part{n}.ts", tone=tone) for n in range(3)]
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    redact(source, target, "--audio", "copy")
    found = beeps(target)
    assert len(found) == 3
    gaps = [b - a for a, b in pairwise(found)]
    assert gaps == pytest.approx([1.0, 1.0], abs=0.06)


def test_a_slipping_clock_leaves_sound_in_step(tmp_path: Path) -> None:
    """Every tenth frame is stamped 45 ms early; the sound's clock is right."""
    plain = made(tmp_path / "p.ts", "-bf", 0, lasts=2)
    source, target = tmp_path / "in.ts", tmp_path / "out.mp4"
    slip = r"setts=pts='PTS-if(eq(mod(N\,10)\,9)\,45*90\,0)':dts=DTS-9000"
    ffmpeg("-i", plain, "-c", "copy", "-bsf:v", slip, source)
    redact(source, target, "--audio", "copy")
    times = steps(target)
    off = [n for n, at in enumerate(times) if abs(at - Fraction(n, 25)) > Fraction(1, 1000)]
    assert set(off) <= set(range(9, 50, 10))
    assert abs(apart(target) - apart(source)) <= Fraction(1, 400)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_an_edit_list_hides_stays_out(suffix: str, tmp_path: Path) -> None:
    whole = made(tmp_path / "whole.mp4", "-g", 50, lasts=3)
    source, target = tmp_path / "in.mp4", tmp_path / f"out{suffix}"
    ffmpeg("-ss", 1.3, "-i", whole, "-c", "copy", source)
    redact(source, target, "--audio", "copy")
    assert heard_length(target) == pytest.approx(heard_length(source), abs=0.05)
    assert abs(apart(target) - apart(source)) <= 2 * FRAME


def test_a_start_by_the_clock_takes_the_sound_to_zero(tmp_path: Path) -> None:
    source = made(tmp_path / "in.ts", "-output_ts_offset", 86400, "-f", "mpegts")
    target, kept = tmp_path / "out.mkv", tmp_path / "kept.mkv"
    redact(source, target, "--audio", "copy")
    assert min(first_frame(target), sound(target).first) == 0  # type: ignore[union-attr]
    assert abs(apart(target) - apart(source)) <= Fraction(1, 400)
    redact(source, kept, "--audio", "copy", "--keep-start")
    assert first_frame(kept) == pytest.approx(first_frame(source), abs=0.002)
    assert abs(apart(kept) - apart(source)) <= Fraction(1, 400)


def test_sound_before_the_first_frame_is_heard_before_it(tmp_path: Path) -> None:
    """A transport stream that begins between two key frames."""
    whole = made(tmp_path / "whole.ts", "-g", 25, "-bf", 0, lasts=3)
    source, target = tmp_path / "in.ts", tmp_path / "out.mp4"
    content = whole.read_bytes()
    source.write_bytes(content[len(content) // 188 // 6 * 188 :])
    redact(source, target, "--audio", "copy", code=3)
    with open_source(source, FrameCounts()) as opened:
        first = next(iter(opened.frames()))
        assert first is not None
        start = opened.info.start
    assert first_frame(target) > 0
    heard = sound(source)
    assert heard is not None
    assert abs(apart(target) - (heard.first - start)) <= 2 * FRAME


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".webm"])
def test_distorted_sound_is_in_step_and_another(suffix: str, tmp_path: Path) -> None:
    source, target = made(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    redact(source, target, "--audio", "distort")
    heard = sound(target)
    assert heard is not None
    assert heard.channels == 1
    assert heard_length(target) == pytest.approx(heard_length(source), abs=0.15)
    assert abs(apart(target) - apart(source)) <= Fraction(1, 10)


def test_there_is_no_sound_unless_it_is_asked_for(tmp_path: Path) -> None:
    redact(made(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    assert sound(tmp_path / "out.mp4") is None
