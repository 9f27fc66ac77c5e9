"""Which samples of which plane a coverage means, always rounded outward."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.formats import PixelFormat
from blurcam.media.regions import Box, Region, Shape

Mask = NDArray[np.uint8]
"""A mask, ``(rows, columns)``: 1 where covered, else 0."""
Point = tuple[int, int]
Points = tuple[Point, ...]


def rasterise(regions: Iterable[Region], width: int, height: int) -> Mask:
    """Return the union of regions on a ``width`` × ``height`` frame.

    An ellipse takes in every pixel whose centre is within the ellipse with half-axes half a
    pixel longer than its box allows: the whole of each pixel that it visibly touches.
    """
    mask = np.zeros((height, width), np.uint8)
    for region in regions:
        if region.shape is Shape.ELLIPSE:
            _paint_ellipse(mask, region.box)
        elif region.shape is Shape.POLYGON:
            _paint_polygon(mask, region.points)
        else:
            mask[:] = 1
    return mask


def _paint_polygon(mask: Mask, points: Points) -> None:
    """Set all that a polygon encloses, also what its edges go round twice."""
    corners = np.array(points, np.int32)
    cv2.fillPoly(mask, [corners], 1)
    cv2.polylines(mask, [corners], isClosed=True, color=1)
    if _meets_itself(points):  # fillPoly leaves bare what an even number of rounds encloses
        own = np.zeros_like(mask)
        cv2.fillPoly(own, [corners], 1)
        cv2.polylines(own, [corners], isClosed=True, color=1)
        outlines, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(mask, outlines, -1, 1, cv2.FILLED)


@lru_cache(maxsize=256)
def _meets_itself(points: Points) -> bool:
    """Whether two edges that are not neighbours touch or cross."""
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    pairs = combinations(range(len(edges)), 2)
    return any(
        _meet(*edges[one], *edges[other])
        for one, other in pairs
        if other - one not in (1, len(edges) - 1)
    )


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def _side(a: Point, b: Point, point: Point) -> int:
    """Return which side of the line through ``a`` and ``b`` a point is on: -1, 0 or 1."""
    cross = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    return (cross > 0) - (cross < 0)


def _paint_ellipse(mask: Mask, box: Box) -> None:
    """Set an ellipse; the box may reach beyond the mask, which clips it without shrinking it."""
    height, width = mask.shape
    inside = box.intersection(Box(0, 0, width, height))
    if inside is None:
        return
    centre_x, centre_y = box.centre
    x = (np.arange(inside.x0, inside.x1) + 0.5 - centre_x) / (box.width / 2 + 0.5)
    y = (np.arange(inside.y0, inside.y1) + 0.5 - centre_y) / (box.height / 2 + 0.5)
    part = mask[inside.y0 : inside.y1, inside.x0 : inside.x1]
    part |= (x * x)[None, :] + (y * y)[:, None] <= 1


def plane_mask(mask: Mask, pixel_format: PixelFormat, plane: int, *, interlaced: bool) -> Mask:
    """Return a mask for the samples of one plane: each that colours a covered pixel is covered.

    ``mask`` must begin on a chroma sample. In interlaced pictures a chroma row belongs to lines
    two apart, so that a row more is taken above and below.
    """
    if plane == 0 or pixel_format.is_rgb:
        return mask
    reduced = _any_of(mask, 1 << pixel_format.shift_y, 1 << pixel_format.shift_x)
    if interlaced and pixel_format.shift_y:
        grown = reduced.copy()
        grown[:-1] |= reduced[1:]
        grown[1:] |= reduced[:-1]
        return grown
    return reduced


def _any_of(mask: Mask, rows: int, columns: int) -> Mask:
    """Return which blocks of ``rows`` × ``columns`` pixels hold a covered one."""
    if rows == columns == 1:
        return mask
    height, width = mask.shape
    padded = mask
    if height % rows or width % columns:
        padded = np.pad(mask, ((0, -height % rows), (0, -width % columns)))
    reduced = padded[::rows, ::columns].copy()
    for dy in range(rows):
        for dx in range(columns):
            reduced |= padded[dy::rows, dx::columns]
    return reduced


def merged(parts: Iterable[Box]) -> list[Box]:
    """Return boxes that hold all parts and do not meet: parts that meet share a box."""
    found: list[Box] = []
    for part in parts:
        box = part
        while touching := [each for each in found if each.meets(box)]:
            for each in touching:
                found.remove(each)
                box = box.union(each)
        found.append(box)
    return found


def covered_share(mask: Mask, box: Box) -> float | None:
    """Return which share of a box's pixels inside the frame is covered, ``None`` for no pixel."""
    height, width = mask.shape
    inside = box.intersection(Box(0, 0, width, height))
    if inside is None:
        return None
    return float(mask[inside.y0 : inside.y1, inside.x0 : inside.x1].mean())
