"""Time lines: the pts of a source on one line that strictly increases."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from blurcam.media.clock import Clock


def rescale(pts: int, time_base: Fraction, target: Fraction) -> int:
    """Return ``pts`` counted in ``target`` instead of ``time_base``, rounded half up."""
    exact = pts * time_base / target
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


class Timeline:
    """Maps the pts of a source onto one line that strictly increases, whatever the source does.

    A source's clock may repeat, step back or jump by hours. Steps forward up to ``jump`` are
    kept exactly; anything else is a new session that goes on one ``step`` after the last pts.
    """

    def __init__(self, *, step: int, jump: int) -> None:
        """Take ``step`` and ``jump`` in the source's time base."""
        if step < 1 or jump < step:
            raise ValueError(f"step {step} and jump {jump} must satisfy 1 <= step <= jump")
        self._step = step
        self._jump = jump
        self._offset = 0
        self._last: int | None = None
        self.jumps = 0

    def place(self, pts: int | None) -> int:
        """Return where a frame with this pts (``None``: the source gave none) goes."""
        if self._last is None:
            self._last = 0 if pts is None else pts
            return self._last
        placed = self._last + self._step if pts is None else pts + self._offset
        if not 0 < placed - self._last <= self._jump:
            placed = self._last + self._step
            self._offset = placed - (0 if pts is None else pts)
            self.jumps += 1
        self._last = placed
        return placed


class LiveTimeline:
    """Maps the pts of all sessions of one camera onto one line: it strictly increases, and is true.

    A session begins where the clock is. Within it the source's steps of up to ``jump`` seconds are
    kept exactly. A frame that steps back or jumps is placed by the clock; once three in a row
    agree with each other, the source's new line is taken for good.
    """

    time_base: Final = Fraction(1, 90000)

    def __init__(self, clock: Clock, *, jump: float = 2.0) -> None:
        """Begin at the clock's present moment."""
        self._clock = clock
        self._origin = clock.elapsed()
        self._jump = round(jump / self.time_base)
        self._last = -1
        self._previous: int | None = None
        self._offset: int | None = None
        self._strangers: list[int] = []
        self.jumps = 0

    def begin(self) -> None:
        """Begin a session: what was known of the source's clock holds no more."""
        self._offset = self._previous = None
        self._strangers.clear()

    def place(self, pts: int | None, time_base: Fraction) -> int:
        """Return where a frame with this pts (``None``: the source gave none) goes."""
        given = None if pts is None else rescale(pts, time_base, self.time_base)
        if given == self._previous:
            given = None  # a clock that stands still says nothing
        if given is None:
            return self._put(self._now())
        self._previous = given
        if self._offset is None:
            placed = self._put(self._now())
            self._offset = placed - given
            return placed
        if 0 < given + self._offset - self._last <= self._jump:
            self._strangers.clear()
            return self._put(given + self._offset)
        return self._put_stranger(given)

    def _put_stranger(self, given: int) -> int:
        if not self._strangers:
            self.jumps += 1
        elif not 0 < given - self._strangers[-1] <= self._jump:
            self._strangers.clear()
        self._strangers.append(given)
        placed = self._put(self._now())
        if len(self._strangers) == 3:
            self._offset = placed - given
            self._strangers.clear()
        return placed

    def _now(self) -> int:
        return round(Fraction(self._clock.elapsed() - self._origin) / self.time_base)

    def _put(self, pts: int) -> int:
        self._last = max(pts, self._last + 1)
        return self._last
