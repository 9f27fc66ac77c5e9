"""Whether a stream comes at the pace of its own clock: a camera's does, a file's does not."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Final, Protocol

from blurcam.media.clock import Clock, SystemClock
from blurcam.media.frames import Frame

# What is judged: the last seconds in which the producer was not held up, at least so many of them.
# The jitter of a camera's frames is below 0.1 s; shorter windows would take a burst for a pace.
_WINDOW_SECONDS: Final = 2.0
_LEAST_SECONDS: Final = 0.7
# Media time over the time that it took to come.
_SLOWEST, _FASTEST = 0.8, 1.25
# A producer that is waited for less is no slower than the decoder: what comes is what can be read.
_LEAST_WAITED: Final = 0.1
# Frames that may wait of a stream that is no camera's.
_FEW: Final = 4


class TimedSource(Protocol):
    """What frames are decoded from; ``waited`` grows by the seconds that bytes were waited for."""

    waited: float


class StreamPace:
    """The pace of a stream, measured where its frames are decoded.

    Time in which the producer is held up, since nobody took the last frame yet, does not count.
    """

    def __init__(self, source: TimedSource, clock: Clock | None = None) -> None:
        """Judge what comes from ``source``."""
        self._source = source
        self._clock = clock or SystemClock()
        self._held = 0.0
        self._was_held_up = False
        self._arrivals: deque[tuple[float, float, float]] = deque()

    def measured(self, frames: Iterator[Frame]) -> Generator[Frame, None, None]:
        """Yield the frames, and note when each came."""
        try:
            for frame in frames:
                came = self._clock.elapsed()
                self._note(came - self._held, float(frame.time))
                yield frame
                self._held += self._clock.elapsed() - came
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()

    def _note(self, came: float, media: float) -> None:
        self._arrivals.append((came, media, self._source.waited))
        while came - self._arrivals[0][0] > _WINDOW_SECONDS:
            self._arrivals.popleft()

    def hold_at(self, most: int) -> int | None:
        """Return how many frames may wait before the producer is held up; ``None``: never.

        Until the pace is known, ``most`` of them wait: a camera that is held up would afterwards
        send what it kept, faster than it plays.
        """
        if self.is_live:
            return None
        self._was_held_up = self._was_held_up or self._held > _LEAST_SECONDS
        return _FEW if self._was_held_up else most

    @property
    def is_live(self) -> bool:
        """Whether the last frames came at the pace of their own clock, and were waited for."""
        if not self._arrivals:
            return False
        (began, first, waited), (ended, last, waited_since) = self._arrivals[0], self._arrivals[-1]
        took = ended - began
        if took < _LEAST_SECONDS:
            return False
        is_waited_for = waited_since - waited >= _LEAST_WAITED * took
        return is_waited_for and _SLOWEST <= (last - first) / took <= _FASTEST
