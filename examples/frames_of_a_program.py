"""Pictures of another program, with faces covered: python examples/frames_of_a_program.py IN.

FFmpeg decodes, blurcam covers, and what follows (here: the mean brightness) sees no face.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from blurcam import redact_frames

WIDTH, HEIGHT, RATE = 640, 360, 25


def pictures(stream: IO[bytes]) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures from bytes, up to the last whole one."""
    size = WIDTH * HEIGHT * 3
    while len(data := stream.read(size)) == size:
        yield np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3)


def main(source: str) -> list[float]:
    """Return how bright each redacted picture is."""
    command = ["ffmpeg", "-v", "error", "-i", source, "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE)]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        redacted = redact_frames(pictures(process.stdout), rate=RATE)
        return [float(picture.mean()) for picture in redacted]


if __name__ == "__main__":
    for brightness in main(sys.argv[1]):
        print(f"{brightness:.1f}")
