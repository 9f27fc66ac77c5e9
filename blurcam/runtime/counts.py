"""Counters of a run, and repeated trouble told once a second; no images, ever."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from blurcam.media.clock import Clock, SystemClock
from blurcam.media.regions import Coverage, Reason

_TELL_AGAIN_SECONDS: Final = 3600.0


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: "1 recording", "2 recordings"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@dataclass(slots=True)
class FrameCounts:
    """What has happened to the frames of a run so far.

    Every decoded frame ends in exactly one of ``redacted``, ``covered_whole`` (by reason),
    ``dropped`` (before detection, on purpose) or ``frozen``. ``lost`` frames were never decoded.
    ``ignored`` are detections that were left uncovered since they lie in a polygon to ignore.
    ``notices`` are one-line facts that the summary repeats. ``starts_at`` is the time stamp of the
    input's first frame, in seconds.
    """

    frames_in: int = 0
    redacted: int = 0
    covered_whole: Counter[Reason] = field(default_factory=Counter)
    dropped: int = 0
    frozen: int = 0
    lost: int = 0
    tracks: int = 0
    ignored: int = 0
    notices: list[str] = field(default_factory=list)
    fault: Exception | None = None
    starts_at: Fraction = Fraction(0)

    def covered(self, coverage: Coverage) -> None:
        """Count a frame that was redacted with this coverage."""
        if coverage.reason is None:
            self.redacted += 1
        else:
            self.covered_whole[coverage.reason] += 1

    def notice(self, text: str) -> None:
        """Keep a fact for the summary, once."""
        if text not in self.notices:
            self.notices.append(text)

    @property
    def complete(self) -> bool:
        """True if no fault lost a frame or had one fully covered."""
        faults = sum(n for reason, n in self.covered_whole.items() if reason.is_fault)
        return not faults and not self.lost and self.fault is None


class RepeatedTrouble:
    """Logs a repeated complaint at most once a second: how often, and what the last one was."""

    def __init__(self, logger: logging.Logger, what: str, clock: Clock | None = None) -> None:
        """Complain to ``logger`` about ``what``, a plural ("decode errors")."""
        self._logger = logger
        self._what = what
        self._clock = clock or SystemClock()
        self._count = 0
        self._last = ""
        self._told = float("-inf")

    def add(self, text: str) -> None:
        """Note one more, and say so unless something was said within the last second."""
        self._count += 1
        self._last = text
        if self._clock.elapsed() - self._told >= 1.0:
            self.flush()

    def flush(self) -> None:
        """Say what has not been said yet."""
        if self._count:
            self._logger.warning("%d %s, last was: %s", self._count, self._what, self._last)
            self._count = 0
            self._told = self._clock.elapsed()


class RepeatedFailure:
    """Logs a failure that recurs: once, again where its kind changes, and else once an hour."""

    def __init__(self, logger: logging.Logger, clock: Clock) -> None:
        """Log to ``logger``."""
        self._logger = logger
        self._clock = clock
        self._kind = ""
        self._times = 0
        self._told = float("-inf")

    def add(self, text: str) -> None:
        """Note that it failed once more; two texts that differ in numbers alone are of one kind."""
        kind = re.sub(r"\d+", "", text)
        now = self._clock.elapsed()
        self._times = self._times + 1 if kind == self._kind else 1
        if kind != self._kind or now - self._told >= _TELL_AGAIN_SECONDS:
            times = f" ({self._times} times so far)" if self._times > 1 else ""
            self._logger.warning("%s%s", text, times)
            self._kind, self._told = kind, now

    def over(self) -> None:
        """Forget it: the next failure is a new one."""
        self._kind = ""
