"""Crops: the parts of a frame that are searched around faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from blurcam.media.regions import Box

# A crop is this many times as large as the face, since the network judges by the surroundings too.
_AROUND: Final = 2.5
_AROUND_PIXELS: Final = 8
# Crops that overlap are joined where that adds less than this to their area.
_WASTE: Final = 1.15


def crops(boxes: Sequence[Box], whole: Box) -> list[Box]:
    """Return the crops around these boxes, inside the frame, joined where they overlap."""
    around = [box_around(box).intersection(whole) for box in sorted(boxes, key=lambda b: b.x0)]
    return joined([area for area in around if area is not None])


def joined(areas: Sequence[Box]) -> list[Box]:
    """Return areas that hold all of these; two become one where that is hardly more to search."""
    made: list[Box] = []
    for each in areas:
        area = each
        while (other := next((m for m in made if _is_better_joined(m, area)), None)) is not None:
            made.remove(other)
            area = other.union(area)
        made.append(area)
    return made


def box_around(box: Box) -> Box:
    """Return the square to search for a face that may be in ``box``."""
    x, y = box.centre
    reach = max(box.width, box.height) * _AROUND / 2 + _AROUND_PIXELS
    return Box.around(x - reach, y - reach, x + reach, y + reach)


def _is_better_joined(a: Box, b: Box) -> bool:
    common = a.intersection(b)
    return common is not None and a.union(b).area <= _WASTE * (a.area + b.area - common.area / 2)
