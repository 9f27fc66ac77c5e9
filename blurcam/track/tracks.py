"""The same face through time: linking, and where it is between two sightings."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blurcam.detect.detector import Detection
from blurcam.detect.template import TemplateTracker
from blurcam.media.regions import Box

# A face may be this many of its own sizes away from where it was expected, and this many more
# for each second that it was not seen. People at walking pace make about two a second, runners
# seen from the side eight to ten. The nearest is linked first, and across a wide gap both ends are
# covered besides what lies between, so a wide gate costs little.
_GATE: Final = 0.7
_GATE_PER_SECOND: Final = 10.0
_GATE_MOST: Final = 3.5
_SIZE_RATIO: Final = 2.0
# Beyond so many sizes a bridge is not relied on alone.
_FAR: Final = 0.8
# Velocity is measured over this much time: less is noise of the detector, more is history.
_MEMORY_SECONDS: Final = 0.25
# From this overlap on two boxes are of one place.
_SAME: Final = 0.7
# A face is about as large as it was so many seconds before, and will be so many later.
_STEADY_SECONDS: Final = 0.5
# An extrapolated face goes at most this many of its own sizes.
_FARTHEST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection at a pts."""

    pts: int
    box: Box
    confidence: float


class Track:
    """The sightings of one face, in order of time.

    ``second`` is how many units of pts there are in one. ``followed`` has, by pts, where the face
    was in between by its likeness.
    """

    def __init__(self, number: int, first: Sighting, second: float) -> None:
        """Begin with one sighting: nothing has to be confirmed."""
        self.number = number
        self.sightings = [first]
        self.followed: dict[int, list[Box]] = {}
        self.trail: TemplateTracker | None = None
        self._second = second

    @property
    def last(self) -> Sighting:
        """The newest sighting."""
        return self.sightings[-1]

    def before_last(self) -> Sighting | None:
        """Return the sighting before the newest one."""
        return self.sightings[-2] if len(self.sightings) > 1 else None

    def add(self, sighting: Sighting) -> None:
        """Append a newer sighting."""
        self.sightings.append(sighting)
        self.trail = None

    def follow(self, pts: int, box: Box) -> None:
        """Take note of where the face was, by its likeness, at a time between sightings.

        What was followed from either end to nearly the same place is made one box.
        """
        boxes = self.followed.setdefault(pts, [])
        if boxes and boxes[-1].iou(box) > _SAME:
            box = boxes.pop().union(box)
        boxes.append(box)

    def forget_before(self, pts: int) -> None:
        """Drop what can no longer matter: all but a little before the last one at ``pts``."""
        keep = bisect_right(self.sightings, pts - self._kept, key=lambda s: s.pts) - 1
        if keep > 0:
            del self.sightings[:keep]
        for old in [each for each in self.followed if each < pts]:
            del self.followed[old]

    @property
    def _memory(self) -> int:
        return round(_MEMORY_SECONDS * self._second)

    @property
    def _kept(self) -> int:
        return round(max(_MEMORY_SECONDS, _STEADY_SECONDS) * self._second)

    def around(self, pts: int) -> tuple[Sighting | None, Sighting | None]:
        """Return the last sighting at or before ``pts``, and the first after it."""
        after = bisect_right(self.sightings, pts, key=lambda s: s.pts)
        before = self.sightings[after - 1] if after else None
        return before, self.sightings[after] if after < len(self.sightings) else None

    def extrapolated(self, sighting: Sighting, pts: int) -> Box:
        """Return where the face of the first or last sighting would be at ``pts``."""
        forward = pts >= sighting.pts
        other = self._reference(sighting, back=forward)
        if other is None:
            return sighting.box
        ahead = (pts - sighting.pts) / (sighting.pts - other.pts)
        (x0, y0), (x1, y1) = other.box.centre, sighting.box.centre
        limit = _FARTHEST * max(sighting.box.width, sighting.box.height)
        dx = min(limit, max(-limit, (x1 - x0) * ahead))
        dy = min(limit, max(-limit, (y1 - y0) * ahead))
        return _moved(sighting.box, dx, dy)

    def _reference(self, sighting: Sighting, *, back: bool) -> Sighting | None:
        """Return the sighting farthest from this one, within memory, on one side of it."""
        index = self.sightings.index(sighting)
        candidates = self.sightings[:index] if back else self.sightings[index + 1 :][::-1]
        near = [s for s in candidates if abs(s.pts - sighting.pts) <= self._memory]
        return near[0] if near else None

    def steadied(self, box: Box, pts: int) -> Box:
        """Return the box, as large as the largest of its neighbours in time: it may not breathe.

        At most half as large again, so that a wrong link does not inflate it.
        """
        reach = _STEADY_SECONDS * self._second
        near = [s.box for s in self.sightings if abs(s.pts - pts) <= reach]
        wide = min(max([box.width, *(b.width for b in near)]), box.width * 3 // 2 + 1)
        high = min(max([box.height, *(b.height for b in near)]), box.height * 3 // 2 + 1)
        x, y = box.centre
        return box.union(Box.around(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))


def is_far(before: Sighting, after: Sighting) -> bool:
    """Whether two sightings are so far apart that they may be two faces."""
    (x0, y0, size), (x1, y1, _) = _spot(before.box), _spot(after.box)
    return math.hypot(x1 - x0, y1 - y0) > _FAR * size


def between(before: Sighting, after: Sighting, pts: int, second: float) -> Box:
    """Return where a face is between two sightings: on the line, and less surely in the middle.

    The box grows by up to 30 % in the middle of a gap of a second, which leaves room for a face
    that speeds up or turns by 2.4 of its sizes a second squared (deviation a·t²/8).
    """
    share = (pts - before.pts) / (after.pts - before.pts)
    a, b = before.box, after.box
    edges = [
        u + (v - u) * share for u, v in ((a.x0, b.x0), (a.y0, b.y0), (a.x1, b.x1), (a.y1, b.y1))
    ]
    gap = min(1.0, (after.pts - before.pts) / second)
    return Box.around(*edges).grown(1 + 1.2 * share * (1 - share) * gap)


def _moved(box: Box, dx: float, dy: float) -> Box:
    return Box.around(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


def link(
    tracks: Sequence[Track], detections: Sequence[Detection], pts: int, second: float
) -> list[Track | None]:
    """Return for each detection the track that it continues, or ``None`` for a new face.

    The nearest pairs are linked first, where near is the distance of centres in face sizes.
    """
    linked: list[Track | None] = [None] * len(detections)
    if not tracks or not detections:
        return linked
    distance = _distances(tracks, detections, pts, second)
    taken: set[int] = set()
    rows, columns = np.nonzero(np.isfinite(distance))
    for pair in np.argsort(distance[rows, columns], kind="stable"):
        track, detection = int(rows[pair]), int(columns[pair])
        if track not in taken and linked[detection] is None:
            linked[detection] = tracks[track]
            taken.add(track)
    return linked


def _distances(
    tracks: Sequence[Track], detections: Sequence[Detection], pts: int, second: float
) -> NDArray[np.float64]:
    """Return how far each detection is from where each track would be; infinite if too far."""
    expected = np.array([_spot(t.extrapolated(t.last, pts)) for t in tracks])[:, None]
    found = np.array([_spot(d.box) for d in detections])[None]
    size = np.maximum(expected[..., 2], found[..., 2])
    apart = np.hypot(expected[..., 0] - found[..., 0], expected[..., 1] - found[..., 1]) / size
    unseen = np.array([(pts - t.last.pts) / second for t in tracks])[:, None]
    gate = np.minimum(_GATE + _GATE_PER_SECOND * unseen, _GATE_MOST)
    alike = size <= _SIZE_RATIO * np.minimum(expected[..., 2], found[..., 2])
    return np.where((apart <= gate) & alike, apart, np.inf)


def _spot(box: Box) -> tuple[float, float, float]:
    x, y = box.centre
    return x, y, float(max(box.width, box.height))
