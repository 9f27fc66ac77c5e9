"""Where a frame must be covered, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open box in full-frame pixels: ``x0 <= x < x1`` and ``y0 <= y < y1``.

    A box may reach beyond the frame: a face at the edge keeps its true centre and size, and only
    painting clips it.
    """

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        """Refuse a box that holds no pixel."""
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ValueError(f"empty box {self.x0},{self.y0},{self.x1},{self.y1}")

    @classmethod
    def around(cls, x0: float, y0: float, x1: float, y1: float) -> Box:
        """Return the smallest box that contains these real-valued edges (at least one pixel)."""
        left, top = math.floor(x0), math.floor(y0)
        return cls(left, top, max(left + 1, math.ceil(x1)), max(top + 1, math.ceil(y1)))

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, ``(x, y)``."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def contains(self, other: Box) -> bool:
        """Whether every pixel of ``other`` is a pixel of this box."""
        return (
            self.x0 <= other.x0
            and self.y0 <= other.y0
            and self.x1 >= other.x1
            and self.y1 >= other.y1
        )

    def intersection(self, other: Box) -> Box | None:
        """Return the pixels in both, ``None`` where there are none."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        x1, y1 = min(self.x1, other.x1), min(self.y1, other.y1)
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def meets(self, other: Box) -> bool:
        """Whether some pixel is in both."""
        return (
            self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1
        )

    def union(self, other: Box) -> Box:
        """Return the smallest box that contains both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def grown(self, factor: float) -> Box:
        """Return the box ``factor`` times as wide and high about the same centre, rounded out."""
        (x, y), half = self.centre, factor / 2
        return Box.around(
            x - self.width * half,
            y - self.height * half,
            x + self.width * half,
            y + self.height * half,
        )

    def iou(self, other: Box) -> float:
        """Return the area in both over the area in either (Jaccard index), 0 to 1."""
        shared = self.intersection(other)
        if shared is None:
            return 0.0
        return shared.area / (self.area + other.area - shared.area)


class Basis(Enum):
    """Why a region is covered."""

    DETECTED = "detected"
    LED = "led"
    HELD = "held"
    BRIDGED = "bridged"
    FOLLOWED = "followed"
    ZONE = "zone"
    DRAWN = "drawn"
    WHOLE = "whole"


class Shape(Enum):
    """How a region fills its box."""

    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    WHOLE = "whole"


class Reason(Enum):
    """Why a frame is fully covered; the value is the text that is painted on it."""

    CORRUPT = "damaged picture"
    DETECTOR_FAILED = "detector failed"
    DETECTOR_SILENT = "detector timed out"
    NOT_YET = "starting"
    TOO_SPARSE = "not searched in time"
    NO_LINE = "no regions on file"
    ASKED = "covered by hand"

    @property
    def is_fault(self) -> bool:
        """Whether a frame covered for this reason makes the run end with exit code 3."""
        return self not in (Reason.NOT_YET, Reason.ASKED)


@dataclass(frozen=True, slots=True)
class Region:
    """One covered area of one frame.

    An ELLIPSE fills its ``box`` (which already holds the margin), a POLYGON has ``points`` in
    full-frame pixels, WHOLE is every pixel of the frame.
    """

    box: Box
    basis: Basis
    track: int | None = None
    confidence: float | None = None
    shape: Shape = Shape.ELLIPSE
    points: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a polygon without an area to fill."""
        if (self.shape is Shape.POLYGON) != (len(self.points) >= 3):
            raise ValueError("a polygon, and nothing else, has three points or more")


@dataclass(frozen=True, slots=True)
class Coverage:
    """All that must be covered on the one frame with this ``seq``.

    Made only from a finished search: "nothing found" is an empty coverage; "not searched" is
    :meth:`whole` with its reason.
    """

    seq: int
    regions: tuple[Region, ...]
    reason: Reason | None = None

    @classmethod
    def whole(cls, seq: int, reason: Reason, width: int, height: int) -> Coverage:
        """Return the coverage that hides a ``width`` × ``height`` frame entirely."""
        region = Region(Box(0, 0, width, height), Basis.WHOLE, shape=Shape.WHOLE)
        return cls(seq, (region,), reason)

    def __post_init__(self) -> None:
        """Refuse a reason without a whole-frame region, and the other way round."""
        if self.is_whole != (self.reason is not None):
            raise ValueError("a frame is fully covered for a reason, and only then has one")

    @property
    def is_whole(self) -> bool:
        """Whether a region covers the whole frame."""
        return any(region.shape is Shape.WHOLE for region in self.regions)

    def plus(self, regions: Iterable[Region]) -> Coverage:
        """Return this coverage with more regions; there is no way to take one away."""
        return Coverage(self.seq, self.regions + tuple(regions), self.reason)
