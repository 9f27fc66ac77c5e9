"""A face as programs get it: a box and a confidence."""

from __future__ import annotations

from typing import NamedTuple


class Face(NamedTuple):
    """A face in a picture: its box, half-open, in pixels; and how sure the detector is, 0 to 1."""

    left: int
    top: int
    right: int
    bottom: int
    confidence: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The box alone, as :func:`blurcam.redact_image` takes it."""
        return self.left, self.top, self.right, self.bottom
