"""Frames, coverages and strategies for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from blurcam.media.formats import PIXEL_FORMATS, PixelFormat
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region, Shape

TIME_BASE = Fraction(1, 1000)


def noise_frame(
    pixel_format: PixelFormat, width: int, height: int, seed: int, *, interlaced: bool = False
) -> Frame:
    """Return a frame of noise, in planes whose rows are padded, as a decoder's are."""
    rng = np.random.default_rng(seed)
    planes = []
    for index in range(pixel_format.plane_count):
        rows, columns = pixel_format.plane_shape(index, width, height)
        padded = rng.integers(0, 1 << pixel_format.depth, (rows, columns + 5))
        planes.append(padded.astype(pixel_format.dtype)[:, :columns])
    return Frame(tuple(planes), pixel_format, 0, 0, TIME_BASE, interlaced=interlaced)


def grey_frame(seq: int, pts: int, *, session: int = 0, side: int = 200) -> Frame:
    """Return a grey frame of a sequence."""
    plane = np.full((side, side), 128, np.uint8)
    return Frame((plane,), PIXEL_FORMATS["gray"], seq, pts, TIME_BASE, session=session)


def ellipse(x0: int, y0: int, x1: int, y1: int) -> Region:
    return Region(Box(x0, y0, x1, y1), Basis.DETECTED)


def polygon(*points: tuple[int, int]) -> Region:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    return Region(box, Basis.ZONE, shape=Shape.POLYGON, points=points)


@st.composite
def boxes(draw: st.DrawFn, width: int, height: int) -> Box:
    """Boxes in, across and beyond the edges of a frame."""
    x0 = draw(st.integers(-width // 2, width - 1))
    y0 = draw(st.integers(-height // 2, height - 1))
    return Box(x0, y0, x0 + draw(st.integers(1, width)), y0 + draw(st.integers(1, height)))


@st.composite
def regions(draw: st.DrawFn, width: int, height: int) -> Region:
    if draw(st.integers(0, 4)) == 0:
        point = st.tuples(st.integers(0, width), st.integers(0, height))
        return polygon(*draw(st.lists(point, min_size=3, max_size=5)))
    return Region(draw(boxes(width, height)), Basis.DETECTED)


@st.composite
def coverages(draw: st.DrawFn, width: int, height: int) -> Coverage:
    return Coverage(0, tuple(draw(st.lists(regions(width, height), max_size=4))))


def coverage_of(*regions: Region) -> Coverage:
    return Coverage(0, tuple(regions))


def sizes() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(1, 47), st.integers(1, 41))


FORMATS: Sequence[PixelFormat] = tuple(PIXEL_FORMATS.values())
