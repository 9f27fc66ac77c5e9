"""A template tracker: it finds a face's own pixels again by normalised cross-correlation.

(Lewis, Fast Normalized Cross-Correlation, 1995.) A place counts only with evidence: it is alike,
nothing around it is nearly as alike, and the search back from it ends where the face was
(forward-backward error: Kalal et al., Forward-Backward Error, ICPR 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.frames import Frame, Plane
from blurcam.media.regions import Box

# A face is compared at this size; smaller ones at their own.
_SIZE: Final = 16
# From this correlation on it is the same face.
_ALIKE: Final = 0.7
# Every place at least this many face sizes away must have a correlation lower by this much.
_APART: Final = 0.5
_DISTINCT: Final = 0.08
# The search back must end within this many face sizes of where the face was.
_BACK: Final = 0.3
# A patch whose levels deviate by less than this is like any wall.
_LEAST_TEXTURE: Final = 2.0
# A face of which less than this share is inside the frame is not followed.
_LEAST_INSIDE: Final = 0.6

_Patch = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A face as one frame showed it in ``box``; ``inside`` is the part of it in the frame."""

    box: Box
    inside: Box
    patch: _Patch
    scale: float

    @classmethod
    def of(cls, frame: Frame, box: Box) -> Template | None:
        """Return the face's pixels, ``None`` if they are too few or too even."""
        inside = box.intersection(Box(0, 0, frame.width, frame.height))
        if inside is None or inside.area < _LEAST_INSIDE * box.area:
            return None
        scale = min(1.0, _SIZE / max(inside.width, inside.height))
        patch = _patch(frame.planes[0], inside, scale)
        if float(patch.std()) < _LEAST_TEXTURE * _unit(frame):
            return None
        return cls(box, inside, patch, scale)

    def find(self, frame: Frame, ahead: Box, reach: float) -> Box | None:
        """Return where the face is on a frame, at most ``reach`` of its sizes from ``ahead``.

        Returns ``None`` if no place is alike enough, or if several are.
        """
        x, y = ahead.x0 - self.box.x0, ahead.y0 - self.box.y0
        around = _moved(self.inside, x, y)
        far = round(reach * max(self.box.width, self.box.height)) + 2
        wide = Box(around.x0 - far, around.y0 - far, around.x1 + far, around.y1 + far)
        window = wide.intersection(Box(0, 0, frame.width, frame.height))
        if window is None:
            return None
        samples = _patch(frame.planes[0], window, self.scale)
        rows, columns = self.patch.shape
        if samples.shape[0] < rows or samples.shape[1] < columns:
            return None
        scores = np.asarray(
            cv2.matchTemplate(samples, self.patch, cv2.TM_CCOEFF_NORMED), np.float32
        )
        _, best, _, (across, down) = cv2.minMaxLoc(scores)
        if best < _ALIKE or self._rival(scores, across, down) > best - _DISTINCT:
            return None
        left = window.x0 + round(across * window.width / samples.shape[1])
        top = window.y0 + round(down * window.height / samples.shape[0])
        return _moved(self.box, left - self.inside.x0, top - self.inside.y0)

    def _rival(self, scores: NDArray[np.float32], across: int, down: int) -> float:
        """Return the highest correlation of all places that lie apart from this one."""
        rows, columns = self.patch.shape
        away = max(2, round(_APART * max(rows, columns)))
        left, top = max(0, across - away), max(0, down - away)
        rest = scores.copy()
        rest[top : down + away + 1, left : across + away + 1] = -1
        return float(rest.max())


def leads_back(template: Template, origin: Frame, found: Template, reach: float) -> bool:
    """Whether a search for ``found`` on the template's own frame ends at the template."""
    back = found.find(origin, template.box, reach)
    if back is None:
        return False
    (x0, y0), (x1, y1) = back.centre, template.box.centre
    return max(abs(x1 - x0), abs(y1 - y0)) <= _BACK * max(template.box.width, template.box.height)


def _moved(box: Box, dx: int, dy: int) -> Box:
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


def _patch(plane: Plane, box: Box, scale: float) -> _Patch:
    """Return the samples of a box that lies in the plane, scaled down."""
    part = plane[box.y0 : box.y1, box.x0 : box.x1]
    if scale < 1:
        size = (max(3, round(box.width * scale)), max(3, round(box.height * scale)))
        part = cast(Plane, cv2.resize(part, size, interpolation=cv2.INTER_AREA))
    return np.asarray(part, np.float32)


def _unit(frame: Frame) -> float:
    """Return one of 256 levels in samples of the frame."""
    return float(1 << (frame.pixel_format.depth - 8))
