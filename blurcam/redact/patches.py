"""What an effect gets to fill: a patch for each piece and for each mask, and how it is painted.

Where pieces overlap, their fills are blended: the deeper a sample lies in a piece, the more that
piece counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.frames import Plane
from blurcam.media.masks import Mask, merged
from blurcam.media.regions import Box, Region
from blurcam.redact.pieces import Canvas, Piece, pieces

# A ring is sampled at about this many places a side, at most twice as many.
_SAMPLES: Final = 96
# What a sample at the very edge counts where pieces overlap.
_EDGE: Final = np.float32(0.02)


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a frame to fill: one or more planes that share a mask.

    ``planes`` are of ``bits`` bits, and must not be changed. They have all samples for an effect
    that reads the face; for another one some of them, evenly spread, and zero where anything is
    covered. ``covered`` is as large as they are, 1 where anything is covered. What is asked for
    has ``shape``, its rows and columns. ``face`` is the size of the ``piece`` in samples.
    ``track`` is the same for the same piece on other frames, and ``time`` is in seconds of media
    time. Planes of chroma are colour differences, which are grey in the middle.
    """

    planes: tuple[Plane, ...]
    covered: Mask
    shape: tuple[int, int]
    piece: Piece
    face: float
    bits: int
    is_chroma: bool
    track: Hashable
    time: float

    @property
    def unit(self) -> int:
        """One level of an 8-bit sample."""
        return 1 << (self.bits - 8)

    def grid(self, across: float, least: float = 1.0) -> tuple[int, int]:
        """Return the columns and rows of square cells, ``across`` of them over the face."""
        rows, columns = self.shape
        cell = max(least, self.face / across)
        return max(1, round(columns / cell)), max(1, round(rows / cell))

    def as_samples(self, levels: NDArray[np.float32]) -> Plane:
        """Return levels of an 8-bit sample as samples."""
        samples = np.rint(levels * np.float32(self.unit))
        np.maximum(samples, 0, out=samples)
        np.minimum(samples, (1 << self.bits) - 1, out=samples)
        return cast(Plane, samples.astype(self.planes[0].dtype))

    def stretched(self, cells: Plane, interpolation: int) -> Plane:
        """Return cells enlarged to the size of the patch."""
        rows, columns = self.shape
        return cast(Plane, cv2.resize(cells, (columns, rows), interpolation=interpolation))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the samples of a patch go: views of the planes, and which of their samples."""

    views: tuple[Plane, ...]
    own: Mask
    corner: tuple[int, int]
    group: tuple[int, ...]
    is_alone: bool


def patches(canvas: Canvas, regions: Sequence[Region], *, reads_face: bool
            ) -> Iterator[tuple[Place, Patch]]:  # fmt: skip
    """Yield every patch of a frame, and where it goes.

    What an effect does not get, it cannot leak: where anything is covered, the planes are zero.
    """
    found = pieces(canvas, regions)
    union = np.zeros((canvas.height, canvas.width), np.uint8)
    for piece in found:
        box = piece.part
        union[box.y0 : box.y1, box.x0 : box.x1] |= piece.mask
    for piece in found:
        box = piece.part
        among = cv2.countNonZero(union[box.y0 : box.y1, box.x0 : box.x1])
        is_alone = among == cv2.countNonZero(piece.mask) and not canvas.interlaced
        for group in canvas.groups():
            own = canvas.mask_of(piece.mask, group)
            covered = own if is_alone else canvas.covered_in(union, piece.part, group)
            yield _patch(canvas, piece, group, own, covered, reads_face=reads_face)


def _patch(
    canvas: Canvas,
    piece: Piece,
    group: tuple[int, ...],
    own: Mask,
    covered: Mask,
    *,
    reads_face: bool,
) -> tuple[Place, Patch]:
    views = canvas.views(group, piece.part, own.shape)
    shift_x, shift_y = canvas.shifts(group)
    step = 1 if reads_face else max(1, max(own.shape) // _SAMPLES)
    spread = covered[step // 2 :: step, step // 2 :: step]
    planes = tuple(view[step // 2 :: step, step // 2 :: step] for view in views)
    patch = Patch(
        planes if reads_face else tuple(plane * (1 - spread) for plane in planes),
        spread,
        own.shape,
        piece,
        piece.size / (1 << max(shift_x, shift_y)),
        canvas.pixel_format.depth,
        is_chroma=group[0] != 0 and not canvas.pixel_format.is_rgb,
        track=(canvas.session, piece.track),
        time=canvas.time,
    )
    corner = (piece.part.y0 >> shift_y, piece.part.x0 >> shift_x)
    is_alone = cv2.countNonZero(covered) == cv2.countNonZero(own)
    return Place(views, own, corner, group, is_alone), patch


Painted = tuple[Place, tuple[Plane, ...], Piece]


def paint(canvas: Canvas, painted: Sequence[Painted]) -> None:
    """Write the samples of all patches into the planes of their frame."""
    for place, samples, _ in painted:
        if place.is_alone:
            for view, plane in zip(place.views, samples, strict=True):
                np.copyto(view, plane, where=place.own.view(bool))
    for group in canvas.groups():
        shared = [each for each in painted if each[0].group == group and not each[0].is_alone]
        for part in merged(_part_of(place) for place, _, _ in shared):
            own = [each for each in shared if _part_of(each[0]).meets(part)]
            _blend(canvas, group, part, own)


def _part_of(place: Place) -> Box:
    (y, x), (rows, columns) = place.corner, place.own.shape
    return Box(x, y, x + columns, y + rows)


def _blend(canvas: Canvas, group: tuple[int, ...], part: Box, shared: Sequence[Painted]) -> None:
    """Write the weighted means of patches that lie over one another into a part of a group."""
    weight = np.zeros((part.height, part.width), np.float32)
    sums = [np.zeros_like(weight) for _ in group]
    for place, samples, piece in shared:
        (y, x), (rows, columns) = place.corner, place.own.shape
        here = (
            slice(y - part.y0, y - part.y0 + rows),
            slice(x - part.x0, x - part.x0 + columns),
        )
        deep = cv2.resize(piece.depth(), (columns, rows), interpolation=cv2.INTER_LINEAR)
        counts = (np.maximum(deep, 0) + _EDGE) * place.own
        weight[here] += counts
        for total, plane in zip(sums, samples, strict=True):
            total[here] += counts * plane
    where = weight > 0
    for total, index in zip(sums, group, strict=True):
        view = canvas.planes[index][part.y0 : part.y1, part.x0 : part.x1]
        mean = np.rint(total / np.maximum(weight, _EDGE))
        np.copyto(view, mean.astype(view.dtype), where=where)
