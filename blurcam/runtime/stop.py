"""The end of a live run, asked for by a signal: no picture goes in; what is redacted goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class SearchCancelled(BaseException):
    """Raised into a search that takes longer than a stopping run has."""


class Stop:
    """Whether the end of a run was asked for.

    Frames on both sides of the search pass through it. After :meth:`ask` none goes in any more;
    what has been searched still comes out. :meth:`late` ends even a search that is under way.
    """

    def __init__(self) -> None:
        """Nothing was asked for yet."""
        self.asked = False
        self._is_late = False
        self._is_searching = False

    def ask(self) -> None:
        """Ask for the end; from a signal handler in the main thread, for one."""
        self.asked = True

    def late(self) -> None:
        """Wait for no search any longer; from a signal handler in the main thread only."""
        self.asked = self._is_late = True
        if self._is_searching:
            self._is_searching = False
            raise SearchCancelled

    def until_asked(self, frames: Iterable[T]) -> Iterator[T]:
        """Yield what is to be searched, until the end is asked for."""
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
