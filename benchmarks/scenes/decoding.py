"""Frames of a file as FFmpeg's own decoder shows them, which is not the product's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.footage import FFMPEG
from benchmarks.scenes.truth import Picture


class Unreadable(Exception):
    """A file cannot be decoded; the text says which and why."""


def grey_frames(path: Path) -> Iterator[Picture]:
    """Yield the luma of every frame, the way up that players show it, none twice or left out.

    Raises :class:`Unreadable`.
    """
    command = [FFMPEG, "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "yuv4mpegpipe", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        header = child.stdout.readline().decode("ascii", "replace").split()
        if not header or header[0] != "YUV4MPEG2":
            raise Unreadable(f"{path.name} holds no frame that FFmpeg can decode")
        wide, high = (
            next(int(field[1:]) for field in header if field[0] == letter) for letter in "WH"
        )
        try:
            while child.stdout.readline():
                data = child.stdout.read(wide * high)
                if len(data) < wide * high:
                    break
                yield np.frombuffer(data, np.uint8).reshape(high, wide)
        finally:
            child.kill()
