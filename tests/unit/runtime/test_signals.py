"""Signals are heard in one place, and end a run without a frame that was not searched."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import blurcam
from blurcam.runtime.signals import ENDING, Stop, handling


def test_a_signal_is_heard_while_the_block_lasts_and_not_after() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    stop = Stop()
    with handling(stop.ask, *ENDING):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert stop.asked
    assert stop.signals == [signal.SIGTERM, signal.SIGINT]
    assert [signal.getsignal(number) for number in ENDING] == before


def test_no_other_module_sets_a_handler() -> None:
    package = Path(blurcam.__file__).parent
    users = [path for path in package.rglob("*.py") if "signal.signal(" in path.read_text()]
    assert [str(each.relative_to(package)) for each in users] == ["runtime/signals.py"]


def test_after_the_end_was_asked_for_what_was_searched_comes_out() -> None:
    stop = Stop()
    taken: list[int] = []

    def search(frames: Iterator[int]) -> Iterator[int]:
        for frame in frames:
            taken.append(frame)
            if frame == 2:
                stop.ask()
            yield frame

    out = list(stop.until_late(search(stop.until_asked(iter(range(9))))))
    assert out == taken == [0, 1, 2]


def test_a_search_under_way_is_given_up_when_it_is_late() -> None:
    stop = Stop()

    def search() -> Iterator[int]:
        yield 0
        stop.late()
        yield 1

    assert list(stop.until_late(search())) == [0]
