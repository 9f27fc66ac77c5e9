"""The clips that are measured on, made once into a cache folder outside the repository.

Recordings come from the folder that ``BLURCAM_EVAL_DATA`` names; without it only the sample videos
and what is drawn here are measured on.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import imageio_ffmpeg

ROOT: Final = Path(__file__).parent.parent
SAMPLES: Final = ROOT / "sample_videos"
FFMPEG: Final = str(imageio_ffmpeg.get_ffmpeg_exe())
# Sizes that the moving street is scaled to.
SIZES: Final = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to measure on: how it is called, where it is, and how much of it there is."""

    name: str
    path: Path
    frames: int
    seconds: float
    size: tuple[int, int]


def data() -> Path | None:
    """Return the folder of recordings and labelled pictures, ``None`` where there is none."""
    named = os.environ.get("BLURCAM_EVAL_DATA")
    return Path(named) if named and Path(named).is_dir() else None


def cache() -> Path:
    """Return the folder that made clips are kept in."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "blurcam" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def recording(name: str) -> Path | None:
    """Return a recording of the data folder, ``None`` where it is not there."""
    folder = data()
    path = folder / "videos" / name if folder is not None else None
    return path if path is not None and path.is_file() else None


def clip(name: str, path: Path) -> Clip:
    """Return a clip with its frames counted, by their packets."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [
            float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None and packet.time_base
        ]
        size = (stream.width, stream.height)
    step = (max(times) - min(times)) / max(1, len(times) - 1) or 0.04
    return Clip(name, path, len(times), max(times) - min(times) + step, size)


def palindrome(source: Path, turns: int, size: tuple[int, int] | None = None) -> Path:
    """Return a recording played forward and backward ``turns`` times, H.264 at its own bit rate.

    It has no cut: the last frame is the first again. ``size`` scales it, and the bit rate with the
    number of pixels.
    """
    shape = "" if size is None else f"-{size[0]}x{size[1]}"
    stem = f"{source.stem}-palindrome{shape}"
    once = _made(f"{stem}-1.mp4", lambda part: _there_and_back(source, part, size))
    if turns == 1:
        return once
    return _made(
        f"{stem}-{turns}.mp4",
        lambda part: ffmpeg("-stream_loop", turns - 1, "-i", once, "-c", "copy", part),
    )


def _there_and_back(source: Path, part: Path, size: tuple[int, int] | None) -> None:
    rate, pixels = _bit_rate(source)
    scale = "" if size is None else f",scale={size[0]}:{size[1]}:flags=bicubic"
    if size is not None:
        rate = round(rate * (size[0] * size[1] / pixels) ** 0.75)
    graph = f"[0:v]split[a][b];[b]reverse[r];[a][r]concat=n=2:v=1:a=0{scale}[v]"
    ffmpeg(
        "-i", source, "-filter_complex", graph, "-map", "[v]", "-c:v", "libx264", "-preset", "fast",
        "-b:v", rate, "-maxrate", 2 * rate, "-bufsize", 2 * rate, "-g", 50, "-flags", "+cgop",
        "-pix_fmt", "yuv420p", part,
    )  # fmt: skip


def _bit_rate(source: Path) -> tuple[int, int]:
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        return int(stream.bit_rate or container.bit_rate), stream.width * stream.height


def first_frame(of: Path) -> Path:
    """Return a clip of one frame: what it costs to start."""
    return _made(
        f"{of.stem}-frame.mp4",
        lambda part: ffmpeg("-i", of, "-frames:v", 1, "-an", "-c:v", "libx264", part),
    )


def shortened(of: Path, frames: int) -> Path:
    """Return the beginning of a clip, coded as it is; longer by up to a group of pictures."""
    return _made(
        f"{of.stem}-first-{frames}{of.suffix}",
        lambda part: ffmpeg("-i", of, "-frames:v", frames, "-an", "-c", "copy", part),
    )


def crowd(faces: int, seconds: int) -> Path:
    """Return a street of our own drawing that so many people walk, all of them all the time."""
    return _made(f"crowd-{faces}-{seconds}s.mp4", lambda part: _draw_crowd(faces, seconds, part))


def _draw_crowd(faces: int, seconds: int, part: Path) -> None:
    # The scene's modules are scripts: they find one another by their folder.
    command = [sys.executable, str(ROOT / "benchmarks" / "crowd.py")]
    command += [str(faces), str(seconds), str(part)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(SAMPLES)})


def ffmpeg(*args: object) -> None:
    """Run FFmpeg, quietly, replacing what exists."""
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *map(str, args)], check=True)


def _made(name: str, make: Callable[[Path], None]) -> Path:
    path = cache() / name
    if not path.exists():
        print(f"making {path}", flush=True)
        part = path.with_name(re.sub(r"(\.\w+)$", r".part\1", name))
        make(part)
        part.replace(path)
    return path
