"""What a covered area is filled with.

An effect gets all patches of a frame at once and returns samples, of which only the covered ones
are used. Effects that do not read the face never see it: the covered samples of what they get are
zero. They keep what each track's surroundings looked like on the frames before, for a fill that is
calm to look at; so an effect belongs to one stream, and its frames come in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, Protocol, cast

import cv2
import numpy as np

from blurcam.errors import ConfigError
from blurcam.media.frames import Plane
from blurcam.redact.membrane import Cells, membranes
from blurcam.redact.patches import Patch
from blurcam.redact.ring_history import RingHistory

_GREY: Final = 128

Filled = tuple[Plane, ...]
"""Samples for the planes of a patch, each as large as these."""


class Effect(Protocol):
    """A way to fill covered areas."""

    @property
    def name(self) -> str:
        """What the effect is called on the command line."""

    @property
    def reads_face(self) -> bool:
        """Whether what it paints depends on what it hides."""

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return samples for the covered parts of each patch."""


def surroundings(
    patches: Sequence[Patch], across: float, history: RingHistory
) -> list[tuple[Cells, ...]]:
    """Return a membrane for each plane of each patch, in levels of an 8-bit sample.

    A membrane continues the track's ring, as it was on average over the last moments, into the
    piece. It has ``across`` cells over the face, if these are of a sample at least.
    """
    values: list[Cells] = []
    weights: list[Cells] = []
    for track, own in groupby(patches, key=lambda patch: patch.track):
        group = list(own)
        sizes = history.sizes(track, [patch.grid(across) for patch in group])
        grids = [_sampled(patch, size) for patch, size in zip(group, sizes, strict=True)]
        for means in history.add(track, group[0].time, grids):
            values += list(means[:-1])
            weights += [means[-1]] * (len(means) - 1)
    if patches:
        history.forget(patches[0].time)
    made = iter(membranes(values, weights, _GREY))
    return [tuple(next(made) for _ in patch.planes) for patch in patches]


def _sampled(patch: Patch, size: tuple[int, int]) -> Cells:
    """Return the weighted levels of each plane of a patch in cells, then how much is known."""
    columns, rows = size
    made = np.zeros((len(patch.planes) + 1, rows, columns), np.float32)
    for cells, plane in zip(made, patch.planes, strict=False):
        cells[:] = _shrunk(plane, size)
    made /= np.float32(patch.unit)
    # Where anything is covered the patch is zero, and counts for nothing.
    made[-1] = _shrunk(1 - patch.covered, size)
    return made


def _shrunk(plane: Plane, size: tuple[int, int]) -> Cells:
    return cast(Cells, cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA))


class Blur:
    """A smooth continuation of what surrounds the area, under a slight grey veil.

    Without the veil a head before a plain wall would vanish, and nobody could tell that something
    was redacted.
    """

    name = "blur"
    reads_face = False
    # Cells across a piece: a face by itself fits on 16 × 16, and 12 look no different.
    _CELLS = 7
    # The veil: levels of luma and what becomes of them, and how much of the colour it takes.
    _LEVELS = (0, 40, 64, 255)
    _VEILED = (20, 28, 48, 222)
    _GREYED = np.float32(0.35)

    def __init__(self) -> None:
        """Begin with no track."""
        self._history = RingHistory()

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the veiled membranes."""
        made = surroundings(patches, self._CELLS, self._history)
        return [
            tuple(self._filled(patch, cells) for cells in planes)
            for patch, planes in zip(patches, made, strict=True)
        ]

    def _filled(self, patch: Patch, cells: Cells) -> Plane:
        if patch.is_chroma:
            veiled = cells + (_GREY - cells) * self._GREYED
        else:
            veiled = np.interp(cells, self._LEVELS, self._VEILED).astype(np.float32)
        return patch.stretched(patch.as_samples(veiled), cv2.INTER_LINEAR)


class Solid:
    """An even dark grey."""

    name = "solid"
    reads_face = False
    _DARK = 64

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the one colour."""
        return [
            tuple(
                np.full(
                    patch.shape,
                    (_GREY if patch.is_chroma else self._DARK) * patch.unit,
                    plane.dtype,
                )
                for plane in patch.planes
            )
            for patch in patches
        ]


class Mosaic:
    """Blocks that look like a pixelated face and know nothing of it.

    Their colours are those of the membrane, made lighter and darker by a pattern that a track
    keeps.
    """

    name = "mosaic"
    reads_face = False
    _BLOCKS = 7
    _DEPTH = 28.0
    _SIDE = 64

    def __init__(self) -> None:
        """Draw the pattern, the same each time."""
        self._history = RingHistory()
        pattern = np.random.default_rng(0x6D6F73).uniform(-1, 1, (self._SIDE, self._SIDE))
        self._pattern = (pattern * self._DEPTH).astype(np.float32)

    def fill(self, patches: Sequence[Patch]) -> list[Filled]:
        """Return the blocks."""
        made = surroundings(patches, self._BLOCKS, self._history)
        return [
            tuple(self._blocks(patch, cells) for cells in planes)
            for patch, planes in zip(patches, made, strict=True)
        ]

    def _blocks(self, patch: Patch, cells: Cells) -> Plane:
        if not patch.is_chroma:  # colour differences keep their hue
            rows, columns = cells.shape
            times = (-(-rows // self._SIDE), -(-columns // self._SIDE))
            cells = cells + np.tile(self._pattern, times)[:rows, :columns]
        return patch.stretched(patch.as_samples(cells), cv2.INTER_NEAREST)


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
        blocks = _shrunk(plane, size) / np.float32(patch.unit)
        return patch.stretched(patch.as_samples(blocks), cv2.INTER_NEAREST)


def make_effect(name: str) -> Effect:
    """Return the effect of that name; raises :class:`~blurcam.errors.ConfigError` for none."""
    effects: tuple[Effect, ...] = (Blur(), Solid(), Mosaic(), Gaussian(), Pixelate())
    for effect in effects:
        if effect.name == name:
            return effect
    names = ", ".join(effect.name for effect in effects)
    raise ConfigError(f'effect: there is no "{name}"; choose one of {names}')


__all__ = ["Effect", "Filled", "Patch", "make_effect"]
