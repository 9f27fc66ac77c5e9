"""Known faces put into pictures, in memory, to find out what a detector sees on this footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from blurcam.detect.detector import Detection
from blurcam.detect.selftest import known_face
from blurcam.detect.views import Picture
from blurcam.media.regions import Box

# Heights of the planted faces, in pixels.
LADDER: Final = (16, 24, 32, 48, 64, 96)
# How much of a planted face and of what was found must be the same.
_SAME: Final = 0.3


@dataclass(slots=True)
class Planted:
    """How many faces of each height were planted, and how many of them were found."""

    counts: dict[int, list[int]]

    @classmethod
    def none(cls) -> Planted:
        """Return an empty count."""
        return cls({})

    def note(self, height: int, *, found: bool) -> None:
        """Count one face."""
        count = self.counts.setdefault(height, [0, 0])
        count[0] += 1
        count[1] += found

    @property
    def sees_from(self) -> int | None:
        """The height from which every planted face was found, ``None`` if there is none."""
        smallest = None
        for height in sorted(self.counts, reverse=True):
            planted, found = self.counts[height]
            if found < planted:
                break
            smallest = height
        return smallest

    def all_found(self, at_least: int) -> bool:
        """Whether faces of that height and more were planted, and all of them found."""
        counted = [count for height, count in self.counts.items() if height >= at_least]
        return bool(counted) and all(planted == found for planted, found in counted)


def plantings(picture: Picture, seed: int) -> Iterator[tuple[int, Picture, Box]]:
    """Yield copies of a picture with one known face each: its height, the copy, where it is.

    Heights for which the picture is too small are left out.
    """
    portrait, face = known_face()
    rows, columns = picture.shape[:2]
    chosen = np.random.default_rng(seed)
    for height in LADDER:
        scale = height / face.height
        wide, high = round(portrait.shape[1] * scale), round(portrait.shape[0] * scale)
        if wide > columns or high > rows:
            continue
        small = cv2.resize(portrait, (wide, high), interpolation=cv2.INTER_AREA)
        x = int(chosen.integers(0, columns - wide + 1))
        y = int(chosen.integers(0, rows - high + 1))
        copy = picture.copy()
        copy[y : y + high, x : x + wide] = small
        where = Box.around(
            x + face.x0 * scale, y + face.y0 * scale, x + face.x1 * scale, y + face.y1 * scale
        )
        yield height, copy, where


def is_found(where: Box, detections: Sequence[Detection]) -> bool:
    """Whether one of the detections is the planted face."""
    return any(each.box.iou(where) >= _SAME for each in detections)
