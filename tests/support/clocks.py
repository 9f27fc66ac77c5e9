"""Time that a test moves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class HandClock:
    """A clock that a test moves; ``was_set`` is how far its time of day was set since."""

    now: float = 0.0
    was_set: float = 0.0

    def wall(self) -> float:
        return 1_790_000_000 + self.now + self.was_set

    def elapsed(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
