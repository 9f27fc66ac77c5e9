"""Signals, and the end of a live run: no further frame goes in; what is redacted goes out."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeVar

T = TypeVar("T")

ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def ignore(*numbers: signal.Signals) -> None:
    """Have this process hear none of these signals any more."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def handling(handler: Callable[[int], object], *numbers: signal.Signals) -> Iterator[None]:
    """Have the main thread call ``handler`` with each of these signals while the block lasts."""

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        handler(number)

    before = [(number, signal.signal(number, handle)) for number in numbers]
    try:
        yield
    finally:
        for number, earlier in before:
            signal.signal(number, earlier)


class SearchCancelled(BaseException):
    """Raised into a search that takes longer than a stopping run has."""


class Stop:
    """Whether the end of a run was asked for, and by which signals.

    Frames on both sides of the search pass through it. After :meth:`ask` no more go in; those that
    have been searched still come out. :meth:`late` ends even a search that is under way.
    """

    def __init__(self) -> None:
        """Nothing was asked for yet."""
        self.asked = False
        self.signals: list[int] = []
        self._is_late = False
        self._is_searching = False

    def ask(self, number: int = 0) -> None:
        """Ask for the end; also as the handler of a signal."""
        self.asked = True
        if number:
            self.signals.append(number)

    def late(self) -> None:
        """Wait for no search any longer; from a signal handler in the main thread only."""
        self.asked = self._is_late = True
        if self._is_searching:
            self._is_searching = False
            raise SearchCancelled

    def until_asked(self, frames: Iterable[T]) -> Iterator[T]:
        """Yield frames to search, until the end is asked for."""
        for frame in frames:
            if self.asked:
                return
            yield frame

    def until_late(self, searched: Iterable[T]) -> Iterator[T]:
        """Yield what has been searched, until there is no time for more."""
        frames = iter(searched)
        while not self._is_late:
            try:
                self._is_searching = True
                frame = next(frames)
                self._is_searching = False
            except (StopIteration, SearchCancelled):
                return
            finally:
                self._is_searching = False
            yield frame
