"""One calm outline for each track: it holds all that must be covered, and moves smoothly.

What a track asks for changes from frame to frame: a detector places a turned head now here, now
there. The centre of an outline lies on a line through its neighbours in time. Its axes are as long
as what is asked for needs, and change in small steps: they begin to grow before they have to, and
shrink only once they are clearly too long. So an outline only adds.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Region

# The centre is on a line through what is asked for so many seconds before and after.
_CENTRE_SECONDS: Final = 0.16
# The axes begin to grow so many seconds ahead.
_GROW_SECONDS: Final = 0.3
# Of what there is of look-ahead, the centre and the axes take these shares at most.
_CENTRE_SHARE: Final = 0.4
_GROW_SHARE: Final = 0.6
# Towards what is asked for later an axis grows at this rate, in e-folds a second.
_RATE: Final = 0.7
# A line needs so many places.
_FEWEST: Final = 4
# The centre stays within this share of an axis of what is asked for: after a wrong link the outline
# would have to reach as far on the other side.
_MOST_OFFSET: Final = 0.2
# For what is asked for later an axis grows by this factor at most.
_MOST_GROWTH: Final = 1.5
# An outline is never more than so many times as large as what it is needed for.
_MOST_LARGER: Final = 2.0
# Places that are further apart than so many half axes are not on one path.
_JUMP: Final = 1.5
# A side keeps its length in pixels until it is too long by this share and so many pixels.
_KEPT: Final = 0.03
_KEPT_PIXELS: Final = 2
# A step of a side, where it may be shorter, or longer than it has to be.
_STEP: Final = 0.032
# Parts are one shape unless that is more than so many times as large as they are together.
_ONE_SHAPE: Final = 2.0
# A sum of half axes is exact to less than this share.
_EXACT: Final = 1e-9

_STRONGEST: Final = (Basis.DETECTED, Basis.FOLLOWED, Basis.BRIDGED, Basis.HELD, Basis.LED)


@dataclass(frozen=True, slots=True)
class Oval:
    """An ellipse as it is painted: its centre and its half axes."""

    x: float
    y: float
    a: float
    b: float

    @classmethod
    def of(cls, box: Box) -> Oval:
        """Return what is painted for a region that fills this box."""
        x, y = box.centre
        return cls(x, y, box.width / 2 + 0.5, box.height / 2 + 0.5)

    def reach(self, other: Oval) -> float:
        """Return how many times as large this one, about its centre, holds the other.

        In units of its own half axes the other lies within a circle of its longer one.
        """
        x, y = (other.x - self.x) / self.a, (other.y - self.y) / self.b
        return math.hypot(x, y) + max(other.a / self.a, other.b / self.b)


def around(x: float, y: float, parts: Sequence[Oval]) -> Oval:
    """Return an ellipse about a point that holds all parts."""
    least = Oval(x, y, max(part.a for part in parts), max(part.b for part in parts))
    factor = max(least.reach(part) for part in parts)
    return Oval(x, y, factor * least.a, factor * least.b)


class _Place:
    """What is asked for at a time, also as one ellipse, and the outline that it needs.

    It ``goes_on`` where it is on one path with the place before it.
    """

    __slots__ = ("goes_on", "need", "parts", "pts", "whole")

    def __init__(self, pts: int, parts: tuple[Oval, ...]) -> None:
        self.pts = pts
        self.parts = parts
        self.whole = parts[0]
        if len(parts) > 1:
            x = min(part.x - part.a for part in parts) + max(part.x + part.a for part in parts)
            y = min(part.y - part.b for part in parts) + max(part.y + part.b for part in parts)
            self.whole = around(x / 2, y / 2, parts)
        self.need: Oval | None = None
        self.goes_on = False

    def follows(self, before: _Place) -> bool:
        """Whether this place is on one path with the one before it."""
        here, there = self.whole, before.whole
        return abs(here.x - there.x) <= _JUMP * min(here.a, there.a) and abs(
            here.y - there.y
        ) <= _JUMP * min(here.b, there.b)


class Outline:
    """The outline of one track, frame by frame."""

    def __init__(self, second: float, look_ahead: float) -> None:
        """Begin with nothing to cover.

        Times are in units of pts, of which a second has so many. ``look_ahead`` says how much is
        known of what comes later.
        """
        self._back = _CENTRE_SECONDS * second
        self._ahead = min(self._back, _CENTRE_SHARE * look_ahead)
        self._growing = min(_GROW_SECONDS * second, _GROW_SHARE * look_ahead)
        self._rate = _RATE / second
        self._places: list[_Place] = []
        self._until = -math.inf
        self._left: int | None = None
        self._sides = (0, 0)

    def unseen(self, frames: Iterable[Frame], pts: int) -> Iterator[int]:
        """Yield the times of frames after ``pts`` of which it has to see what is asked for."""
        until = pts + self._ahead + self._growing
        if self._until >= until:
            return
        for frame in frames:
            if frame.pts > until:
                return
            if frame.pts > self._until:
                self._until = frame.pts
                yield frame.pts

    def see(self, pts: int, regions: Sequence[Region]) -> None:
        """Take note of what is asked for at a time, in place of what was known of it."""
        parts = tuple(Oval.of(each.box) for each in regions)
        at = self._at(pts)
        if at < len(self._places) and self._places[at].pts == pts:
            if self._places[at].parts == parts:
                return
            del self._places[at]
        if parts:
            self._places.insert(at, _Place(pts, parts))
        for number in range(max(1, at), min(at + 2, len(self._places))):
            self._places[number].goes_on = self._places[number].follows(self._places[number - 1])

    def _at(self, pts: int) -> int:
        return bisect_left(self._places, pts, key=lambda place: place.pts)

    def of(self, pts: int, regions: Sequence[Region]) -> list[Region]:
        """Return the outline of what is asked for at a time, later than the one before.

        Parts that lie far from the others stay as they are.
        """
        if not regions:
            self.see(pts, ())
            return []
        own, others = _joined(regions)
        self.see(pts, own)
        at = self._at(pts)
        if self._left is None or pts - self._left > self._back:
            self._sides = (0, 0)
        self._left = pts
        strongest = min(own, key=lambda each: _STRONGEST.index(each.basis))
        return [replace(strongest, box=self._box(at)), *others]

    def forget_before(self, pts: int) -> None:
        """Drop what no outline from ``pts`` on needs."""
        if self._places and self._places[0].pts < pts - self._back:
            del self._places[: self._at(math.ceil(pts - self._back))]

    def _needed(self, at: int) -> Oval:
        """Return the least outline of a place, about a centre on a line through its neighbours."""
        place = self._places[at]
        if place.need is None:
            own = place.whole
            x, y = self._off(at)
            most_x, most_y = _MOST_OFFSET * own.a, _MOST_OFFSET * own.b
            x, y = min(most_x, max(-most_x, x)), min(most_y, max(-most_y, y))
            place.need = around(own.x + x, own.y + y, place.parts)
        return place.need

    def _off(self, at: int) -> tuple[float, float]:
        """Return how far the line through a place's neighbours is from its own centre.

        The line fits them best by least squares, and the nearest count most.
        """
        here, own = self._places[at], self._places[at].whole
        count, total = 1, 1.0
        sum_t = sum_tt = sum_x = sum_y = sum_tx = sum_ty = 0.0
        for place in self._path(at):
            time = (place.pts - here.pts) / self._back
            weight = 1 - 0.8 * abs(time)
            x, y = weight * (place.whole.x - own.x), weight * (place.whole.y - own.y)
            count, total = count + 1, total + weight
            sum_t, sum_tt = sum_t + weight * time, sum_tt + weight * time * time
            sum_x, sum_y = sum_x + x, sum_y + y
            sum_tx, sum_ty = sum_tx + time * x, sum_ty + time * y
        spread = total * sum_tt - sum_t * sum_t
        if count < _FEWEST or spread <= 0:
            return 0.0, 0.0
        return (sum_tt * sum_x - sum_t * sum_tx) / spread, (
            sum_tt * sum_y - sum_t * sum_ty
        ) / spread

    def _path(self, at: int) -> Iterator[_Place]:
        """Yield the neighbours of a place that are on one path with it."""
        places, pts = self._places, self._places[at].pts
        for number in range(at, 0, -1):
            if not places[number].goes_on or pts - places[number - 1].pts > self._back:
                break
            yield places[number - 1]
        for number in range(at + 1, len(places)):
            if not places[number].goes_on or places[number].pts - pts > self._ahead:
                break
            yield places[number]

    def _box(self, at: int) -> Box:
        """Return the box of an outline in whole pixels, whose sides keep their length."""
        here, need = self._places[at], self._needed(at)
        wide, high = [2 * need.a - 1], [2 * need.b - 1]
        shares = [1.0]
        for number in range(at + 1, len(self._places)):
            passed = self._places[number].pts - here.pts
            if passed > self._growing:
                break
            later = self._needed(number)
            wide.append(2 * later.a - 1)
            high.append(2 * later.b - 1)
            shares.append(math.exp(-self._rate * passed))
        across, down = (
            _side(side, needed, shares)
            for side, needed in zip(self._sides, (wide, high), strict=True)
        )
        while True:
            left, top = round(need.x - across / 2), round(need.y - down / 2)
            box = Box(left, top, left + across, top + down)
            if all(Oval.of(box).reach(part) <= 1 + _EXACT for part in here.parts):
                self._sides = (across, down)
                return box
            across, down = across + 1, down + 1


def _joined(regions: Sequence[Region]) -> tuple[Sequence[Region], Sequence[Region]]:
    """Return the regions that are one shape, and those with which it would be too large."""
    if len(regions) > 1:
        parts = tuple(Oval.of(each.box) for each in regions)
        whole = _Place(0, parts).whole
        if whole.a * whole.b > _ONE_SHAPE * sum(part.a * part.b for part in parts):
            return regions[:1], regions[1:]
    return regions, ()


def _side(before: int, needed: Sequence[float], shares: Sequence[float]) -> int:
    """Return a side's length in pixels: as before, if that is enough and hardly too much.

    ``needed`` is what is needed now, and later; of that the ``shares`` are needed now.
    """
    first = max(1.0, needed[0])
    most = min(max(needed), _MOST_GROWTH * first)
    if not before:
        return math.ceil(most)
    least = min(most, max(map(float.__mul__, needed, shares)))
    least, most = math.ceil(max(first, least) - 1e-6), math.ceil(most - 1e-6)
    if before < least:
        return max(least, min(most, round(before * (1 + _STEP))))
    limit = math.floor((1 + _KEPT) * most) + _KEPT_PIXELS
    return min(before, max(limit, math.ceil(min(before * (1 - _STEP), _MOST_LARGER * first))))
