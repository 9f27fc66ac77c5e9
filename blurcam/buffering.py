"""Bounded buffers between stages; the only module that starts a thread.

A thread here never decides anything: it pulls one iterator, or feeds another. What it raises is
carried to the other side and raised there. Whoever stops first wakes and joins the other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """Raised in a consumer's thread when its producer will send no more, and did not finish."""


class _Channel(Generic[T]):
    """A bounded queue with an end, an error and a reader who may leave."""

    def __init__(self, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"a buffer of {depth} items")
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error: BaseException | None = None
        self._reader_left = False

    def put(self, item: T) -> bool:
        """Wait for room and add; false once nobody will read it."""
        with self._changed:
            while len(self._items) >= self._depth and not self._reader_left:
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

    def leave(self) -> None:
        """Say that nothing more will be read."""
        with self._changed:
            self._reader_left = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                while not self._items and not self._ended:
                    self._changed.wait()
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


def prefetch(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Yield ``items``, pulled by a thread of their own that stays at most ``depth`` ahead.

    Nothing is lost: the thread waits for room. Its exception is raised here, after the items
    that came before it. Closing this generator stops the thread between two items, closes
    ``items`` in it, and waits for that.
    """
    channel: _Channel[T] = _Channel(depth)

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not channel.put(item):
                    break
        except BaseException as exc:  # noqa: BLE001 - carried to the consumer and raised there
            error = exc
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
            channel.end(error)

    thread = threading.Thread(target=work, name="blurcam-reader", daemon=True)
    thread.start()
    try:
        yield from channel
    finally:
        channel.leave()
        thread.join()


@contextmanager
def outbox(consume: Callable[[Iterator[T]], None], depth: int) -> Iterator[Callable[[T], None]]:
    """Give a ``put`` whose items ``consume`` receives, as one iterator, in a thread of its own.

    A clean end of the ``with`` block ends that iterator and waits until ``consume`` returns. An
    exception in the block makes the iterator raise :class:`Abandoned` at once, so that
    ``consume`` cannot take the failure for an end. An exception in ``consume`` is raised from
    the next ``put``, or at the end of the block.
    """
    channel: _Channel[T] = _Channel(depth)
    failure: list[BaseException] = []

    def work() -> None:
        try:
            consume(iter(channel))
        except BaseException as exc:  # noqa: BLE001 - carried to the producer and raised there
            failure.append(exc)
        finally:
            channel.leave()

    thread = threading.Thread(target=work, name="blurcam-writer", daemon=True)

    def put(item: T) -> None:
        if not channel.put(item):
            thread.join()
            raise failure[0] if failure else RuntimeError("the writer stopped before the end")

    thread.start()
    try:
        yield put
    except BaseException:
        channel.end(Abandoned(), at_once=True)
        raise
    else:
        channel.end()
    finally:
        thread.join()
    if failure:
        raise failure[0]
