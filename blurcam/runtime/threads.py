"""Bounded buffers between stages; the only module that starts a thread.

A thread here never decides anything: it pulls one iterator, or feeds another. What it raises is
carried to the other side and raised there. The side that stops first wakes and joins the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future as Future
from contextlib import contextmanager
from fractions import Fraction
from typing import Final, Generic, TypeVar

from blurcam.runtime.channel import Channel

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
    channel: Channel[T] = Channel(depth)
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
    channel: Channel[T] = Channel(_MOST_LIVE)
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
    channel: Channel[T] = Channel(_MOST_LIVE)
    put = _newest(channel, seconds, time_of, dropped)
    turns = channel.turns(until, _TURN_SECONDS)
    return _pulled(items, channel, put, turns, _nothing, dropped, _PARTING_SECONDS)


def _newest(
    channel: Channel[T],
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
    channel: Channel[T],
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
        if left := channel.leave():
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
    channel: Channel[T] = Channel(depth)
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


class WorkerThread(Generic[T, R]):
    """Work done in a thread of its own, one piece after the other, while its caller goes on."""

    def __init__(self, work: Callable[[T], R], depth: int = 64) -> None:
        """Do ``work`` with each item; at most ``depth`` wait, then asking does."""
        self._work = work
        self._channel: Channel[tuple[T, Future[R]]] = Channel(depth)
        self._thread = threading.Thread(target=self._run, name="blurcam-worker", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for item, future in self._channel:
            try:
                future.set_result(self._work(item))
            except BaseException as exc:  # noqa: BLE001 - raised where the result is asked for
                future.set_exception(exc)

    def submit(self, item: T) -> Future[R]:
        """Have the work done with an item, after all that was submitted before."""
        future: Future[R] = Future()
        self._channel.put((item, future))
        return future

    def close(self) -> bool:
        """Take no more; return whether the thread has come to rest, within half a second."""
        self._channel.end(at_once=True)
        self._thread.join(_PARTING_SECONDS)
        return not self._thread.is_alive()


@contextmanager
def beside(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[list[Exception]]:
    """Run ``work`` in a thread of its own while the block lasts, then ``stop`` and wait for it.

    Gives a list that holds what ``work`` raised, once it has: a caller that can go on without it
    reads and empties the list. What is left in it is raised at the end of a block without an error.
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
