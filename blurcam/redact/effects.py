"""What a covered area is filled with.

An effect gets all patches of a frame at once, each of one or more planes that share a mask, and
returns samples of which only the covered ones are used. Effects that do not read the face never
see it: the covered samples of what they get are zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import cv2
import numpy as np

from blurcam.errors import ConfigError
from blurcam.media.frames import Plane
from blurcam.media.masks import Mask
from blurcam.redact.membrane import Cells, membranes

_GREY = 128


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a frame that is to be filled.

    ``planes`` are ``(rows, columns)`` of ``depth`` bits, and must not be changed; ``covered`` is as
    large, 1 where the result is used. ``face`` is the size in samples of the patch's smallest
    region. Planes of chroma are colour differences, which are grey in the middle.
    """

    planes: tuple[Plane, ...]
    covered: Mask
    face: float
    depth: int
    is_chroma: bool

    @property
    def unit(self) -> int:
        """What is one level of an 8-bit sample."""
        return 1 << (self.depth - 8)

    def grid(self, across: float, least: float = 1.0) -> tuple[int, int]:
        """Return how many columns and rows of square cells there are, so many across the face."""
        rows, columns = self.covered.shape
        cell = max(least, self.face / across)
        return max(1, round(columns / cell)), max(1, round(rows / cell))

    def as_samples(self, cells: Cells) -> Plane:
        """Return cells, in levels of an 8-bit sample, as samples."""
        levels = np.rint(cells * np.float32(self.unit))
        most = (1 << self.depth) - 1
        return cast(Plane, np.clip(levels, 0, most).astype(self.planes[0].dtype))

    def stretched(self, cells: Plane, interpolation: int) -> Plane:
        """Return cells grown to the size of the patch."""
        rows, columns = self.covered.shape
        return cast(Plane, cv2.resize(cells, (columns, rows), interpolation=interpolation))


Filled = tuple[Plane, ...]
"""Samples for the planes of a patch, each as large as these."""


class Effect(Protocol):
    """A way to fill covered areas."""

    @property
    def name(self) -> str:
        """How the effect is called on the command line."""

    @property
    def reads_face(self) -> bool:
        """Whether what it paints depends on what it hides."""

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return samples for the covered parts of each patch."""


class Blur:
    """A smooth continuation of what surrounds the area."""

    name = "blur"
    reads_face = False
    # Cells across the smallest region: a face by itself fits on 16 × 16, and 12 look no different.
    _CELLS = 7

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the membranes."""
        return [
            tuple(patch.stretched(patch.as_samples(grid), cv2.INTER_LINEAR) for grid in grids)
            for patch, grids in zip(patches, stretched_over(patches, self._CELLS), strict=True)
        ]


def stretched_over(patches: Sequence[Patch], across: float) -> list[list[Cells]]:
    """Return for every patch a membrane a plane, in levels of an 8-bit sample.

    There are ``across`` cells across the smallest region, if these are of a sample at least.
    """
    values: list[Cells] = []
    weights: list[Cells] = []
    for patch in patches:
        size = patch.grid(across)
        # Where it is covered the patch is zero, and counts for nothing.
        known = (1 - patch.covered).astype(np.float32)
        weight = cast(Cells, cv2.resize(known, size, interpolation=cv2.INTER_AREA))
        for plane in patch.planes:
            samples = plane.astype(np.float32)
            cells = cast(Cells, cv2.resize(samples, size, interpolation=cv2.INTER_AREA))
            values.append(cast(Cells, cells / np.float32(patch.unit)))
            weights.append(weight)
    made = iter(membranes(values, weights, _GREY))
    return [[next(made) for _ in patch.planes] for patch in patches]


class Solid:
    """An even dark grey."""

    name = "solid"
    reads_face = False
    _DARK = 64

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the one colour."""
        return [
            tuple(
                np.full_like(plane, (_GREY if patch.is_chroma else self._DARK) * patch.unit)
                for plane in patch.planes
            )
            for patch in patches
        ]


class Mosaic:
    """Blocks that look like a pixelated face and know nothing of it.

    Their colours are those of the membrane, made lighter and darker by a fixed pattern.
    """

    name = "mosaic"
    reads_face = False
    _BLOCKS = 7
    _DEPTH = 28.0

    def __init__(self) -> None:
        """Draw the pattern, the same each time."""
        pattern = np.random.default_rng(0x6D6F73).uniform(-1, 1, (64, 64))
        self._pattern = (pattern * self._DEPTH).astype(np.float32)

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the blocks."""
        return [
            tuple(self._blocks(patch, grid) for grid in grids)
            for patch, grids in zip(patches, stretched_over(patches, self._BLOCKS), strict=True)
        ]

    def _blocks(self, patch: Patch, grid: Cells) -> Plane:
        if not patch.is_chroma:  # colour differences keep their hue
            rows, columns = grid.shape
            tiles = (-(-rows // 64), -(-columns // 64))
            grid = grid + np.tile(self._pattern, tiles)[:rows, :columns]
        return patch.stretched(patch.as_samples(grid), cv2.INTER_NEAREST)


class Gaussian:
    """COSMETIC: the face itself, blurred with a standard deviation of 0.3 of its size."""

    name = "gaussian"
    reads_face = True

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the blurred patches."""
        return [
            tuple(self._blurred(plane, patch.face) for plane in patch.planes) for patch in patches
        ]

    def _blurred(self, plane: Plane, face: float) -> Plane:
        return cast(Plane, cv2.GaussianBlur(plane, (0, 0), max(1.0, 0.3 * face / 1.4)))


class Pixelate:
    """COSMETIC: the face itself, in blocks of a sixth of its size."""

    name = "pixelate"
    reads_face = True
    _BLOCKS = 6

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the patches in blocks."""
        return [tuple(self._blocks(patch, plane) for plane in patch.planes) for patch in patches]

    def _blocks(self, patch: Patch, plane: Plane) -> Plane:
        size = patch.grid(self._BLOCKS, least=2.0)
        blocks = cast(Plane, cv2.resize(plane, size, interpolation=cv2.INTER_AREA))
        return patch.stretched(blocks, cv2.INTER_NEAREST)


def make_effect(name: str) -> Effect:
    """Return the effect of that name; raises :class:`~blurcam.errors.ConfigError` for none."""
    effects: tuple[Effect, ...] = (Blur(), Solid(), Mosaic(), Gaussian(), Pixelate())
    for effect in effects:
        if effect.name == name:
            return effect
    names = ", ".join(effect.name for effect in effects)
    raise ConfigError(f'effect: there is no "{name}"; choose one of {names}')


__all__ = ["Effect", "Filled", "Patch", "make_effect"]
