"""What one camera shows at one moment: the picture, whose each pixel is, and where faces are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.effects import Moment
from benchmarks.scenes.truth import Face, Picture, Rect, grey
from benchmarks.scenes.values import Camera

Matrix = NDArray[np.float64]

# A face that is not at least this share in view, by area of its box, is no face on that frame.
_LEAST_IN_VIEW: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A face in a picture: the box, and the number of its owner there."""

    box: Rect
    owner: int


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What one shot shows at one moment; each pixel has an owner, 0 where it is nobody's."""

    picture: Picture
    owners: NDArray[np.int16]
    faces: dict[int, Placed]

    def seen(self, first: int, number: int) -> Iterator[Face]:
        """Yield the faces that are in view on a frame; people are numbered from ``first``."""
        luma = grey(self.picture)
        high, wide = luma.shape
        for who, placed in self.faces.items():
            box = placed.box
            rows, columns = box.within(wide, high)
            own = np.zeros((box.height, box.width), np.bool_)
            here = self.owners[rows, columns] == placed.owner
            top, left = rows.start - box.y0, columns.start - box.x0
            if here.size:
                own[top : top + here.shape[0], left : left + here.shape[1]] = here
            if own.any() and own.mean() >= _LEAST_IN_VIEW:
                yield Face(number, first + who, box, box.cut(luma), own)


def view(camera: Camera | None, time: float, size: tuple[int, int], moment: Moment) -> Matrix:
    """Return how the world is mapped to a frame of that size (3 × 3)."""
    if camera is None:
        return np.eye(3)
    x, y, zoom, roll = camera.path.at(time)
    c, s = zoom * math.cos(math.radians(roll)), zoom * math.sin(math.radians(roll))
    dx, dy = moment.random(13).uniform(-camera.shake, camera.shake, 2) if camera.shake else (0, 0)
    middle = (size[0] / 2 + dx, size[1] / 2 + dy)
    return np.array(
        [
            [c, -s, middle[0] - c * x + s * y],
            [s, c, middle[1] - s * x - c * y],
            [0, 0, 1],
        ]
    )
