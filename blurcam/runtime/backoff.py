"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

_GOOD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class BackOffTimes:
    """Seconds to wait at first and at most; the wait doubles in between."""

    first: float
    most: float


# An unreachable host must be found again within seconds of its return.
UNREACHABLE: Final = BackOffTimes(0.5, 2.0)
# Cameras lock out a client for half an hour after too many wrong passwords.
REFUSED: Final = BackOffTimes(60.0, 600.0)
# The process of a camera or an output that ended, or an output that failed.
CRASHED: Final = BackOffTimes(0.5, 30.0)


class BackOff:
    """Waits that double with each failure in a row, spread at random so that no herd forms."""

    def __init__(self, chance: random.Random | None = None) -> None:
        """Take the source of chance, for tests."""
        self._chance = chance or random.Random()
        self._failures = 0
        self._pace: BackOffTimes | None = None

    def after(self, pace: BackOffTimes, lasted: float = 0.0) -> float:
        """Return the seconds to wait after a failure of something that had ``lasted`` so long.

        After ten seconds that worked, the first wait is short again.
        """
        if lasted >= _GOOD_SECONDS or pace != self._pace:
            self._failures = 0
        self._pace = pace
        # Beyond 16 doublings nothing changes, and powers of two grow without end.
        wait: float = min(pace.most, pace.first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return wait * self._chance.uniform(0.75, 1.0) if pace != REFUSED else wait
