"""Faces of known people, and scenes in which only the face tells who it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.errors import ConfigError
from blurcam.media.regions import Basis, Box, Region

Grey = NDArray[np.uint8]
"""A picture, ``(rows, columns)``."""

WIDTH: Final = 128
HEIGHT: Final = 160
# The face, at the size of the ORL pictures, and the ellipse over it: the same for all people.
_FACE: Final = Box(18, 24, 110, 136)
MASK: Final = Region(_FACE.grown(1.15), Basis.DETECTED, track=1)
# The shake of a hand-held camera in pixels, so that several frames show more than one.
_JITTER: Final = 1.5
_NOISE: Final = 2.0
_SUFFIXES: Final = {".pgm", ".png", ".jpg", ".jpeg", ".bmp"}
_FEWEST_PEOPLE: Final = 2
_FEWEST_PICTURES: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Pictures of people: ``pictures[i]`` shows person ``who[i]``; all of the face's size."""

    pictures: tuple[Grey, ...]
    who: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many people there are."""
        return max(self.who) + 1


def load_people(folder: Path) -> People:
    """Read a folder with a folder of pictures for each person; use the same number for each.

    Raises :class:`~blurcam.errors.ConfigError` if there are not at least two people with four
    pictures each.
    """
    if not folder.is_dir():
        raise ConfigError(f"faces: {folder} is not a folder; it holds a folder for each person")
    found = [
        sorted(path for path in person.iterdir() if path.suffix.lower() in _SUFFIXES)
        for person in sorted(folder.iterdir())
        if person.is_dir()
    ]
    found = [paths for paths in found if paths]
    fewest = min(map(len, found), default=0)
    if len(found) < _FEWEST_PEOPLE or fewest < _FEWEST_PICTURES:
        raise ConfigError(
            f"faces: {folder} must hold a folder for each of two people or more, with four "
            "pictures or more in each"
        )
    pictures, who = [], []
    for number, paths in enumerate(found):
        for path in paths[:fewest]:
            pictures.append(_read(path))
            who.append(number)
    return People(tuple(pictures), tuple(who))


def _read(path: Path) -> Grey:
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ConfigError(f"faces: {path} is not a picture")
    size = (_FACE.width, _FACE.height)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def jitter(shot: int, frames: int) -> NDArray[np.float32]:
    """Return the shift of the picture in each frame, in pixels, ``(frames, 2)``: x, y."""
    drawn = np.random.default_rng((7, shot)).uniform(-_JITTER, _JITTER, (frames, 2))
    return drawn.astype(np.float32)


def scene(face: Grey, shot: int, frames: int) -> Iterator[Grey]:
    """Yield frames of a face, cropped to an ellipse, on a random background.

    ``shot`` and not the person decides the background, its light and the noise. So the pixels at
    the rim of the mask tell nothing of the person.
    """
    rng = np.random.default_rng((11, shot))
    coarse = rng.uniform(40, 210, (6, 5)).astype(np.float32)
    background = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = rng.uniform(-25, 25, (HEIGHT // 4, WIDTH // 4)).astype(np.float32)
    background = background + cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    stencil = np.zeros((HEIGHT, WIDTH), np.float32)
    x, y = _FACE.centre
    axes = (_FACE.width // 2 - 2, _FACE.height // 2 - 2)
    cv2.ellipse(stencil, (round(x), round(y)), axes, 0, 0, 360, 1.0, -1)
    still = background.astype(np.float32)
    inside = stencil > 0
    pasted = still.copy()
    pasted[_FACE.y0 : _FACE.y1, _FACE.x0 : _FACE.x1] = face
    still[inside] = pasted[inside]
    for dx, dy in jitter(shot, frames):
        turn = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved = cv2.warpAffine(still, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        noisy = moved + rng.normal(0, _NOISE, moved.shape)
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
