"""Where time comes from: the machine's clock, or a test's."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time of day, elapsed time and waiting come from."""

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""

    def elapsed(self) -> float:
        """Return seconds since some fixed moment; never steps back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return time.time()

    def elapsed(self) -> float:
        """Return seconds since some fixed moment; never steps back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
