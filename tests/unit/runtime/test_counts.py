"""What is counted, and how often what is wrong is told."""

from __future__ import annotations

import logging

import pytest

from blurcam.media.regions import Coverage, Reason
from blurcam.runtime.counts import FrameCounts, RepeatedFailure
from tests.support.clocks import HandClock


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return texts


def test_a_failure_is_told_once_then_when_its_kind_changes_then_hourly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = HandClock()
    failure = RepeatedFailure(logging.getLogger("blurcam.test"), clock)
    for n in range(100):
        failure.add(f"cam: silent for {n}.5 s")
        clock.now += 2
    assert told(caplog) == ["cam: silent for 0.5 s"]
    failure.add("cam: Connection refused")
    assert told(caplog) == ["cam: Connection refused"]
    for _ in range(1800):
        clock.now += 2
        failure.add("cam: Connection refused")
    assert told(caplog) == ["cam: Connection refused (1801 times so far)"]


def test_a_failure_after_it_had_worked_is_a_new_one(caplog: pytest.LogCaptureFixture) -> None:
    failure = RepeatedFailure(logging.getLogger("blurcam.test"), HandClock())
    for _ in range(3):
        failure.add("cam: the stream ended")
        failure.over()
    assert told(caplog) == ["cam: the stream ended"] * 3


def test_a_run_is_complete_only_without_faults() -> None:
    counts = FrameCounts()
    counts.covered(Coverage.whole(0, Reason.NOT_YET, 8, 8))
    assert counts.complete
    counts.covered(Coverage.whole(1, Reason.DETECTOR_FAILED, 8, 8))
    assert not counts.complete
    assert not FrameCounts(lost=1).complete
