"""Whether a stream is live is told from its pace: who is waited for, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blurcam.media.frames import Frame
from blurcam.runs.pace import StreamPace
from tests.support.clocks import HandClock
from tests.support.makers import TIME_BASE, grey_frame

RATE = 25


@dataclass
class Producer:
    """Frames that take some seconds to come, and some to decode."""

    clock: HandClock
    comes: float
    decodes: float = 0.002
    waited: float = 0.0

    def frames(self, count: int) -> Iterator[Frame]:
        for n in range(count):
            self.waited += self.comes
            self.clock.sleep(self.comes + self.decodes)
            yield grey_frame(n, n * TIME_BASE.denominator // RATE)


def pace_of(producer: Producer, count: int, held: float = 0.0) -> StreamPace:
    """Return the pace after so many frames, each of which is held up."""
    pace = StreamPace(producer, producer.clock)
    for _ in pace.measured(producer.frames(count)):
        producer.clock.sleep(held)
    return pace


def test_a_camera_comes_at_its_own_pace() -> None:
    pace = pace_of(Producer(HandClock(), comes=1 / RATE - 0.002), 3 * RATE)
    assert pace.is_live
    assert pace.hold_at(64) is None


def test_a_file_that_is_piped_comes_faster_than_it_plays() -> None:
    pace = pace_of(Producer(HandClock(), comes=0.001), 20 * RATE)
    assert not pace.is_live


def test_a_file_is_not_taken_for_a_camera_because_it_is_held_up() -> None:
    pace = pace_of(Producer(HandClock(), comes=0.001), 20 * RATE, held=1 / RATE - 0.003)
    assert not pace.is_live
    assert pace.hold_at(64) == 4


def test_a_file_is_not_taken_for_a_camera_because_its_decoder_is_slow() -> None:
    pace = pace_of(Producer(HandClock(), comes=0.0, decodes=1 / RATE), 10 * RATE)
    assert not pace.is_live


def test_a_slow_producer_is_no_camera() -> None:
    assert not pace_of(Producer(HandClock(), comes=2 / RATE), 5 * RATE).is_live


def test_nothing_is_held_up_before_the_pace_is_known() -> None:
    pace = pace_of(Producer(HandClock(), comes=1 / RATE - 0.002), RATE // 2)
    assert not pace.is_live
    assert pace.hold_at(64) == 64


def test_a_camera_that_is_not_held_up_stays_one_while_frames_are_dropped() -> None:
    producer = Producer(HandClock(), comes=1 / RATE - 0.002)
    pace = StreamPace(producer, producer.clock)
    held = [pace.hold_at(64) for _ in pace.measured(producer.frames(10 * RATE))]
    assert set(held[RATE:]) == {None}
    assert set(held[: RATE // 2]) == {64}
