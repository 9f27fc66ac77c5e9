"""Static polygons: masks burnt into every frame, and areas in which detections are ignored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from blurcam.detect.detector import Accounted, Answered, Detection, Finding
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region, Shape
from blurcam.settings.redaction import Polygon


def burn_in(
    covered: Iterable[tuple[Frame, Coverage]], masks: Sequence[Polygon]
) -> Iterator[tuple[Frame, Coverage]]:
    """Yield every frame with the polygons added to its coverage."""
    for frame, coverage in covered:
        yield frame, coverage.plus(zone(mask, frame.width, frame.height) for mask in masks)


def zone(polygon: Polygon, width: int, height: int) -> Region:
    """Return a polygon, given as fractions of the frame, as a region of it."""
    points = tuple((math.floor(x * width), math.floor(y * height)) for x, y in polygon)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    return Region(box, Basis.ZONE, shape=Shape.POLYGON, points=points)


def ignore(
    scanned: Iterable[tuple[Frame, Finding]], polygons: Sequence[Polygon]
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame without the detections whose centre lies in one of the polygons."""
    for frame, finding in scanned:
        if polygons and isinstance(finding, Answered | Accounted):
            finding = replace(
                finding,
                detections=_outside(finding.detections, polygons, frame),
                followed=_outside(finding.followed, polygons, frame),
            )
        yield frame, finding


def _outside(
    found: Sequence[Detection], polygons: Sequence[Polygon], frame: Frame
) -> tuple[Detection, ...]:
    return tuple(d for d in found if not any(_holds(p, d.box, frame) for p in polygons))


def _holds(polygon: Polygon, box: Box, frame: Frame) -> bool:
    """Whether the centre of a box lies in the polygon: a ray to the right crosses an odd count."""
    x, y = box.centre[0] / frame.width, box.centre[1] / frame.height
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
            inside = not inside
    return inside
