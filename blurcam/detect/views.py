"""Views: small upright pictures of a frame or its parts, which detectors search."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.frames import Frame, Plane
from blurcam.media.orientation import AS_STORED, Orientation
from blurcam.media.regions import Box

# Cameras' pixels are at most twice as wide as high (of a single field), or twice as high as wide.
# A header may claim a hundred times.
_WIDEST_SHAPE = 3.0

Picture = NDArray[np.uint8]
"""An 8-bit picture, ``(rows, columns, 3)``, channels in the order B, G, R."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A part of a frame, scaled, turned upright and made square-pixelled.

    ``picture`` is what the detector searches. ``area`` is the part of the frame that it shows,
    before it is turned by ``rotation`` degrees clockwise and mirrored left to right.
    """

    picture: Picture = field(repr=False)
    area: Box
    rotation: int
    mirrored: bool = False

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """Return the box in the full frame, rounded out, that has these edges in the view."""
        rows, columns = self.picture.shape[:2]
        u0, v0, u1, v1 = x0 / columns, y0 / rows, x1 / columns, y1 / rows
        if self.mirrored:
            u0, u1 = 1 - u1, 1 - u0
        if self.rotation == 90:
            u0, v0, u1, v1 = v0, 1 - u1, v1, 1 - u0
        elif self.rotation == 180:
            u0, v0, u1, v1 = 1 - u1, 1 - v1, 1 - u0, 1 - v0
        elif self.rotation == 270:
            u0, v0, u1, v1 = 1 - v1, u0, 1 - v0, u1
        area = self.area
        return Box.around(
            area.x0 + u0 * area.width,
            area.y0 + v0 * area.height,
            area.x0 + u1 * area.width,
            area.y0 + v1 * area.height,
        )


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """How frames of a stream are turned, mirrored and stretched before they are searched."""

    sample_aspect_ratio: Fraction = Fraction(1)
    orientation: Orientation = AS_STORED

    @property
    def _stretch(self) -> float:
        """How much wider than stored a frame is searched; shapes that no camera has count as 1."""
        shape = float(self.sample_aspect_ratio)
        return shape if 1 / _WIDEST_SHAPE <= shape <= _WIDEST_SHAPE else 1.0

    def view(
        self,
        frame: Frame,
        scale: float = 1.0,
        area: Box | None = None,
        *,
        mirrored: bool = False,
        turned: int = 0,
    ) -> View:
        """Return a view of ``area`` (default: everything) at ``scale`` times its height.

        At scale 1 a pixel of the view is as high as a row of the frame. The colours are good
        enough to find faces, but not exact: limited-range BT.601 is assumed for all YUV.
        """
        area = area or Box(0, 0, frame.width, frame.height)
        width = max(2, round(area.width * scale * self._stretch))
        height = max(2, round(area.height * scale))
        # To turn a mirrored picture is to mirror one that is turned the other way.
        turn = -turned if self.orientation.mirrored else turned
        rotation = (self.orientation.rotation + turn) % 360
        picture = _turn(_small_bgr(frame, area, width, height), rotation)
        mirrored = mirrored != self.orientation.mirrored
        if mirrored:
            picture = cast(Picture, cv2.flip(picture, 1))
        return View(picture, area, rotation, mirrored)


def _small_bgr(frame: Frame, area: Box, width: int, height: int) -> Picture:
    """Scale each plane on its own, then convert: an eighth of the cost of the other order."""
    if frame.pixel_format.is_rgb:
        green, blue, red = (_small(frame, i, area, width, height) for i in range(3))
        return cast(Picture, cv2.merge((blue, green, red)))
    if frame.pixel_format.plane_count == 1:
        return cast(
            Picture, cv2.cvtColor(_small(frame, 0, area, width, height), cv2.COLOR_GRAY2BGR)
        )
    # I420 has even sizes: an odd size is stretched by one pixel, which moves no edge by more than
    # half a pixel.
    even_width, even_height = width + width % 2, height + height % 2
    luma = _small(frame, 0, area, even_width, even_height)
    chroma = [_small(frame, i, area, even_width // 2, even_height // 2) for i in (1, 2)]
    packed = np.concatenate([luma.ravel(), chroma[0].ravel(), chroma[1].ravel()])
    packed = packed.reshape(even_height * 3 // 2, even_width)
    bgr = cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420)
    if (even_width, even_height) != (width, height):
        bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_LINEAR)
    return cast(Picture, bgr)


def _small(frame: Frame, index: int, area: Box, width: int, height: int) -> NDArray[np.uint8]:
    """Return the area of one plane as 8-bit samples, ``height`` × ``width``."""
    plane: Plane = frame.planes[index]
    rows, columns = plane.shape
    x0, x1 = _part(area.x0, area.x1, frame.width, columns)
    y0, y1 = _part(area.y0, area.y1, frame.height, rows)
    part = plane[y0:y1, x0:x1]
    if part.shape != (height, width):
        shrinks = part.shape[0] >= height and part.shape[1] >= width
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        part = cast(Plane, cv2.resize(part, (width, height), interpolation=method))
    if frame.pixel_format.depth > 8:
        return (part >> (frame.pixel_format.depth - 8)).astype(np.uint8)
    return np.ascontiguousarray(part, np.uint8)


def _part(start: int, stop: int, size: int, samples: int) -> tuple[int, int]:
    """Return the range of samples of a (subsampled) axis that show pixels ``start`` to ``stop``."""
    first = start * samples // size
    return first, max(first + 1, -(-stop * samples // size))


def _turn(picture: Picture, rotation: int) -> Picture:
    if rotation == 0:
        return picture
    turns = {
        90: cv2.ROTATE_90_CLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }
    return cast(Picture, cv2.rotate(picture, turns[rotation]))
