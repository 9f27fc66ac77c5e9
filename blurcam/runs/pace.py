"""The pace of a stream: a camera's frames come as fast as they play, a file's faster."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Final, Protocol

from blurcam.media.clock import Clock, SystemClock
from blurcam.media.frames import Frame

# The pace is measured over at least this many seconds in which the producer was not held up. The
# jitter of a camera's frames is below 0.1 s; a shorter window would take a burst for the pace.
_WINDOW_SECONDS: Final = 2.0
_LEAST_SECONDS: Final = 0.7
# The media time of a camera over the time in which it came lies between these.
_SLOWEST, _FASTEST = 0.8, 1.25
# If the decoder waits for less than this share of the time, it sets the pace, not the producer.
_LEAST_WAITED: Final = 0.1
# This many frames may wait if the stream is not a camera's.
_FEW: Final = 4


class TimedSource(Protocol):
    """A source of bytes; ``waited`` grows by the seconds for which a read waited for bytes."""

    waited: float


class StreamPace:
    """The pace of a stream, measured where its frames are decoded.

    The time in which the producer is held up, because the last frame was not taken yet, does not
    count.
    """

    def __init__(self, source: TimedSource, clock: Clock | None = None) -> None:
        """Measure the frames that are decoded from ``source``."""
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
        """Return how many frames may wait before the producer is held up; ``None``: any number.

        Until the pace is known, ``most`` frames may wait: a camera that was held up would send
        what it kept faster than it plays.
        """
        if self.is_live:
            return None
        self._was_held_up = self._was_held_up or self._held > _LEAST_SECONDS
        return _FEW if self._was_held_up else most

    @property
    def is_live(self) -> bool:
        """Whether the last frames came as fast as they play, and the decoder waited for them."""
        if not self._arrivals:
            return False
        (began, first, waited), (ended, last, waited_since) = self._arrivals[0], self._arrivals[-1]
        took = ended - began
        if took < _LEAST_SECONDS:
            return False
        is_waited_for = waited_since - waited >= _LEAST_WAITED * took
        return is_waited_for and _SLOWEST <= (last - first) / took <= _FASTEST
