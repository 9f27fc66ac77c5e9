"""The least age of recordings, although the wall clock may be wrong or be set meanwhile."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from blurcam.media.clock import Clock

logger = logging.getLogger(__name__)

# A synchronised clock runs up to 500 ppm faster or slower; more than this many seconds is a step.
_STEP_SECONDS: Final = 5.0
_SLEW: Final = 0.001
# A machine without a battery for its clock boots in 1970, or at its last shutdown. Time servers
# answer within seconds once there is a network.
_SETTLING_SECONDS: Final = 180.0
# 2020-01-01: an earlier time is from a clock that was never set.
_NEVER_SET: Final = 1_577_836_800.0


@dataclass(frozen=True, slots=True)
class _Setting:
    """The lead of the wall clock over the monotonic clock, up to the wall time ``end``."""

    ahead: float
    end: float


class RecordingAges:
    """Computes ages by the monotonic clock wherever the wall clock cannot be trusted."""

    def __init__(self, clock: Clock) -> None:
        """Begin to watch the wall clock."""
        self._clock = clock
        self._begun = self._unsettled = self._compared = clock.elapsed()
        self._ahead = clock.wall() - clock.elapsed()
        self._earlier: list[_Setting] = []

    def compare(self) -> None:
        """Compare the wall clock with the monotonic one; call this every few seconds."""
        now, wall = self._clock.elapsed(), self._clock.wall()
        moved = wall - now - self._ahead
        if abs(moved) > _STEP_SECONDS + _SLEW * (now - self._compared):
            self._earlier.append(_Setting(self._ahead, end=wall - moved))
            self._unsettled = now
            logger.warning(
                "the wall clock was set %s by %.0f s: for %.0f s no recording is deleted for its "
                "age, and earlier recordings keep the age that they had",
                "forward" if moved > 0 else "back",
                abs(moved),
                _SETTLING_SECONDS,
            )
        self._ahead, self._compared = wall - now, now

    @property
    def is_settled(self) -> bool:
        """Whether the wall clock has run evenly for some minutes."""
        self.compare()
        return self._clock.elapsed() - self._unsettled >= _SETTLING_SECONDS

    def least(self, moment: float) -> float:
        """Return the least age, in seconds, of an event at this time of the wall clock.

        Of all settings of the clock that may have shown this time, the one with the least age
        counts.
        """
        now, wall = self._clock.elapsed(), self._clock.wall()
        ages = [now + each.ahead - moment for each in self._earlier if moment <= each.end]
        if moment <= wall:
            ages.append(wall - moment)
        if moment < _NEVER_SET:  # from an earlier process: its age is not known
            ages.append(now - self._begun)
        return max(0.0, min(ages, default=0.0))
