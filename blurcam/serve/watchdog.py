"""Tells systemd that the service is alive while its cameras make progress, and how they are."""

from __future__ import annotations

from collections.abc import Sequence

from blurcam.media.clock import Clock
from blurcam.runtime.status import CameraStatus
from blurcam.serve.health import is_moving, verdict
from blurcam.serve.steady_times import SteadyTimes
from blurcam.serve.systemd import Notifier


class Watchdog:
    """Feeds systemd's watchdog as long as every camera makes progress or waits for a reason."""

    def __init__(self, notifier: Notifier, clock: Clock) -> None:
        """Report through ``notifier``."""
        self._notifier = notifier
        self._clock = clock
        self._times = SteadyTimes(clock)
        self._fed = float("-inf")
        self._told = ""

    def tick(self, statuses: Sequence[CameraStatus]) -> None:
        """Report if that is due; call this several times a second."""
        steady, now = self._times.of(statuses), self._clock.wall()
        title = verdict(steady, now).title
        if title != self._told:
            self._told = title
            self._notifier.status(title)
        interval, elapsed = self._notifier.interval, self._clock.elapsed()
        if interval is None or elapsed - self._fed < interval or not is_moving(steady, now):
            return
        self._fed = elapsed
        self._notifier.watchdog()
