"""How a stored frame is shown: turned, and perhaps mirrored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray  # not loaded to print a help text

T = TypeVar("T", bound=Any)

_ONE: Final = 1 << 16
# Rows and columns of a numpy array: x grows to the right, y downwards.
_TURNS: Final = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@dataclass(frozen=True, slots=True)
class Orientation:
    """Turns by ``rotation`` degrees clockwise (0, 90, 180, 270), then mirrors left to right.

    These are the eight orientations that EXIF and display matrices know.
    """

    rotation: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        """Refuse an angle in between."""
        if self.rotation not in _TURNS:
            raise ValueError(f"rotation by {self.rotation} degrees")

    @classmethod
    def of_matrix(cls, a: float, b: float, c: float, d: float) -> Orientation:
        """Return the orientation nearest to a matrix that shows (x, y) at (ax + cy, bx + dy)."""
        mirrored = a * d - b * c < 0
        a, c = (-a, -c) if mirrored else (a, c)
        return cls(round(math.degrees(math.atan2(b - c, a + d)) / 90) * 90 % 360, mirrored)

    @property
    def coefficients(self) -> tuple[int, int, int, int]:
        """The numbers a, b, c and d of the matrix that shows (x, y) at (ax + cy, bx + dy)."""
        a, b, c, d = _TURNS[self.rotation]
        return (-a, b, -c, d) if self.mirrored else (a, b, c, d)

    def display_matrix(self, width: int, height: int) -> tuple[int, ...]:
        """Return FFmpeg's and MP4's nine numbers for a stored frame of this size.

        The frame is moved so that no part of it is shown at a negative place.
        """
        a, b, c, d = self.coefficients
        x = -min(0, a * width) - min(0, c * height)
        y = -min(0, b * width) - min(0, d * height)
        return (a * _ONE, b * _ONE, 0, c * _ONE, d * _ONE, 0, x * _ONE, y * _ONE, 1 << 30)

    @property
    def transposes(self) -> bool:
        """Whether rows are shown as columns."""
        return self.rotation in (90, 270)

    @property
    def flips_rows(self) -> bool:
        """Whether the first row, or the first column where it transposes, is shown last."""
        return (self.rotation in (90, 180)) != (self.mirrored and self.transposes)

    @property
    def inverse(self) -> Orientation:
        """What shows the result as it was stored."""
        return self if self.mirrored else Orientation(-self.rotation % 360)

    def then(self, other: Orientation) -> Orientation:
        """Return what this and then ``other`` make together."""
        turn = -other.rotation if self.mirrored else other.rotation
        return Orientation((self.rotation + turn) % 360, self.mirrored != other.mirrored)

    def applied(self, plane: NDArray[T]) -> NDArray[T]:
        """Return rows and columns, with or without channels, as they are shown: a view."""
        turned = {
            0: plane,
            90: plane[::-1].swapaxes(0, 1),
            180: plane[::-1, ::-1],
            270: plane.swapaxes(0, 1)[::-1],
        }[self.rotation]
        return turned[:, ::-1] if self.mirrored else turned


AS_STORED: Final = Orientation()
"""Shown as it is stored."""
