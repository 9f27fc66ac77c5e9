"""Draws a street that a number of people walk: run by footage, with sample_videos on its path."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
from generate import Clip, make
from people import Actor, everyone, looking_about, walk
from scene import street

_SIZE = (1920, 1080)
_RATE = 25


def crowd(faces: int, seconds: int) -> Clip:
    """Return 1080p25 with ``faces`` faces of 22 to 70 px that walk across, from a fixed seed."""
    rng = np.random.default_rng(faces)
    actors = []
    for number in range(faces):
        height = float(rng.uniform(22, 70))
        y = 440 + 4 * height
        x0, x1 = sorted(rng.uniform(80, _SIZE[0] - 80, 2))
        ends = [(float(x0), y, height), (float(x1), y, height)]
        if rng.random() < 0.5:
            ends.reverse()
        path = walk(ends[0], ends[1], seconds, looking_about(float(rng.uniform(3, 6)), 30))
        actors.append(Actor(number + 1, ("hopper", "collins")[number % 2], 0, seconds, path))
    times = tuple(n * 512 for n in range(seconds * _RATE))
    return Clip(
        "crowd", _SIZE, "libx264", times, Fraction(1, 12800), Fraction(_RATE), street(*_SIZE), (),
        tuple(actors),
    )  # fmt: skip


def main() -> None:
    """Draw ``faces`` people for ``seconds`` into the file named; its truth goes beside it."""
    faces, seconds, target = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    make(crowd(faces, seconds), everyone(), target.parent)
    (target.parent / "crowd.json").replace(target.with_suffix(".json"))
    (target.parent / "crowd.mp4").replace(target)


if __name__ == "__main__":
    main()
