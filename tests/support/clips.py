"""Clips made and read by an independent FFmpeg: the static binary, not the library in PyAV."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

FFMPEG: str = imageio_ffmpeg.get_ffmpeg_exe()


def ffmpeg(*args: object) -> str:
    """Run FFmpeg, quietly, replacing what exists; return its stdout."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(path: Path) -> str:
    """Return what FFmpeg says of a file when it opens it."""
    command = [FFMPEG, "-nostdin", "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr


def moving_clip(path: Path, *options: object, seconds: float = 1.0, size: str = "64x48") -> Path:
    """Make a moving test picture at 25 frames a second."""
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}", *options, path)
    return path


@dataclass(frozen=True, slots=True)
class Line:
    """A decoded frame, by FFmpeg: its time in seconds and a hash of its samples."""

    time: Fraction
    sha256: str


def frame_lines(path: Path, *options: object) -> list[Line]:
    """Decode a file and return a line for each frame."""
    said = ffmpeg(
        *options, "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-copyts",
        "-enc_time_base", "demux", "-c:v", "rawvideo", "-f", "framehash", "-hash", "sha256", "-",
    )  # fmt: skip
    lines, time_base = [], Fraction(1)
    for text in said.splitlines():
        if text.startswith("#tb 0:"):
            time_base = Fraction(text.split(":")[1].strip())
        elif not text.startswith("#"):
            fields = [field.strip() for field in text.split(",")]
            lines.append(Line(int(fields[2]) * time_base, fields[5]))
    return lines


def frame_hashes(path: Path) -> list[str]:
    """Decode a file and return a hash for each frame."""
    return [line.sha256 for line in frame_lines(path)]


def frame_times(path: Path) -> list[Fraction]:
    """Decode a file and return the time of each frame, in seconds."""
    return [line.time for line in frame_lines(path)]


def grey_frames(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """Decode a file and return the luma of all frames, ``(frames, rows, columns)``."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-vf", "extractplanes=y", "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width)
