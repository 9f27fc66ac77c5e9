from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from fractions import Fraction

import pytest

from blurcam.runtime.threads import Abandoned, live, live_turns, outbox, prefetch


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


class Camera:
    """A source of one item every 0.1 s of media time, stepped by the test."""

    def __init__(self, count: int, step: Fraction = Fraction(1, 10)) -> None:
        self.count = count
        self.step = step
        self.dropped: list[int] = []
        self.delivered = threading.Event()
        self.gone = threading.Event()

    def items(self) -> Iterator[int]:
        yield from range(self.count)
        self.delivered.set()
        assert self.gone.wait(timeout=30)

    def live(self, seconds: float = 0.5) -> Generator[int, None, None]:
        return live(
            self.items(), seconds, time_of=lambda n: n * self.step,
            dropped=self.dropped.append, interrupt=self.gone.set,
        )  # fmt: skip


def test_live_drops_the_oldest_while_nobody_reads() -> None:
    camera = Camera(100)
    ahead = camera.live()
    seen = [next(ahead)]
    assert camera.delivered.wait(timeout=30)
    camera.gone.set()
    seen += ahead
    # The first may have been read in time; of the others those are left that are at most 0.5 s
    # older than the last one.
    assert seen[-6:] == [94, 95, 96, 97, 98, 99]
    assert len(seen) <= 7
    assert len(seen) + sum(camera.dropped) == 100


def test_live_drops_nothing_while_the_reader_keeps_up() -> None:
    camera = Camera(6)
    ahead = camera.live()
    camera.gone.set()
    assert list(ahead) == [0, 1, 2, 3, 4, 5]
    assert camera.dropped == []


def test_live_holds_few_items_even_where_time_stands_still() -> None:
    camera = Camera(1000, step=Fraction(1, 90000))
    ahead = camera.live()
    next(ahead)
    assert camera.delivered.wait(timeout=30)
    camera.gone.set()
    # The last one may still be on its way when the camera says that it has delivered.
    assert len(list(ahead)) in (63, 64)


def test_live_failure_reaches_the_consumer_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    seen = []
    with pytest.raises(OSError, match="gone"):
        for item in live(source(), 1, time_of=Fraction, dropped=lambda n: None):
            seen.append(item)
    assert seen == [1]


def test_whoever_takes_turns_goes_on_while_nothing_comes() -> None:
    comes = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        assert comes.wait(timeout=30)
        yield 2
        raise OSError("gone")

    turns = live_turns(
        source(), 1, time_of=Fraction, dropped=lambda n: None, until=lambda: False
    )  # fmt: skip
    seen = [next(turn for turn in turns if turn is not None), next(turns)]
    comes.set()
    with pytest.raises(OSError, match="gone"):
        seen += turns
    assert [turn for turn in seen if turn is not None] == [1, 2]
    assert seen[1] is None


def test_turns_end_once_asked_to_though_the_source_waits() -> None:
    camera = Camera(1)
    asked = threading.Event()
    turns = live_turns(
        camera.items(), 1, time_of=Fraction, dropped=camera.dropped.append, until=asked.is_set
    )
    assert next(turn for turn in turns if turn is not None) == 0
    asked.set()
    assert list(turns) == []
    camera.gone.set()


@pytest.mark.parametrize("kind", ["live", "prefetch"])
def test_closing_interrupts_a_source_that_waits(kind: str) -> None:
    camera = Camera(1)
    ahead = (
        camera.live() if kind == "live" else prefetch(camera.items(), 2, interrupt=camera.gone.set)
    )
    assert next(ahead) == 0
    assert camera.delivered.wait(timeout=30)
    ahead.close()
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
