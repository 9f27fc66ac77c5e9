"""Streams to pipe in, and blurcam between two real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.support.clips import FFMPEG, ffmpeg

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT, RATE = 160, 120, 25
ENV = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
# How FFmpeg writes each kind of stream; H.264 without loss.
_H264 = ["-c:v", "libx264", "-qp", "0", "-g", "10", "-preset", "ultrafast", "-bf", "0"]
INPUTS: dict[str, list[str]] = {
    "ts": [*_H264, "-f", "mpegts"],
    "nut": ["-c:v", "rawvideo", "-f", "nut"],
    "matroska": [*_H264, "-f", "matroska"],
    "mp4": [*_H264, "-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof"],
    "flv": [*_H264, "-f", "flv"],
    "avi": [*_H264, "-f", "avi"],
    "ps": ["-c:v", "mpeg2video", "-q:v", "2", "-g", "10", "-bf", "0", "-f", "vob"],
    "h264": [*_H264, "-f", "h264"],
    "h265": ["-c:v", "libx265", "-x265-params", "lossless=1:bframes=0:keyint=10:log-level=none",
             "-preset", "ultrafast", "-f", "hevc"],
    "mpeg2": ["-c:v", "mpeg2video", "-q:v", "2", "-g", "10", "-bf", "0", "-f", "mpeg2video"],
    "mpeg4": ["-c:v", "mpeg4", "-q:v", "2", "-g", "10", "-bf", "0", "-f", "m4v"],
    "y4m": ["-f", "yuv4mpegpipe"],
    "mjpeg": ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", "-f", "mjpeg"],
    "multipart": ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", "-f", "mpjpeg"],
    "raw": ["-f", "rawvideo"],
}  # fmt: skip
LOSSY = frozenset({"ps", "mpeg2", "mpeg4", "mjpeg", "multipart"})
OUTPUTS = ("ts", "nut", "matroska", "mp4", "flv", "y4m", "mjpeg", "raw")
SIZE = ("--from", "raw", "--size", f"{WIDTH}x{HEIGHT}")


def face_clip(path: Path, seconds: float, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Make a lossless recording of a face that moves over a still street of grey blocks."""
    face = cv2.imread(str(ROOT / "blurcam" / "detect" / "known-face.jpg"))
    assert face is not None
    width, height = size
    face = cv2.resize(face, (height // 2, height * 5 // 8))
    rows, columns = face.shape[:2]
    still = np.random.default_rng(3).integers(90, 150, (height // 8 + 1, width // 8 + 1, 3))
    still = cv2.resize(still.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    raw = path.with_suffix(".bgr")
    with raw.open("wb") as file:
        for n in range(round(seconds * RATE)):
            picture = still.copy()
            x = n * 2 % (width - columns)
            picture[10 : 10 + rows, x : x + columns] = face
            file.write(picture.tobytes())
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", RATE, "-i", raw,
           *_H264, "-pix_fmt", "yuv420p", path)  # fmt: skip
    raw.unlink()
    return path


def as_stream(clip: Path, kind: str, name: str | None = None, *options: object) -> Path:
    """Write a recording as a stream of some kind, losing nothing but in MJPEG."""
    path = clip.with_name(name or f"{clip.stem}.{kind}")
    ffmpeg("-i", clip, *options, *INPUTS[kind], path)
    return path


@dataclass(frozen=True)
class Piped:
    """What came of a pipe."""

    code: int
    out: bytes
    said: str


def command(*args: object, name: str = "pipe") -> list[str]:
    """Return the words that start blurcam."""
    return [sys.executable, "-m", "blurcam", name, *map(str, args)]


def pipe(data: bytes | Path, *args: object, name: str = "pipe", timeout: float = 300) -> Piped:
    """Run blurcam between a writer and a reader."""
    if isinstance(data, Path):
        with data.open("rb") as file:
            done = subprocess.run(
                command(*args, name=name), stdin=file, capture_output=True, timeout=timeout,
                env=ENV, check=False,
            )  # fmt: skip
    else:
        done = subprocess.run(
            command(*args, name=name), input=data, capture_output=True, timeout=timeout, env=ENV,
            check=False,
        )  # fmt: skip
    return Piped(done.returncode, done.stdout, done.stderr.decode())


def planes(data: bytes, kind: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> list[bytes]:
    """Decode a stream with the independent FFmpeg, and return every picture's planes."""
    demuxer = INPUTS[kind][INPUTS[kind].index("-f") + 1]
    demuxer = {"mp4": "mov"}.get(demuxer, demuxer)
    raw = ["-video_size", f"{size[0]}x{size[1]}", "-pix_fmt", "yuv420p"] if kind == "raw" else []
    words = [FFMPEG, "-v", "error", "-f", demuxer, *raw, "-i", "-", "-fps_mode", "passthrough"]
    words += ["-pix_fmt", "yuv420p" if kind != "mjpeg" else "yuvj420p", "-f", "rawvideo", "-"]
    done = subprocess.run(words, input=data, capture_output=True, timeout=120, check=False)
    assert not done.stderr, done.stderr.decode()[:400]
    count = size[0] * size[1] * 3 // 2
    assert len(done.stdout) % count == 0
    return [done.stdout[n : n + count] for n in range(0, len(done.stdout), count)]
