"""A decoded picture, in its own planes, not yet fit to be shown to anyone."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from blurcam.media.formats import PixelFormat

Plane = NDArray[np.uint8] | NDArray[np.uint16]
"""Samples of one component, ``(rows, columns)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded picture: faces and all.

    ``planes`` are read-only and usually views of the decoder's own memory, which stays alive with
    the frame; rows may be padded (strided). ``seq`` counts frames of a run from 0, without gaps.
    ``session`` changes where nothing known of earlier frames holds any more (start, reconnect,
    change of size, jump in time). ``wall_time`` is seconds since 1970 when the frame arrived.
    ``duration`` is how long it is shown, 0 where the container does not say.
    """

    planes: tuple[Plane, ...] = field(repr=False)
    pixel_format: PixelFormat
    seq: int
    pts: int
    time_base: Fraction
    wall_time: float = 0.0
    session: int = 0
    is_corrupt: bool = False
    interlaced: bool = False
    duration: int = 0

    def __post_init__(self) -> None:
        """Refuse planes that do not fit the format, and lock them."""
        if len(self.planes) != self.pixel_format.plane_count:
            raise ValueError(f"{len(self.planes)} planes for {self.pixel_format.name}")
        for index, plane in enumerate(self.planes):
            expected = self.pixel_format.plane_shape(index, self.width, self.height)
            if plane.shape != expected or plane.dtype != np.dtype(self.pixel_format.dtype):
                raise ValueError(
                    f"plane {index} of {self.pixel_format.name} is {plane.shape} {plane.dtype}"
                )
            plane.flags.writeable = False

    @property
    def width(self) -> int:
        """Columns of the coded picture."""
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        """Rows of the coded picture."""
        return int(self.planes[0].shape[0])

    @property
    def nbytes(self) -> int:
        """How many bytes its samples take."""
        return sum(plane.nbytes for plane in self.planes)

    @property
    def time(self) -> Fraction:
        """The pts in seconds of media time."""
        return self.pts * self.time_base
