"""Where a face that was found was on the frames before it: followed back by its likeness.

Between two looks a face is taken to go straight. Who turns, stops or runs does not, and who has
just come into view has no second place to draw a line to. So from each finding its own pixels are
looked for on the frames before, a fifteenth of a second apart, by normalised cross-correlation
(Lewis, Fast Normalized Cross-Correlation, 1995). What is found so is covered besides the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.frames import Frame
from blurcam.regions import Box

# A face is compared at this size: smaller ones at their own.
_SIZE: Final = 16
# It is looked for so many of its own sizes around where it is expected.
_REACH: Final = 1.0
# From this correlation on it is the same; from the lower one on, by its latest look.
_ALIKE: Final = 0.8
_STILL_ALIKE: Final = 0.6
# A patch that varies by less than this many levels looks like any wall.
_LEAST_TEXTURE: Final = 3.0

_Patch = NDArray[np.float32]


def followed(
    box: Box, velocity: tuple[float, float], frames: Iterable[Frame]
) -> Iterator[tuple[Frame, Box]]:
    """Yield each frame after the first with the box in which what was in ``box`` now is.

    ``frames`` lead away from the first, which shows ``box``, forward or back; ``velocity`` is in
    pixels a step between them. Ends a step after it was last alike. At the edge of the frame it
    goes on as it went, until it is out.
    """
    scale = min(1.0, _SIZE / max(box.width, box.height))
    template: _Patch | None = None
    dx, dy = velocity
    for frame in frames:
        plane = frame.planes[0]
        if template is None:
            template = _patch(plane, box, scale)
            if template is None or float(template.std()) < _LEAST_TEXTURE * _unit(plane):
                return
            continue
        whole = Box(0, 0, frame.width, frame.height)
        ahead = _moved(box, dx, dy)
        if whole.intersection(ahead) is None:
            return
        found = _found(plane, ahead, template, scale) if whole.contains(ahead) else None
        if found is None or found[0] < _STILL_ALIKE:
            yield frame, ahead
            if whole.contains(ahead):
                return
            box = ahead
            continue
        likeness, there = found
        (x0, y0), (x1, y1) = box.centre, there.centre
        dx, dy, box = x1 - x0, y1 - y0, there
        if likeness < _ALIKE:
            latest = _patch(plane, box, scale)
            if latest is None or latest.shape != template.shape:
                return
            template = latest
        yield frame, box


def _moved(box: Box, dx: float, dy: float) -> Box:
    x, y = round(dx), round(dy)
    return Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)


def _found(
    plane: NDArray[np.generic], ahead: Box, template: _Patch, scale: float
) -> tuple[float, Box] | None:
    """Return how alike the likest place around ``ahead`` is, and that place."""
    reach = round(_REACH * max(ahead.width, ahead.height))
    rows, columns = plane.shape
    wide = Box(
        max(0, ahead.x0 - reach),
        max(0, ahead.y0 - reach),
        min(columns, ahead.x1 + reach),
        min(rows, ahead.y1 + reach),
    )
    window = _patch(plane, wide, scale)
    if window is None or any(w < t for w, t in zip(window.shape, template.shape, strict=True)):
        return None
    scores = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    left = wide.x0 + round(x * wide.width / window.shape[1])
    top = wide.y0 + round(y * wide.height / window.shape[0])
    return float(best), Box(left, top, left + ahead.width, top + ahead.height)


def _patch(plane: NDArray[np.generic], box: Box, scale: float) -> _Patch | None:
    """Return the samples of a box that lies in the plane, scaled down; ``None`` if it does not."""
    rows, columns = plane.shape
    if not Box(0, 0, columns, rows).contains(box):
        return None
    part = plane[box.y0 : box.y1, box.x0 : box.x1]
    if scale < 1:
        size = (max(3, round(box.width * scale)), max(3, round(box.height * scale)))
        part = cast(NDArray[np.generic], cv2.resize(part, size, interpolation=cv2.INTER_AREA))
    return np.asarray(part, np.float32)


def _unit(plane: NDArray[np.generic]) -> float:
    """Return one of 256 levels in samples of the plane; more than 8 bits are taken for 10."""
    return 1.0 if plane.dtype == np.uint8 else 4.0


__all__ = ["followed"]
