"""Statuses whose times stay true when the wall clock is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from blurcam.media.clock import Clock
from blurcam.runtime.status import Board, CameraStatus

# A smaller change is no step of the wall clock: a synchronised clock varies by as much.
_NOTICEABLE: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """A time in a status: its age when it was first seen, and when that was."""

    value: float
    age: float
    at: float


class SteadyTimes:
    """Turns the times in statuses into times of the wall clock as it is set now.

    A camera's process tells by the wall clock when its detector last answered. If the clock is set
    before that is read, the detector seems to have been quiet for hours, or to answer in the
    future. Then the page would raise an alarm, and the watchdog would end the service.
    """

    def __init__(self, clock: Clock) -> None:
        """Measure by the monotonic clock how long ago a time was first seen."""
        self._clock = clock
        self._seen: dict[tuple[str, str], _Seen] = {}

    def of(self, statuses: Sequence[CameraStatus]) -> tuple[CameraStatus, ...]:
        """Return the statuses with true times; one thread calls this, every few seconds."""
        names = {status.name for status in statuses}
        self._seen = {key: seen for key, seen in self._seen.items() if key[0] in names}
        return tuple(self._steady(status) for status in statuses)

    def _steady(self, status: CameraStatus) -> CameraStatus:
        return replace(
            status,
            since=self._moment((status.name, "since"), status.since),
            last_detection=self._known((status.name, "last_detection"), status.last_detection),
            next_try=self._known((status.name, "next_try"), status.next_try),
        )

    def _known(self, key: tuple[str, str], value: float | None) -> float | None:
        return None if value is None else self._moment(key, value)

    def _moment(self, key: tuple[str, str], value: float) -> float:
        now, wall = self._clock.elapsed(), self._clock.wall()
        seen = self._seen.get(key)
        if seen is None or seen.value != value:
            seen = self._seen[key] = _Seen(value, wall - value, now)
        steady = wall - seen.age - (now - seen.at)
        return steady if abs(steady - value) > _NOTICEABLE else value


class SteadyBoard:
    """A board whose statuses have true times; for one thread."""

    def __init__(self, board: Board, clock: Clock) -> None:
        """Take everything from ``board``."""
        self._board = board
        self._times = SteadyTimes(clock)

    def statuses(self) -> tuple[CameraStatus, ...]:
        """Return what every camera is doing, in the order of the configuration."""
        return self._times.of(self._board.statuses())

    def still(self, name: str) -> bytes | None:
        """Return a JPEG made from the camera's newest RedactedFrame; ``None`` if there is none."""
        return self._board.still(name)

    def restart(self, name: str) -> None:
        """Have the camera's process replaced; KeyError if no camera has this name."""
        self._board.restart(name)
