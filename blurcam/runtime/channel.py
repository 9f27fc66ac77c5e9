"""A bounded queue between two threads; it starts none."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """A bounded queue with an end, an error, and a reader that may leave."""

    def __init__(self, depth: int) -> None:
        """Hold at most ``depth`` items."""
        if depth < 1:
            raise ValueError(f"a buffer of {depth} items")
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error: BaseException | None = None
        self._reader_left = False

    def put(self, item: T, most: int | None = None) -> bool:
        """Wait until fewer than ``most`` wait, and add; false once nobody will read it."""
        depth = self._depth if most is None else most
        with self._changed:
            while len(self._items) >= depth and not self._reader_left:
                self._changed.wait()
            if not self._reader_left:
                self._items.append(item)
                self._changed.notify_all()
            return not self._reader_left

    def end(self, error: BaseException | None = None, *, at_once: bool = False) -> None:
        """Say that nothing follows, or what went wrong; ``at_once`` throws away what waits."""
        with self._changed:
            self._ended = True
            self._error = error
            if at_once:
                self._items.clear()
            self._changed.notify_all()

    def put_newest(self, item: T, is_stale: Callable[[T, T], bool]) -> tuple[bool, int]:
        """Add without waiting; return whether it will be read, and how many were dropped for it.

        The oldest go while ``is_stale(oldest, item)``, or while there is no room.
        """
        with self._changed:
            if self._reader_left:
                return False, 0
            dropped = 0
            while self._items and (
                len(self._items) >= self._depth or is_stale(self._items[0], item)
            ):
                self._items.popleft()
                dropped += 1
            self._items.append(item)
            self._changed.notify_all()
            return True, dropped

    def leave(self) -> int:
        """Say that nothing more will be read; return how many items that loses."""
        with self._changed:
            self._reader_left = True
            lost = len(self._items)
            self._items.clear()
            self._changed.notify_all()
            return lost

    def __iter__(self) -> Iterator[T]:
        """Yield what is put, waiting for it, until the end; raise the error it ended with."""
        while True:
            with self._changed:
                while not self._items and not self._ended:
                    self._changed.wait()
                if not self._items:
                    return self._finish()
                item = self._take()
            yield item

    def turns(self, until: Callable[[], bool], every: float) -> Iterator[T | None]:
        """Yield what is put, or ``None`` where nothing is for ``every`` seconds.

        It ends where that does, or once ``until`` says so, asked each time.
        """
        while not until():
            with self._changed:
                if not self._items and not self._ended:
                    self._changed.wait(every)
                if not self._items and self._ended:
                    return self._finish()
                item = self._take() if self._items else None
            yield item

    def _take(self) -> T:
        item = self._items.popleft()
        self._changed.notify_all()
        return item

    def _finish(self) -> None:
        """Raise what went wrong, if that is why nothing follows."""
        if self._error is not None:
            raise self._error
