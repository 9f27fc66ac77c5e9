"""Tiles of a large picture at every scale, for a network with a small input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from blurcam.detect.sheets import Searchable
from blurcam.detect.views import Picture
from blurcam.media.regions import Box

OVERLAP = 1 / 3
"""How much of a tile its neighbour shows, too: one of them contains any face no larger."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureTile:
    """A tile of a picture, or of the picture made ``shrunk`` times smaller.

    ``x`` and ``y`` are the place of its upper left corner there.
    """

    picture: Picture = field(repr=False)
    whole: Searchable = field(repr=False)
    x: int
    y: int
    shrunk: int

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box | None:
        """Return the box in the full frame that has these edges in the tile."""
        shrunk = self.shrunk
        return self.whole.box(
            (x0 + self.x) * shrunk,
            (y0 + self.y) * shrunk,
            (x1 + self.x) * shrunk,
            (y1 + self.y) * shrunk,
        )


def parts(whole: Searchable, side: int) -> Iterator[PictureTile]:
    """Yield tiles of ``side`` px of the picture, then of the picture at half its size, and so on.

    It ends before a tile would show everything. A face that the edge of a tile cuts lies entirely
    in the neighbour, or, if it is larger than their overlap, in a tile of a smaller picture.
    """
    picture, shrunk = whole.picture, 1
    while max(picture.shape[:2]) > side:
        for y in _starts(picture.shape[0], side):
            for x in _starts(picture.shape[1], side):
                yield PictureTile(picture[y : y + side, x : x + side], whole, x, y, shrunk)
        shrunk *= 2
        # Each pixel is the average of a whole block, so that it stands for exactly that block.
        rows, columns = (-(-length // shrunk) for length in whole.picture.shape[:2])
        padded = cv2.copyMakeBorder(
            whole.picture,
            0,
            rows * shrunk - whole.picture.shape[0],
            0,
            columns * shrunk - whole.picture.shape[1],
            cv2.BORDER_REPLICATE,
        )
        smaller = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
        picture = np.asarray(smaller, np.uint8)


def _starts(length: int, side: int) -> list[int]:
    """Return where tiles begin along an axis: the fewest that overlap enough, evenly spread."""
    if length <= side:
        return [0]
    steps = -(-(length - side) // round(side * (1 - OVERLAP)))
    return [round(n * (length - side) / steps) for n in range(steps + 1)]
