"""The one chain: every frame is accounted for, and what an output's failure does is a value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blurcam.errors import SinkClosed, SinkError, SinkWriteError, SourceReadError
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage, Reason
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import RedactedFrame
from blurcam.runs.chain import (
    FrameOutput,
    Freezer,
    ShownFrame,
    account,
    deliver,
    redact_all,
    until_fault,
)
from blurcam.runs.outputs import (
    EncodedOutput,
    OnFailure,
    Output,
    PlainOutput,
    PlainSink,
)
from blurcam.runtime.counts import FrameCounts
from tests.support.clocks import HandClock
from tests.support.makers import TIME_BASE, grey_frame

COUNT = 6


class MemorySink:
    """Takes frames, or packets, and fails at one of them if it is told to."""

    def __init__(self, fails_at: int | None = None, error: SinkError | None = None) -> None:
        self.taken: list[object] = []
        self.is_finished = False
        self.closed = 0
        self._fails_at = fails_at
        self._error = error or SinkWriteError("full")

    def write(self, item: object) -> None:
        if len(self.taken) == self._fails_at:
            raise self._error
        self.taken.append(item)

    def finish(self) -> None:
        self.is_finished = True

    def close(self) -> None:
        self.closed += 1


class OneToOne:
    """Stands in for an encoder: a key packet for each frame, which is the frame."""

    def encode(self, frame: RedactedFrame, pts: int | None = None) -> Iterator[object]:
        yield Packet(frame, pts)

    def flush(self) -> Iterator[object]:
        yield from ()


class Packet:
    """What the stand-in makes of a frame."""

    is_key = True
    data = b"1234"

    def __init__(self, frame: RedactedFrame, pts: int | None) -> None:
        self.frame, self.pts = frame, pts


def frames(counts: FrameCounts, count: int = COUNT) -> Iterator[ShownFrame]:
    def covered() -> Iterator[tuple[Frame, Coverage]]:
        for seq in range(count):
            counts.frames_in += 1
            yield grey_frame(seq, seq), Coverage(seq, ())

    return redact_all(covered(), make_effect("blur"), counts)


def written(
    *sinks: tuple[MemorySink, OnFailure], counts: FrameCounts, clock: HandClock
) -> FrameOutput:
    outputs = [Output("x", lambda s=sink: PlainSink(s), how, counts, clock) for sink, how in sinks]
    return EncodedOutput(OneToOne(), outputs)  # type: ignore[arg-type]


def test_every_output_gets_every_frame_and_is_finished_at_the_end() -> None:
    counts, one, two = FrameCounts(), MemorySink(), MemorySink()
    times = list(deliver(frames(counts), (PlainOutput(one), PlainOutput(two)), counts))
    assert times == [n * TIME_BASE for n in range(COUNT)]
    assert [each.seq for each in one.taken] == list(range(COUNT))  # type: ignore[attr-defined]
    assert one.taken == two.taken
    assert one.is_finished
    assert two.is_finished


def test_where_the_run_stands_or_falls_with_an_output_nothing_is_finished() -> None:
    counts, bad, good = FrameCounts(), MemorySink(2), MemorySink()
    output = written(
        (bad, OnFailure.FAIL), (good, OnFailure.FAIL), counts=counts, clock=HandClock()
    )
    with pytest.raises(SinkWriteError, match="full"):
        list(deliver(frames(counts), (output,), counts))
    assert not good.is_finished


def test_an_output_that_is_given_up_is_a_fault_and_the_rest_goes_on() -> None:
    counts, bad, good = FrameCounts(), MemorySink(2), MemorySink()
    output = written(
        (bad, OnFailure.GIVE_UP), (good, OnFailure.FAIL), counts=counts, clock=HandClock()
    )
    list(deliver(frames(counts), (output,), counts))
    assert len(good.taken) == COUNT
    assert good.is_finished
    assert (len(bad.taken), bad.is_finished, bad.closed) == (2, False, 1)
    assert str(counts.fault) == "full"
    assert not counts.complete


def test_an_output_that_is_opened_again_waits_longer_each_time() -> None:
    counts, clock = FrameCounts(), HandClock()
    opened: list[MemorySink] = []

    def opens() -> PlainSink:
        opened.append(MemorySink(0) if len(opened) < 2 else MemorySink())
        return PlainSink(opened[-1])

    output = Output("x", opens, OnFailure.REOPEN, counts, clock)
    at: list[float] = []
    for tick in range(100):
        clock.now = tick / 10
        before = len(opened)
        output.write(Packet(None, tick), 0.0)  # type: ignore[arg-type]
        if len(opened) > before:
            at.append(clock.now)
    assert at[0] == 0
    assert 0.3 < at[1] <= 0.6
    assert 0.7 < at[2] - at[1] <= 1.1
    assert len(opened) == 3
    assert output.status().up
    assert counts.fault is None


def test_a_reader_that_goes_away_is_a_normal_end_of_a_stream_and_of_a_stream_alone() -> None:
    for may_end_early in (True, False):
        counts, closed, beside = FrameCounts(), MemorySink(3, SinkClosed("gone")), MemorySink()
        outputs = (PlainOutput(closed), PlainOutput(beside))
        steps = deliver(frames(counts), outputs, counts, may_end_early=may_end_early)
        if may_end_early:
            list(steps)
            assert counts.notices == ["gone"]
            assert beside.is_finished
        else:
            with pytest.raises(SinkClosed):
                list(steps)
            assert not beside.is_finished


def test_a_frame_that_is_not_accounted_for_leaves_nothing_finished() -> None:
    counts, sink = FrameCounts(frames_in=1), MemorySink()
    with pytest.raises(RuntimeError, match="7 frames in, but 6 redacted"):
        list(deliver(frames(counts), (PlainOutput(sink),), counts))
    assert not sink.is_finished


def test_what_waited_at_the_end_of_a_stream_was_dropped_and_more_out_than_in_is_a_bug() -> None:
    counts = FrameCounts(frames_in=9, redacted=4, dropped=2)
    counts.covered_whole[Reason.NOT_YET] = 1
    account(counts, may_drop=True)
    assert counts.dropped == 4
    with pytest.raises(RuntimeError):
        account(FrameCounts(frames_in=3, redacted=4), may_drop=True)


def test_leaving_early_leaves_nothing_finished() -> None:
    counts, sink = FrameCounts(), MemorySink()
    steps = deliver(frames(counts), (PlainOutput(sink),), counts, may_end_early=True)
    next(steps)
    steps.close()
    assert not sink.is_finished


def test_a_source_without_a_frame_is_an_error_and_one_that_fails_late_is_a_fault() -> None:
    def failing(count: int, counts: FrameCounts) -> Iterator[Frame]:
        for seq in range(count):
            counts.frames_in += 1
            yield grey_frame(seq, seq)
        raise SourceReadError("broken")

    counts = FrameCounts()
    with pytest.raises(SourceReadError, match="broken"):
        list(until_fault(failing(0, counts), counts))
    counts = FrameCounts()
    assert len(list(until_fault(failing(2, counts), counts))) == 2
    assert str(counts.fault) == "broken"
    with pytest.raises(SourceReadError, match="no frame"):
        list(until_fault(iter(()), FrameCounts()))


def test_a_damaged_frame_is_frozen_once_there_was_a_frame_of_the_scene() -> None:
    given = [
        (grey_frame(0, 0), Coverage.whole(0, Reason.NOT_YET, 200, 200)),
        (grey_frame(1, 1), Coverage.whole(1, Reason.CORRUPT, 200, 200)),
        (grey_frame(2, 2), Coverage(2, ())),
        (grey_frame(3, 3), Coverage.whole(3, Reason.CORRUPT, 200, 200)),
    ]
    counts = FrameCounts(frames_in=4)
    freezer = Freezer(active=True)
    shown = list(redact_all(given, make_effect("blur"), counts, freezer))
    assert [each.frame.seq for each in shown] == [0, 1, 2, 2]
    assert [each.pts for each in shown] == [0, 1, 2, 3]
    assert counts.frozen == 1
    account(counts, may_drop=False)
