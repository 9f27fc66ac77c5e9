"""What a verification comes to once a person has said what is what, and the record of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurcam.batch.review_steps import ReviewStep
from blurcam.errors import ConfigError
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.review.edits import (
    AcceptEdit,
    Edit,
    ReviewedFinding,
    ReviewEdits,
    SpareEdit,
    WatchedEdit,
)
from blurcam.review.judging import verdict_of
from blurcam.review.output_queue import ReviewRecord
from blurcam.review.region_index import RegionIndex
from blurcam.track.regions_file import Header, RegionWriter

SEEN = {"time": 0.2, "until": 0.4, "x0": 10, "y0": 10, "x1": 30, "y1": 34, "confidence": 0.8}
FOUND = ReviewedFinding(time=0.2, until=0.4, box=(10, 10, 30, 34), confidence=0.8)
ACCEPT = AcceptEdit(finding=FOUND, reason="art")
SPARE = SpareEdit(track=3, by="Kim", reason="a copy", confirmed=True)


def frame(seq: int) -> Frame:
    return Frame((np.zeros((48, 64), np.uint8),), PIXEL_FORMATS["gray"], seq, seq, Fraction(1, 25))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[RegionIndex]:
    path = tmp_path / "a.regions.jsonl.gz"
    with closing(RegionWriter(path, overwrite=False)) as writer:
        region = Region(Box(5, 5, 35, 40), Basis.DETECTED, 3, 0.9)
        list(writer.record((frame(n), Coverage(n, (region,))) for n in range(20)))
        writer.finish(Header("a" * 64, 64, 48, 20, {}, "0"))
    with closing(RegionIndex(path)) as made:
        yield made


def edits(*given: Edit) -> ReviewEdits:
    return ReviewEdits(input_sha256="0" * 64, regions_sha256="1" * 64, edits=given)


def found(**more: Any) -> dict[str, Any]:
    return {"verdict": "review", "seen": [SEEN], "seen_count": 1, "doubts": []} | more


@pytest.mark.parametrize(
    ("told", "given", "verdict"),
    [
        (found(), (), "review"),
        (found(), (ACCEPT,), "accepted"),
        (found(), (SPARE,), "accepted"),
        (found(), (WatchedEdit(by="Kim"),), "accepted"),
        (found(doubts=["proves little"]), (ACCEPT,), "review"),
        (found(doubts=["proves little"]), (WatchedEdit(by="Kim"),), "accepted"),
        (found(seen_count=2), (ACCEPT,), "review"),
        (found(seen=[SEEN | {"time": 9.0, "until": 9.5}]), (ACCEPT,), "review"),
        (found(seen=[SEEN | {"x0": 40, "x1": 60}]), (ACCEPT,), "review"),
        (found(seen=[SEEN | {"x0": 40, "x1": 60}]), (SPARE,), "review"),
        (found(verdict="fail"), (WatchedEdit(by="Kim"),), "fail"),
        (found(verdict="pass", seen=[], seen_count=0), (), "pass"),
    ],
)
def test_a_person_settles_what_she_has_spoken_of_and_nothing_else(
    index: RegionIndex, told: dict[str, Any], given: tuple[Edit, ...], verdict: str
) -> None:
    assert verdict_of(told, edits(*given), index) == verdict


def test_any_frame_of_the_index_is_that_of_the_file(index: RegionIndex) -> None:
    assert len(index) == 20
    assert [index.coverage(n).seq for n in (7, 0, 19)] == [7, 0, 19]
    assert index.frame_at(0.2) == 5
    assert index.frame_at(0.21) == 5
    assert index.frame_at(99.0) == 19
    assert index.tracks[3].stretches == [[0, 19]]


def test_regions_that_are_not_of_a_whole_run_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"frame": 0, "boxes": [[0, 0, 5, 5]]}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="says nothing of its recording"):
        RegionIndex(path)


def test_a_record_reads_back_the_same_and_shows_when_it_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4.review.json"
    assert ReviewRecord.read(path) == ReviewRecord()
    steps = tuple(ReviewStep("now", "Kim", f"step {n}", "", "a", "b") for n in range(3))
    record = ReviewRecord(steps, "accepted", found(), "c" * 64, "d" * 64)
    record.write(path)
    assert ReviewRecord.read(path) == record
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["steps"][1]
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ConfigError, match="was changed after blurcam wrote it"):
        ReviewRecord.read(path)
