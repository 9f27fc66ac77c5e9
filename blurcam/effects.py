"""What a covered area is filled with.

An effect gets a patch of one or more planes that share a mask, and returns a patch of which only
the covered samples are used. Effects that do not read the face never see it: the covered samples
of what they get are zero.
"""

from __future__ import annotations

from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.errors import ConfigError
from blurcam.masks import Mask

Samples = NDArray[np.float32]
"""Samples as real numbers, ``(rows, columns, planes)``, in units of an 8-bit sample."""


Weights = NDArray[np.float32]
"""How much of each cell is known, ``(rows, columns)``, 0 to 1."""

_TINY = np.float32(1e-6)


class Effect(Protocol):
    """A way to fill covered areas."""

    @property
    def name(self) -> str:
        """How the effect is called on the command line."""

    @property
    def reads_face(self) -> bool:
        """Whether what it paints depends on what it hides."""

    def fill(self, patch: Samples, covered: Mask, face: float, neutral: Samples) -> Samples:
        """Return samples for the covered part of a patch.

        ``patch`` is ``(rows, columns, planes)`` and must not be changed; ``covered`` is ``(rows,
        columns)``, 1 where the result is used. ``face`` is the size in samples of the smallest
        region of the patch; ``neutral``, ``(planes,)``, is grey.
        """


class Blur:
    """A smooth continuation of what surrounds the area: a membrane stretched over its rim.

    Solved on a small grid by pull-push (Gortler et al., The Lumigraph, SIGGRAPH 1996, section
    3.4): averages of known samples are pulled down to ever coarser grids, and pushed back up
    into the cells where nothing is known.
    """

    name = "blur"
    reads_face = False
    # Cells across the smallest region: fewer lose the shading around the face, more cost time.
    _CELLS = 12

    def fill(self, patch: Samples, covered: Mask, face: float, neutral: Samples) -> Samples:
        """Return the membrane."""
        rows, columns = covered.shape
        small = self.membrane(patch, covered, max(1.0, face / self._CELLS), neutral)
        return _planes(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), patch)

    def membrane(self, patch: Samples, covered: Mask, cell: float, neutral: Samples) -> Samples:
        """Return the membrane on a grid of cells of ``cell`` × ``cell`` samples."""
        rows, columns = covered.shape
        size = (max(1, round(columns / cell)), max(1, round(rows / cell)))
        # Where it is covered the patch is zero, and counts for nothing.
        known = (1 - covered).astype(np.float32)
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        value = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
        return _pull_push(_planes(value, patch), cast(Weights, weight), neutral)


def _pull_push(value: Samples, weight: Weights, neutral: Samples) -> Samples:
    """Return ``value / weight``, and where the weight falls short, what coarser grids say.

    ``value`` is the weighted sum in each cell, ``weight`` 0 to 1.
    """
    planes = value.shape[2]
    levels: list[tuple[Samples, Weights]] = []
    while weight.min() < 1.0 and weight.size > 1:
        levels.append((value, weight))
        rows, columns = weight.shape
        size = ((columns + 1) // 2, (rows + 1) // 2)
        part = cast(Weights, cv2.resize(weight, size, interpolation=cv2.INTER_AREA))
        coarse = cv2.resize(value, size, interpolation=cv2.INTER_AREA)
        # Twice the share of known samples: a half-known coarse cell may speak for itself.
        weight = cast(Weights, np.minimum(np.float32(1), np.float32(2) * part))
        gain = cast(Weights, weight / np.maximum(part, _TINY))
        value = cast(Samples, coarse).reshape(*gain.shape, planes) * gain[..., None]
    found: Samples = np.broadcast_to(neutral, value.shape)
    if weight.max() > 1e-3:
        found = cast(Samples, value / np.maximum(weight, _TINY)[..., None])
    for known, share in reversed(levels):
        rows, columns = share.shape
        pushed = cv2.resize(found, (columns, rows), interpolation=cv2.INTER_LINEAR)
        unknown = np.float32(1) - share
        found = known + cast(Samples, pushed).reshape(known.shape) * unknown[..., None]
    return found


def _planes(array: NDArray[np.generic], like: Samples) -> Samples:
    """Give back the last axis, which cv2 drops where it is one plane."""
    return cast(Samples, array.reshape(*array.shape[:2], like.shape[2]))


class Solid:
    """An even dark grey."""

    name = "solid"
    reads_face = False

    def fill(self, patch: Samples, covered: Mask, face: float, neutral: Samples) -> Samples:
        """Return the one colour."""
        del covered, face
        dark = neutral.copy()
        dark[neutral > 100] = np.where(len(neutral) == 2, 128.0, 64.0)
        return np.broadcast_to(dark, patch.shape)


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
        pattern = np.random.default_rng(0x6D6F73).uniform(-1, 1, (64, 64, 1))
        self._pattern = (pattern * self._DEPTH).astype(np.float32)

    def fill(self, patch: Samples, covered: Mask, face: float, neutral: Samples) -> Samples:
        """Return the blocks."""
        rows, columns = covered.shape
        blocks = Blur().membrane(patch, covered, max(1.0, face / self._BLOCKS), neutral)
        if blocks.shape[2] != 2:  # colour differences keep their hue
            high, wide = blocks.shape[:2]
            tiles = (-(-high // 64), -(-wide // 64), 1)
            blocks = blocks + np.tile(self._pattern, tiles)[:high, :wide]
        grown = cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_NEAREST)
        return _planes(grown, patch)


class Gaussian:
    """COSMETIC: the face itself, blurred with a standard deviation of 0.3 of its size."""

    name = "gaussian"
    reads_face = True

    def fill(self, patch: Samples, covered: Mask, face: float, neutral: Samples) -> Samples:
        """Return the blurred patch."""
        del covered, neutral
        blurred = cv2.GaussianBlur(patch, (0, 0), max(1.0, 0.3 * face / 1.4))
        return _planes(blurred, patch)


class Pixelate:
    """COSMETIC: the face itself, in blocks of a sixth of its size."""

    name = "pixelate"
    reads_face = True

    def fill(self, patch: Samples, covered: Mask, face: float, neutral: Samples) -> Samples:
        """Return the patch in blocks."""
        del neutral
        rows, columns = covered.shape
        cell = max(2.0, face / 6)
        size = (max(1, round(columns / cell)), max(1, round(rows / cell)))
        blocks = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
        return _planes(cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_NEAREST), patch)


def make_effect(name: str) -> Effect:
    """Return the effect of that name; raises :class:`~blurcam.errors.ConfigError` for none."""
    effects: tuple[Effect, ...] = (Blur(), Solid(), Mosaic(), Gaussian(), Pixelate())
    for effect in effects:
        if effect.name == name:
            return effect
    names = ", ".join(effect.name for effect in effects)
    raise ConfigError(f'effect: there is no "{name}"; choose one of {names}')
