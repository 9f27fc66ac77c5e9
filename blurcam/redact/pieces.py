"""The pieces of a frame's coverage: the regions of one track are one piece, however many they are.

Each piece is sampled over its own surroundings, so that its fill depends on the track and not on
what else comes near.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blurcam.media.formats import PixelFormat
from blurcam.media.frames import Plane
from blurcam.media.masks import Mask, plane_mask, rasterise
from blurcam.media.regions import Box, Region, Shape

Depth = NDArray[np.float32]
"""How deep cells of a part lie in its piece: 1 in the middle, 0 at the edge and outside."""

# How far around a piece its ring reaches, over the piece's size, and pixels besides.
_SURROUNDINGS: Final = 0.25
_PIXELS: Final = 4
# Depths are computed on at most this many cells a side.
_FINEST: Final = 64


@dataclass(frozen=True, slots=True)
class Canvas:
    """The private planes in which a frame is redacted, and what is known of the frame."""

    planes: tuple[Plane, ...]
    pixel_format: PixelFormat
    interlaced: bool
    session: int
    time: float

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.planes[0].shape[0])

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Return which planes share a mask; luma and chroma never mix in one group."""
        if self.pixel_format.is_rgb:
            return ((0, 1, 2),)
        return ((0,),) if len(self.planes) == 1 else ((0,), (1, 2))

    def shifts(self, group: tuple[int, ...]) -> tuple[int, int]:
        """Return by how many bits a group's planes are smaller than the frame."""
        if group[0] == 0 or self.pixel_format.is_rgb:
            return 0, 0
        return self.pixel_format.shift_x, self.pixel_format.shift_y

    def views(self, group: tuple[int, ...], part: Box, shape: tuple[int, ...]
              ) -> tuple[Plane, ...]:  # fmt: skip
        """Return where the planes of a group hold a part of the frame."""
        shift_x, shift_y = self.shifts(group)
        x, y = part.x0 >> shift_x, part.y0 >> shift_y
        return tuple(self.planes[i][y : y + shape[0], x : x + shape[1]] for i in group)

    def mask_of(self, mask: Mask, group: tuple[int, ...]) -> Mask:
        """Return which samples of a group's planes the pixels of a mask colour."""
        return plane_mask(mask, self.pixel_format, group[0], interlaced=self.interlaced)

    def covered_in(self, union: Mask, part: Box, group: tuple[int, ...]) -> Mask:
        """Return which samples of a part are covered, also for the sake of pixels beside it."""
        rows = 4 if self.interlaced else 0  # whole chroma samples, of which one row is needed
        top, bottom = max(0, part.y0 - rows), min(self.height, part.y1 + rows)
        covered = self.mask_of(union[top:bottom, part.x0 : part.x1], group)
        shift = self.shifts(group)[1]
        first = (part.y0 - top) >> shift
        return covered[first : first + (-(-part.height >> shift))]

    def aligned(self, part: Box) -> Box:
        """Return the part grown to whole chroma samples, with room for interlaced ones."""
        across, down = 1 << self.pixel_format.shift_x, 2 << self.pixel_format.shift_y
        return Box(
            part.x0 // across * across,
            max(0, (part.y0 // down - 1) * down),
            min(self.width, -(-part.x1 // across) * across),
            min(self.height, (-(-part.y1 // down) + 1) * down),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """The regions of one track on one frame, or one other region.

    ``part`` is the piece with its surroundings, clipped to the frame; ``mask`` says what of it the
    piece covers.
    """

    track: Hashable
    regions: tuple[Region, ...]
    part: Box
    mask: Mask

    @property
    def size(self) -> int:
        """The shorter side of the box around the regions, in pixels."""
        box = _around(self.regions)
        return max(4, min(box.width, box.height))

    def depth(self) -> Depth:
        """Return how deep each pixel of the part lies in the piece."""
        step = max(1, -(-max(self.part.width, self.part.height) // _FINEST))
        columns = np.arange(self.part.x0, self.part.x1, step, dtype=np.float32) + np.float32(
            step / 2
        )
        lines = np.arange(self.part.y0, self.part.y1, step, dtype=np.float32) + np.float32(step / 2)
        depth = np.zeros((len(lines), len(columns)), np.float32)
        for region in self.regions:
            if region.shape is Shape.ELLIPSE:
                (x, y), box = region.box.centre, region.box
                across = (columns - np.float32(x)) / np.float32(box.width / 2 + 0.5)
                down = (lines - np.float32(y)) / np.float32(box.height / 2 + 0.5)
                far = (across * across)[None, :] + (down * down)[:, None]
                np.maximum(depth, 1 - far, out=depth)
            else:
                depth[:] = 1
        return depth


def pieces(canvas: Canvas, regions: Sequence[Region]) -> list[Piece]:
    """Return the pieces of a frame that some pixel of it belongs to."""
    frame = Box(0, 0, canvas.width, canvas.height)
    found = []
    for track, own in _by_track(regions).items():
        grown = _around(own).grown(1 + 2 * _SURROUNDINGS)
        padded = Box(grown.x0 - _PIXELS, grown.y0 - _PIXELS, grown.x1 + _PIXELS, grown.y1 + _PIXELS)
        inside = padded.intersection(frame)
        if inside is None or not any(each.box.meets(frame) for each in own):
            continue
        part = canvas.aligned(inside)
        found.append(Piece(track, own, part, _mask(own, part, canvas)))
    return found


def _by_track(regions: Sequence[Region]) -> dict[Hashable, tuple[Region, ...]]:
    """Return the regions by track; a region without one is known by where it lies."""
    found: dict[Hashable, list[Region]] = {}
    for region in regions:
        is_tracked = region.track is not None and region.shape is Shape.ELLIPSE
        track = region.track if is_tracked else (region.shape, region.box, region.points)
        found.setdefault(track, []).append(region)
    return {track: tuple(own) for track, own in found.items()}


def _around(regions: Sequence[Region]) -> Box:
    box = regions[0].box
    for each in regions[1:]:
        box = box.union(each.box)
    return box


def _mask(regions: Sequence[Region], part: Box, canvas: Canvas) -> Mask:
    """Return which pixels of a part the regions cover."""
    if all(each.shape is Shape.ELLIPSE for each in regions):
        moved = [Region(_moved(each.box, part), each.basis) for each in regions]
        return rasterise(moved, part.width, part.height)
    whole = rasterise(regions, canvas.width, canvas.height)
    return whole[part.y0 : part.y1, part.x0 : part.x1]


def _moved(box: Box, part: Box) -> Box:
    return Box(box.x0 - part.x0, box.y0 - part.y0, box.x1 - part.x0, box.y1 - part.y0)
