"""Tracks: the places where one face was seen, and where it was between two of them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import Final

from blurcam.detect.fusion import SURE
from blurcam.media.regions import Box
from blurcam.track.outline import Outline

# If the two ends of a bridge lie more than this many face sizes apart, both are covered as well.
_FAR: Final = 0.8
# Velocity is measured over this time: over less it is noise of the detector, over more outdated.
_MEMORY_SECONDS: Final = 0.25
# A face that the detector saw this often is one, at whatever confidence.
_SEVERAL: Final = 3
# A face is extrapolated over at most this many of its own sizes.
_FARTHEST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """The place of a face at a pts; ``confidence`` is ``None`` if it was only followed there.

    It ``is_sure`` until the place was searched and the detector did not see the face.
    """

    pts: int
    box: Box
    confidence: float | None
    is_sure: bool = True

    @property
    def is_detected(self) -> bool:
        """Whether the detector saw it."""
        return self.confidence is not None


class Track:
    """The sightings of one face, in order of time, and the outline of what is covered of it."""

    def __init__(self, number: int, second: float, look_ahead: float) -> None:
        """Begin with no sighting.

        A second has so many units of pts. ``look_ahead``, in units of pts, is how much is known of
        what comes later.
        """
        self.number = number
        self.sightings: list[Sighting] = []
        self.outline = Outline(second, look_ahead)
        self._second = second
        self._is_sure: bool | None = None  # where it has been asked for since the last change

    @property
    def last(self) -> Sighting:
        """The newest sighting."""
        return self.sightings[-1]

    def add(self, sighting: Sighting) -> None:
        """Add a sighting at a time that has none."""
        insort(self.sightings, sighting, key=lambda s: s.pts)
        self._is_sure = None

    @property
    def is_sure(self) -> bool:
        """Whether the detector was once sure of the face, or saw it several times."""
        if self._is_sure is None:
            seen = [each.confidence for each in self.sightings if each.confidence is not None]
            self._is_sure = len(seen) >= _SEVERAL or max(seen, default=0.0) >= SURE
        return self._is_sure

    def detected_before(self, pts: int) -> Sighting | None:
        """Return the last sighting by the detector at or before ``pts``."""
        end = bisect_right(self.sightings, pts, key=lambda s: s.pts)
        return next((s for s in reversed(self.sightings[:end]) if s.is_detected), None)

    def detected_after(self, pts: int) -> Sighting | None:
        """Return the first sighting by the detector at or after ``pts``."""
        start = bisect_left(self.sightings, pts, key=lambda s: s.pts)
        return next((s for s in self.sightings[start:] if s.is_detected), None)

    def forget_before(self, pts: int, kept: int) -> None:
        """Drop the sightings that matter to no frame at ``pts`` or later."""
        memory = round(_MEMORY_SECONDS * self._second)
        keep = bisect_right(self.sightings, pts - max(memory, kept), key=lambda s: s.pts) - 1
        if keep > 0:
            del self.sightings[:keep]
            self._is_sure = None
        self.outline.forget_before(pts)

    def around(self, pts: int) -> tuple[Sighting | None, Sighting | None]:
        """Return the last sighting at or before ``pts``, and the first after it."""
        after = bisect_right(self.sightings, pts, key=lambda s: s.pts)
        before = self.sightings[after - 1] if after else None
        return before, self.sightings[after] if after < len(self.sightings) else None

    def velocity(self, before: Sighting | None, longest: int) -> tuple[float, float]:
        """Return the pixels per unit of pts from a sighting, not ``longest`` ago, to the newest."""
        if before is None or self.last.pts - before.pts > longest:
            return 0.0, 0.0
        (x0, y0), (x1, y1) = before.box.centre, self.last.box.centre
        passed = max(1, self.last.pts - before.pts)
        return (x1 - x0) / passed, (y1 - y0) / passed

    def extrapolated(self, sighting: Sighting, pts: int) -> Box:
        """Return where the face of the first or last sighting would be at ``pts``."""
        other = self._reference(sighting, back=pts >= sighting.pts)
        if other is None:
            return sighting.box
        ahead = (pts - sighting.pts) / (sighting.pts - other.pts)
        (x0, y0), (x1, y1) = other.box.centre, sighting.box.centre
        limit = _FARTHEST * max(sighting.box.width, sighting.box.height)
        dx = min(limit, max(-limit, (x1 - x0) * ahead))
        dy = min(limit, max(-limit, (y1 - y0) * ahead))
        return moved(sighting.box, dx, dy)

    def _reference(self, sighting: Sighting, *, back: bool) -> Sighting | None:
        """Return the sighting farthest from this one, within memory, on one side of it."""
        index = self.sightings.index(sighting)
        candidates = self.sightings[:index] if back else self.sightings[index + 1 :][::-1]
        memory = round(_MEMORY_SECONDS * self._second)
        near = [s for s in candidates if abs(s.pts - sighting.pts) <= memory]
        return near[0] if near else None


def is_far(before: Sighting, after: Sighting) -> bool:
    """Whether two sightings are so far apart that they may be two faces."""
    (x0, y0), (x1, y1) = before.box.centre, after.box.centre
    size = max(before.box.width, before.box.height, after.box.width, after.box.height)
    return math.hypot(x1 - x0, y1 - y0) > _FAR * size


def between(before: Sighting, after: Sighting, pts: int, second: float) -> Box:
    """Return the box of a face between two sightings: on the line between them, and larger.

    The box grows by up to 30 % in the middle of a gap of a second. That leaves room for a face
    that speeds up or turns by 2.4 of its sizes a second squared (deviation a·t²/8).
    """
    share = (pts - before.pts) / (after.pts - before.pts)
    a, b = before.box, after.box
    edges = [
        u + (v - u) * share for u, v in ((a.x0, b.x0), (a.y0, b.y0), (a.x1, b.x1), (a.y1, b.y1))
    ]
    gap = min(1.0, (after.pts - before.pts) / second)
    return Box.around(*edges).grown(1 + 1.2 * share * (1 - share) * gap)


def moved(box: Box, dx: float, dy: float) -> Box:
    """Return a box so many pixels further right and down, rounded out."""
    return Box.around(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)
