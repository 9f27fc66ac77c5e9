"""What overload takes from a live camera's search, step by step, and gives back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.media.clock import Clock
from blurcam.runtime.status import Overload

logger = logging.getLogger(__name__)

# Each step down makes a look at the same area cost half.
_STEP: Final = 2**-0.5
# The search keeps up while the newest frame lags less than this share of what it may.
_KEEPS_UP: Final = 0.25
# So many seconds behind without once catching up is pressure, and one rung takes effect within.
_BEHIND_SECONDS: Final = 0.6
# What waits or is dropped in the first seconds of a session, while the first looks at each size are
# prepared, is no pressure.
_SETTLES_SECONDS: Final = 3.0
# A rung is left after so many seconds without pressure; each time that was too early it takes
# twice as long, up to the most.
_CALM_SECONDS: Final = 10.0
_MOST_CALM_SECONDS: Final = 320.0
# Frames count as being dropped for so long after the last one was.
_DROPPING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class OverloadLevel:
    """How much the search is eased.

    ``stretch`` is how far the time between looks goes from the plan's own (0) to the longest that
    the look-ahead allows (1); ``scale`` is the resolution of looks over the plan's.
    """

    stretch: float
    scale: float


def rungs(floor: float) -> tuple[OverloadLevel, ...]:
    """Return the ladder: first longer between looks, then coarser down to the scale ``floor``.

    Beyond its last rung whole frames are dropped, by :func:`blurcam.runtime.threads.live`.
    """
    made = [OverloadLevel(0, 1), OverloadLevel(0.5, 1), OverloadLevel(1, 1)]
    scale = _STEP
    while scale > floor * 1.01:
        made.append(OverloadLevel(1, scale))
        scale *= _STEP
    if floor < 1:
        made.append(OverloadLevel(1, floor))
    return tuple(made)


class OverloadControl:
    """Stands on a rung, as far up as the load asks for.

    Time is the clock's, not the camera's: what counts is whether this machine keeps up. All of it
    happens in one thread.
    """

    def __init__(self, clock: Clock, ladder: Sequence[OverloadLevel]) -> None:
        """Begin at ease, at the foot of the ladder."""
        self._clock = clock
        self._ladder = tuple(ladder)
        self._at = 0
        now = clock.elapsed()
        self._kept_up_at = self._strained_at = now
        self._settled_at = float("-inf")
        self._calm = _CALM_SECONDS
        self._eased_at = float("-inf")  # when a rung was last left
        self._dropped = 0
        self._dropped_at = float("-inf")
        self._told: Overload = "none"

    @property
    def rung(self) -> OverloadLevel:
        """How much the search is eased now."""
        return self._ladder[self._at]

    @property
    def overload(self) -> Overload:
        """What overload takes now: the rhythm, the resolution, or whole frames too."""
        if self._clock.elapsed() - self._dropped_at < _DROPPING_SECONDS:
            return "frames"
        if self.rung.scale < 1:
            return "resolution"
        return "rhythm" if self._at else "none"

    def interval(self, own: float, longest: float) -> float:
        """Return the seconds from look to look: the plan's ``own``, or up to the ``longest``."""
        return own + self.rung.stretch * max(0.0, longest - own)

    def restart(self) -> None:
        """Begin a session."""
        self._settled_at = self._clock.elapsed() + _SETTLES_SECONDS

    def note_load(self, fill: float, dropped: int) -> None:
        """Note how full the queue before the search is, and how many frames were ever dropped."""
        now = self._clock.elapsed()
        if now < self._settled_at:
            self._kept_up_at, self._dropped = now, dropped
        if fill < _KEEPS_UP:
            self._kept_up_at = now
        is_behind = now - self._kept_up_at >= _BEHIND_SECONDS
        if dropped > self._dropped:
            self._dropped, self._dropped_at, is_behind = dropped, now, True
        if is_behind:
            self._climb(now)
        elif self._at and now - self._strained_at >= self._calm:
            self._at -= 1
            self._strained_at = self._eased_at = now
        self._tell()

    def _climb(self, now: float) -> None:
        if self._at and now - self._strained_at < _BEHIND_SECONDS:
            return  # what was done last has to show first
        if now - self._eased_at < _CALM_SECONDS:
            self._calm = min(_MOST_CALM_SECONDS, 2 * self._calm)
        elif now - self._strained_at > 2 * self._calm:
            self._calm = _CALM_SECONDS
        self._strained_at = self._kept_up_at = now
        self._at = min(self._at + 1, len(self._ladder) - 1)

    def _tell(self) -> None:
        overload = self.overload
        if overload == self._told:
            return
        worse = ("resolution", "frames")
        if overload in worse:
            what = "whole frames are dropped" if overload == "frames" else "it looks less closely"
            share = f"at {self.rung.scale:.0%} of its resolution"
            logger.warning("overloaded: %s; the search goes on %s", what, share)
        elif self._told in worse:
            logger.warning("no longer overloaded")
        self._told = overload
