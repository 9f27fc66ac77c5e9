"""Where a face that was found is on other frames: followed by its likeness.

Between two looks a face is taken to go straight. Who turns, stops or runs does not, and who has
just come into view has no second place to draw a line to. So from each finding its own pixels are
looked for on the frames before and after it, a fifteenth of a second apart, by normalised
cross-correlation (Lewis, Fast Normalized Cross-Correlation, 1995). What is found so is covered
besides the line, and is where the next look expects the face.
"""

from __future__ import annotations

from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.frames import Frame, Plane
from blurcam.media.regions import Box

STEP: Final = 0.066
"""Seconds between the frames on which a face is looked for."""

# A face is compared at this size: smaller ones at their own.
_SIZE: Final = 16
# It is looked for so many of its own sizes, and pixels, around where it is expected; further while
# nobody knows how fast it is: ten sizes a second are two thirds of one in a step.
_REACH: Final = 1.0
_FIRST_REACH: Final = 1.5
_REACH_PIXELS: Final = 2
# From this correlation on it is the same; from the lower one on, by its latest look.
_ALIKE: Final = 0.8
_STILL_ALIKE: Final = 0.6
# So many steps it may go on as it went without being alike, behind a post or a passer-by.
_TRUST: Final = 3
# A patch that varies by less than this many levels looks like any wall.
_LEAST_TEXTURE: Final = 3.0

_Patch = NDArray[np.float32]


class TemplateTracker:
    """A face on its way, forward or back in time, from the frame that shows it in ``box``.

    ``box`` is where it was last, at ``time`` seconds; ``velocity`` in pixels a second is what it
    is expected to go on with, and is learnt on the way. Where the face is no longer alike it goes
    on as it went: for three steps on trust, at the edge of the frame until it is out.
    """

    def __init__(self, frame: Frame, box: Box, velocity: tuple[float, float] = (0.0, 0.0)) -> None:
        """Begin where the face was found."""
        plane = frame.planes[0]
        self.box = box
        self.time = float(frame.time)
        self.velocity = velocity
        self._scale = min(1.0, _SIZE / max(box.width, box.height))
        self._template = _patch(plane, box, self._scale)
        self._missed = 0
        self.is_over = self._template is None or float(
            self._template.std()
        ) < _LEAST_TEXTURE * _unit(plane)

    def at(self, time: float) -> Box:
        """Return where the face is then if it goes on so."""
        later = time - self.time
        return _moved(self.box, self.velocity[0] * later, self.velocity[1] * later)

    def advance(self, frame: Frame) -> Box | None:
        """Return where the face is on the next frame, ``None`` if it is over or out of view."""
        if self.is_over or self._template is None:
            return None
        whole = Box(0, 0, frame.width, frame.height)
        time = float(frame.time)
        ahead = self.at(time)
        if not whole.meets(ahead):
            self.is_over = True
            return None
        plane = frame.planes[0]
        reach = _REACH if any(self.velocity) else _FIRST_REACH
        is_inside = whole.contains(ahead)
        found = _found(plane, ahead, self._template, self._scale, reach) if is_inside else None
        if found is None or found[0] < _STILL_ALIKE:
            self._missed += is_inside
            self.is_over = self._missed >= _TRUST
            self.box, self.time = ahead, time
            return ahead
        self._missed = 0
        likeness, there = found
        (x0, y0), (x1, y1) = self.box.centre, there.centre
        if time != self.time:
            self.velocity = (x1 - x0) / (time - self.time), (y1 - y0) / (time - self.time)
        self.box, self.time = there, time
        if likeness < _ALIKE:
            latest = _patch(plane, there, self._scale)
            self.is_over = latest is None or latest.shape != self._template.shape
            self._template = latest
        return there


def _moved(box: Box, dx: float, dy: float) -> Box:
    x, y = round(dx), round(dy)
    return Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)


def _found(
    plane: Plane, ahead: Box, template: _Patch, scale: float, sizes: float
) -> tuple[float, Box] | None:
    """Return how alike the likest place around ``ahead`` is, and that place."""
    reach = round(sizes * max(ahead.width, ahead.height)) + _REACH_PIXELS
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


def _patch(plane: Plane, box: Box, scale: float) -> _Patch | None:
    """Return the samples of a box that lies in the plane, scaled down; ``None`` if it does not."""
    rows, columns = plane.shape
    if not Box(0, 0, columns, rows).contains(box):
        return None
    part = plane[box.y0 : box.y1, box.x0 : box.x1]
    if scale < 1:
        size = (max(3, round(box.width * scale)), max(3, round(box.height * scale)))
        part = cast(Plane, cv2.resize(part, size, interpolation=cv2.INTER_AREA))
    return np.asarray(part, np.float32)


def _unit(plane: Plane) -> float:
    """Return one of 256 levels in samples of the plane; more than 8 bits are taken for 10."""
    return 1.0 if plane.dtype == np.uint8 else 4.0


__all__ = ["STEP", "TemplateTracker"]
