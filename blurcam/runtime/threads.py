"""Bounded buffers between stages; the only module that starts a thread.

A thread here never decides anything: it pulls one iterator, or feeds another. What it raises is
carried to the other side and raised there. Whoever stops first wakes and joins the other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
U = TypeVar("U")

LIVE_SECONDS: Final = 0.5
"""How far a live picture may lag behind before it is dropped."""
# However short the steps of a stream's clock, no more items than this wait: at 1080p, 200 MB.
_MOST_LIVE: Final = 64

# How long the consumer of a live source waits at most for its turn: half of it, on average, is what
# an answer of the detector waits to be noticed.
_TURN_SECONDS: Final = 0.005
# How long a live source may take to notice that nobody reads any more.
_PARTING_SECONDS: Final = 0.5
# A thread that has not begun by then was never started.
_STARTS_WITHIN: Final = 1.0


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


def _untold(count: int) -> None:
    """Do not tell how many items nobody read."""


def _nothing() -> None:
    """Interrupt a source that never waits long."""


def _never(most: int) -> None:
    """Hold a live source up for nothing."""


def prefetch(
    items: Iterator[T], depth: int, interrupt: Callable[[], None] = _nothing
) -> Generator[T, None, None]:
    """Yield ``items``, pulled by a thread of their own that stays at most ``depth`` ahead.

    Nothing is lost: the thread waits for room. Its exception is raised here, after the items
    that came before it. Closing this generator stops the thread between two items, closes
    ``items`` in it, and waits for that; ``interrupt`` makes a source that waits for more (a pipe,
    a camera) end at once.
    """
    channel: _Channel[T] = _Channel(depth)
    return _pulled(items, channel, channel.put, iter(channel), interrupt)


def live(
    items: Iterator[T],
    seconds: float,
    *,
    time_of: Callable[[T], Fraction],
    dropped: Callable[[int], None],
    interrupt: Callable[[], None] = _nothing,
    hold_at: Callable[[int], int | None] = _never,
) -> Generator[T, None, None]:
    """Yield ``items``, pulled by a thread of their own that never waits: the newest win.

    What lags more than ``seconds`` of ``time_of`` behind the newest is dropped, oldest first, so
    that a consumer who is too slow sees what is happening now, and the source is never held up.
    ``dropped`` is told how many, in the thread that pulls. In all else like :func:`prefetch`.

    ``hold_at`` is asked before each item, with the most that may wait: where it gives a number, the
    source is held up until fewer items wait, and nothing is dropped.
    """
    channel: _Channel[T] = _Channel(_MOST_LIVE)
    newest = _newest(channel, seconds, time_of, dropped)

    def put(item: T) -> bool:
        most = hold_at(_MOST_LIVE)
        return newest(item) if most is None else channel.put(item, most)

    return _pulled(items, channel, put, iter(channel), interrupt, dropped)


def live_turns(
    items: Iterator[T],
    seconds: float,
    *,
    time_of: Callable[[T], Fraction],
    dropped: Callable[[int], None],
    until: Callable[[], bool],
) -> Generator[T | None, None, None]:
    """Yield what :func:`live` does, and ``None`` while nothing comes, two hundred times a second.

    So the consumer has turns to do what is due by the clock. Where ``until``, which is asked each
    time, says so, it ends at once; what it raises is raised here. A source that then still waits
    for a camera is left to its own time-out.
    """
    channel: _Channel[T] = _Channel(_MOST_LIVE)
    put = _newest(channel, seconds, time_of, dropped)
    turns = channel.turns(until, _TURN_SECONDS)
    return _pulled(items, channel, put, turns, _nothing, dropped, _PARTING_SECONDS)


def _newest(
    channel: _Channel[T],
    seconds: float,
    time_of: Callable[[T], Fraction],
    dropped: Callable[[int], None],
) -> Callable[[T], bool]:
    """Return what puts an item into the channel and drops what it makes stale."""
    longest = Fraction(seconds).limit_denominator(1_000_000)

    def is_stale(old: T, new: T) -> bool:
        return time_of(new) - time_of(old) > longest

    def put(item: T) -> bool:
        is_read, count = channel.put_newest(item, is_stale)
        if count or not is_read:
            dropped(count + (not is_read))
        return is_read

    return put


def _pulled(
    items: Iterator[T],
    channel: _Channel[T],
    put: Callable[[T], bool],
    read: Iterator[U],
    interrupt: Callable[[], None],
    unread: Callable[[int], None] = _untold,
    parting: float | None = None,
) -> Generator[U, None, None]:
    """Yield what is read of the channel, into which a thread puts what it pulls from ``items``.

    At the end the thread is waited for, at most ``parting`` seconds.
    """
    began = threading.Event()

    def work() -> None:
        began.set()
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    break
        except BaseException as exc:  # noqa: BLE001 - carried to the consumer and raised there
            error = exc
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
            channel.end(error)

    thread = threading.Thread(target=work, name="blurcam-reader", daemon=True)
    try:
        thread.start()  # a signal may arrive, and raise, before that returns
        yield from read
    finally:
        left = channel.leave()
        if left:
            unread(left)
        interrupt()
        if began.wait(_STARTS_WITHIN):
            thread.join(parting)


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


class Order(Generic[R]):
    """Work that was asked for, done or not yet."""

    def __init__(self) -> None:
        """Not done."""
        self._done = threading.Event()
        self._result: list[R] = []
        self._error: BaseException | None = None

    @property
    def is_ready(self) -> bool:
        """Whether :meth:`wait` would return or raise at once."""
        return self._done.is_set()

    def wait(self, timeout: float) -> R:
        """Return the result, or raise what the work raised; TimeoutError if that takes longer."""
        if not self._done.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result[0]

    def carry_out(self, work: Callable[[], R]) -> None:
        """Do the work, in the thread that does it."""
        try:
            self._result.append(work())
        except BaseException as exc:  # noqa: BLE001 - carried to whoever waits and raised there
            self._error = exc
        finally:
            self._done.set()


class WorkerThread(Generic[T, R]):
    """Work done in a thread of its own, one piece after the other; whoever asks may go on."""

    def __init__(self, work: Callable[[T], R], depth: int = 64) -> None:
        """Do ``work`` with each item; at most ``depth`` wait, then asking does."""
        self._work = work
        self._channel: _Channel[tuple[T, Order[R]]] = _Channel(depth)
        self._thread = threading.Thread(target=self._run, name="blurcam-errands", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for item, order in self._channel:
            order.carry_out(partial(self._work, item))

    def order(self, item: T) -> Order[R]:
        """Have the work done with an item, after all that was ordered before."""
        made: Order[R] = Order()
        self._channel.put((item, made))
        return made

    def close(self) -> bool:
        """Order no more; return whether the thread has come to rest, within half a second."""
        self._channel.end(at_once=True)
        self._thread.join(_PARTING_SECONDS)
        return not self._thread.is_alive()


@contextmanager
def beside(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[list[Exception]]:
    """Run ``work`` in a thread of its own while the block lasts, then ``stop`` and wait for it.

    Gives a list that holds what ``work`` raised, once it has: whoever can go on without it reads
    and empties the list. What is left in it is raised at the end of a block without an error.
    """
    failures: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - carried to the block and raised there
            failures.append(exc)

    thread = threading.Thread(target=run, name="blurcam-beside", daemon=True)
    thread.start()
    try:
        yield failures
    finally:
        stop()
        thread.join()
    if failures:
        raise failures[0]
