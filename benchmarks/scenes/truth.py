"""Where every face is on every frame, and what it looks like without anything in its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rect:
    """A box in pixels of the frame as it is shown, half-open; parts of it may lie outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Its width."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Its height."""
        return self.y1 - self.y0

    def cut(self, picture: Picture) -> Picture:
        """Return this part of a picture; beyond the edge the edge goes on."""
        high, wide = picture.shape[:2]
        rows = np.clip(np.arange(self.y0, self.y1), 0, high - 1)
        columns = np.clip(np.arange(self.x0, self.x1), 0, wide - 1)
        return np.asarray(picture[rows][:, columns], np.uint8)

    def grown(self, factor: float) -> Rect:
        """Return it so many times as wide and high, about the same middle."""
        dx, dy = (factor - 1) * self.width / 2, (factor - 1) * self.height / 2
        return Rect(
            round(self.x0 - dx), round(self.y0 - dy), round(self.x1 + dx), round(self.y1 + dy)
        )

    def within(self, wide: int, high: int) -> tuple[slice, slice]:
        """Return the rows and columns of it that lie in a frame."""
        y0, y1 = max(0, self.y0), max(0, min(high, self.y1))
        x0, x1 = max(0, self.x0), max(0, min(wide, self.x1))
        return slice(y0, max(y0, y1)), slice(x0, max(x0, x1))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face on one frame: whose, where, its luma there, and which of those pixels are its own.

    ``luma`` and ``own`` are as large as the box. It was taken before light and weather.
    """

    frame: int
    who: int
    box: Rect
    luma: Picture
    own: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """All faces of a scene in the order of its frames, which are ``frames``, of ``size``."""

    frames: int
    size: tuple[int, int]
    faces: tuple[Face, ...]

    def save(self, path: Path) -> None:
        """Write it to a file."""
        empty = [np.zeros(0, np.uint8)]
        np.savez_compressed(
            path,
            shape=np.array([self.frames, *self.size]),
            faces=np.array(
                [[f.frame, f.who, f.box.x0, f.box.y0, f.box.x1, f.box.y1] for f in self.faces],
                np.int32,
            ).reshape(-1, 6),
            luma=np.concatenate([f.luma.ravel() for f in self.faces] or empty),
            own=np.packbits(np.concatenate([f.own.ravel() for f in self.faces] or empty)),
        )


def load_truth(path: Path) -> Truth:
    """Return what was saved."""
    with np.load(path) as kept:
        frames, wide, high = (int(n) for n in kept["shape"])
        rows, luma = kept["faces"], kept["luma"]
        own = np.unpackbits(kept["own"], count=luma.size).astype(np.bool_)
    faces, at = [], 0
    for frame, who, x0, y0, x1, y1 in rows.tolist():
        box = Rect(x0, y0, x1, y1)
        end = at + box.width * box.height
        shape = (box.height, box.width)
        faces.append(Face(frame, who, box, luma[at:end].reshape(shape), own[at:end].reshape(shape)))
        at = end
    return Truth(frames, (wide, high), tuple(faces))


def grey(picture: Picture) -> Picture:
    """Return the luma of a BGR picture."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def by_frame(faces: Sequence[Face]) -> dict[int, list[tuple[int, Face]]]:
    """Return the faces of each frame, each with its number among all."""
    found: dict[int, list[tuple[int, Face]]] = {}
    for number, face in enumerate(faces):
        found.setdefault(face.frame, []).append((number, face))
    return found
