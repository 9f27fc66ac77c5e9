from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from blurcam.buffering import Abandoned, outbox, prefetch


def test_prefetch_yields_everything_in_order() -> None:
    assert list(prefetch(iter(range(100)), 3)) == list(range(100))


def test_reader_failure_reaches_consumer_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("gone")

    seen = []
    with pytest.raises(OSError, match="gone"):
        for item in prefetch(source(), 5):
            seen.append(item)
    assert seen == [1, 2]


def test_prefetch_stays_within_its_depth() -> None:
    pulled = threading.Semaphore(0)
    count = 0

    def source() -> Iterator[int]:
        nonlocal count
        for n in range(100):
            count += 1
            pulled.release()
            yield n

    ahead = prefetch(source(), 3)
    assert next(ahead) == 0
    # One is taken, three wait, and one is in the thread's hand.
    for _ in range(5):
        assert pulled.acquire(timeout=10)
    assert not pulled.acquire(timeout=0.05)
    assert count == 5
    ahead.close()


def test_closing_prefetch_stops_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            n = 0
            while True:
                n += 1
                yield n
        finally:
            closed.set()

    ahead = prefetch(source(), 2)
    next(ahead)
    ahead.close()
    assert closed.is_set()
    assert not any(t.name == "blurcam-reader" for t in threading.enumerate())


def test_outbox_delivers_everything_before_the_block_ends() -> None:
    received: list[int] = []
    with outbox(lambda items: received.extend(items), 2) as put:
        for n in range(50):
            put(n)
    assert received == list(range(50))


def test_writer_failure_reaches_the_producer() -> None:
    def consume(items: Iterator[int]) -> None:
        next(items)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), outbox(consume, 1) as put:
        for n in range(1000):
            put(n)


def test_writer_failure_at_the_very_end_is_not_swallowed() -> None:
    def consume(items: Iterator[int]) -> None:
        list(items)
        raise OSError("trailer")

    with pytest.raises(OSError, match="trailer"), outbox(consume, 1) as put:
        put(1)


def test_producer_failure_is_not_an_end_to_the_writer() -> None:
    endings: list[str] = []

    def consume(items: Iterator[int]) -> None:
        try:
            for _ in items:
                pass
            endings.append("finished")
        except Abandoned:
            endings.append("abandoned")
            raise

    with pytest.raises(ValueError, match="bug"), outbox(consume, 1) as put:
        put(1)
        raise ValueError("bug")
    assert endings == ["abandoned"]
