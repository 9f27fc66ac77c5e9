"""Overload control: it makes a live camera's search cheaper, level by level, and back again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.media.clock import Clock
from blurcam.runtime.status import Overload

logger = logging.getLogger(__name__)

# Each step halves the cost of searching the same area.
_STEP: Final = 2**-0.5
# The search keeps up while the newest frame lags by less than this share of the allowed delay.
_KEEPS_UP: Final = 0.25
# The search is overloaded after this many seconds behind without once catching up. A new level
# takes effect within the same time.
_BEHIND_SECONDS: Final = 0.6
# Frames that wait or are dropped in the first seconds of a session are no overload: the network is
# prepared for each new size of its input.
_SETTLES_SECONDS: Final = 3.0
# The level sinks after this many seconds without overload. Each time that was too early, the next
# time takes twice as long, up to the most.
_CALM_SECONDS: Final = 10.0
_MOST_CALM_SECONDS: Final = 320.0
# Frames count as being dropped for so long after the last one was.
_DROPPING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class OverloadLevel:
    """How much cheaper the search is made.

    ``stretch`` sets the time between searches: from the plan's own (0) to the longest that the
    look-ahead allows (1). ``scale`` is the resolution of the search over the plan's.
    """

    stretch: float
    scale: float


def overload_levels(floor: float) -> tuple[OverloadLevel, ...]:
    """Return the levels: first longer between searches, then coarser, down to ``floor``.

    Beyond the last level whole frames are dropped, by :func:`blurcam.runtime.threads.live`.
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
    """Chooses the overload level by the load.

    It measures by the clock, not by the camera's time stamps: what counts is whether this machine
    keeps up. One thread uses it.
    """

    def __init__(self, clock: Clock, levels: Sequence[OverloadLevel]) -> None:
        """Begin at the lowest level: full resolution."""
        self._clock = clock
        self._levels = tuple(levels)
        self._at = 0
        now = clock.elapsed()
        self._kept_up_at = self._strained_at = now
        self._settled_at = float("-inf")
        self._calm = _CALM_SECONDS
        self._lowered_at = float("-inf")  # when the level last sank
        self._dropped = 0
        self._dropped_at = float("-inf")
        self._told: Overload = "none"

    @property
    def level(self) -> OverloadLevel:
        """How much cheaper the search is made now."""
        return self._levels[self._at]

    @property
    def overload(self) -> Overload:
        """What overload costs now: the rhythm, the resolution, or whole frames too."""
        if self._clock.elapsed() - self._dropped_at < _DROPPING_SECONDS:
            return "frames"
        if self.level.scale < 1:
            return "resolution"
        return "rhythm" if self._at else "none"

    def interval(self, own: float, longest: float) -> float:
        """Return the seconds between searches: the plan's ``own``, or up to the ``longest``."""
        return own + self.level.stretch * max(0.0, longest - own)

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
            self._strained_at = self._lowered_at = now
        self._tell()

    def _climb(self, now: float) -> None:
        if self._at and now - self._strained_at < _BEHIND_SECONDS:
            return  # the last step has not taken effect yet
        if now - self._lowered_at < _CALM_SECONDS:
            self._calm = min(_MOST_CALM_SECONDS, 2 * self._calm)
        elif now - self._strained_at > 2 * self._calm:
            self._calm = _CALM_SECONDS
        self._strained_at = self._kept_up_at = now
        self._at = min(self._at + 1, len(self._levels) - 1)

    def _tell(self) -> None:
        overload = self.overload
        if overload == self._told:
            return
        worse = ("resolution", "frames")
        if overload in worse:
            what = "whole frames are dropped; " if overload == "frames" else ""
            logger.warning(
                "overloaded: %sfaces are searched for at %.0f %% of the resolution",
                what, 100 * self.level.scale,
            )  # fmt: skip
        elif self._told in worse:
            logger.warning("no longer overloaded")
        self._told = overload
