"""The breakdown of a run by stages: what is counted, and that it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from blurcam import Config, Detect, Encode, run
from blurcam.runs.timing import QueueFill, Stopwatch
from tests.support.clips import moving_clip


class Clock:
    """Moves only when somebody works."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> tuple[float, float]:
        return self.time, self.time / 2

    def work(self, items: Iterable[int], seconds: float) -> Iterator[int]:
        for item in items:
            self.time += seconds
            yield item


def nothing() -> None:
    pass


def test_a_stage_is_not_charged_for_what_it_waits_for() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    first = watch.timed("first", clock.work(range(3), 5), nothing)
    second = watch.timed("second", clock.work(first, 2), nothing)
    for _ in watch.timed("third", clock.work(second, 1), nothing):
        clock.time += 100  # the caller's own, nobody's stage
    took = {name: (spent.seconds, spent.cpu) for name, spent in watch.spent.items()}
    assert took == {"first": (15, 7.5), "second": (6, 3), "third": (3, 1.5)}


def test_a_stage_that_fails_is_charged_and_its_failure_goes_on() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def failing() -> Iterator[int]:
        clock.time += 7
        raise ValueError("no")
        yield 0

    with pytest.raises(ValueError, match="no"):
        list(watch.timed("only", failing(), nothing))
    assert watch.spent["only"].seconds == 7


def test_closing_reaches_the_stage_inside() -> None:
    closed = []

    def stage() -> Iterator[int]:
        try:
            yield from range(9)
        finally:
            closed.append(True)

    timed = Stopwatch().timed("only", stage(), nothing)
    next(timed)
    timed.close()
    assert closed


def test_a_queue_is_as_full_as_what_was_put_and_not_taken() -> None:
    fill = QueueFill(put=3)
    fill.take()
    fill.take()
    assert fill.mean == 1.5


def test_a_run_tells_what_every_stage_took_and_writes_the_same(tmp_path: Path) -> None:
    clip = moving_clip(tmp_path / "in.mp4", size="320x240")
    told, plain = (
        run(
            Config(
                clip,
                tmp_path / f"{asked}.mp4",
                detect=Detect(profile="near"),
                encode=Encode(preset="ultrafast"),
                profile_stages=asked,
            )
        )
        for asked in (True, False)
    )
    assert plain.stages is None
    assert told.stages is not None
    assert list(told.stages["seconds_per_frame"]) == [
        "decode", "wait", "scan", "detect", "cover", "redact", "hand over", "encode", "mux",
        "finish",
    ]  # fmt: skip
    assert all(each["wall"] > 0 for each in told.stages["seconds_per_frame"].values())
    assert set(told.stages["queue_fill"]) == {"decoded", "redacted"}
    assert json.loads(told.to_json())["stages"] == told.stages
    assert told.output_sha256 == plain.output_sha256
