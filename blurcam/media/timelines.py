"""Time lines: the pts of a source on one line that strictly increases."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from blurcam.media.clock import Clock

# So many frames in a row behind the last one are a clock that was set.
_MOST_SLIPS: Final = 5
# A key frame that lies so many steps behind the last frame begins another recording.
_SEAM_STEPS: Final = 3


def rescale(pts: int, time_base: Fraction, target: Fraction) -> int:
    """Return ``pts`` counted in ``target`` instead of ``time_base``, rounded half up."""
    exact = pts * time_base / target
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


@dataclass(frozen=True, slots=True)
class TimelineEpoch:
    """From which time stamp of the source on so many ticks are added to every one."""

    since: int
    offset: int


class Timeline:
    """Maps the pts of a recording onto one line that strictly increases, whatever its clock does.

    Steps forward are kept exactly. A frame that bears the time of an earlier one, or one that is
    far ahead of the next, is moved alone, between its neighbours: clocks of cameras slip by
    milliseconds, again and again. Where the clock has stepped back for good, a new epoch begins,
    and goes on one ``step`` after the last frame.
    """

    def __init__(self, *, step: int, far: int, offset: int = 0) -> None:
        """Take all in ticks of the source's time base.

        ``step`` is the usual one between frames. A clock that steps back by ``far`` has been set.
        ``offset`` is added to every time stamp.
        """
        if step < 1 or far < 1:
            raise ValueError(f"step {step} and far {far} must be 1 or more")
        self._step = step
        self._far = far
        self._last: int | None = None
        self._given: int | None = None
        self._slips = 0  # in a row
        self.epochs = [TimelineEpoch(0, offset)]
        self.moved = 0

    def place(
        self, pts: int | None, following: int | None = None, *, may_begin: bool = False
    ) -> int:
        """Return where a frame with this pts (``None``: the source gave none) goes.

        ``following`` is the pts of the next frame, where that is known. A frame that ``may_begin``
        a recording of its own, a key frame, is taken for one sooner where the clock steps back.
        """
        offset = self.epochs[-1].offset
        coming = None if following is None else following + offset
        if self._last is None:
            self._last = offset if pts is None else pts + offset
        elif pts is None:
            self._last += self._step
        else:
            far = min(self._far, _SEAM_STEPS * self._step) if may_begin else self._far
            self._last = self._after(self._last, pts, pts + offset, coming, far)
        self._given = pts if pts is not None else self._given
        return self._last

    def _after(self, last: int, pts: int, placed: int, coming: int | None, far: int) -> int:
        """Return where a frame goes after the ``last``; the next one is ``coming`` at a time."""
        is_next_fine = coming is not None and coming > last
        if placed > last and not (
            is_next_fine and coming is not None and coming <= placed
            and abs(placed - last - self._step) > abs(coming - last - self._step)
        ):  # fmt: skip
            self._slips = 0
            return placed
        self.moved += 1
        self._slips = 0 if is_next_fine else self._slips + 1
        if is_next_fine and coming is not None:
            return last + max(1, min(self._step, (coming - last) // 2))
        if pts == self._given:
            # A clock that stands still says nothing; the next frame may already be on time.
            return last + (self._step if self._slips > 1 else max(1, self._step // 2))
        if last - placed < far and self._slips <= _MOST_SLIPS:
            return last + max(1, (placed + self._step - last) // 2)
        self.moved -= 1
        self._slips = 0
        self.epochs.append(TimelineEpoch(pts, last + self._step - pts))
        return last + self._step


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
