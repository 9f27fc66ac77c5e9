"""A recording under review: what drafts show, what saving puts on record, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from blurcam.errors import ConfigError, SourceError
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.review.edits import (
    DrawEdit,
    Edit,
    HideEdit,
    MergeEdit,
    ShapeKey,
    SpareEdit,
    edits_path,
)
from blurcam.review.review_queue import ReviewItem
from blurcam.review.reviewed_recording import DraftForgotten, EditsRefused, ReviewedRecording
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import sha256_of
from blurcam.sources.recording import open_source
from blurcam.track.regions_file import Header, RegionWriter
from tests.support.clips import moving_clip

ONE = Region(Box(4, 4, 20, 20), Basis.DETECTED, 1, 0.9)
TWO = Region(Box(30, 20, 50, 40), Basis.DETECTED, 2, 0.9)
SPARE = SpareEdit(track=1, by="Kim", reason="a copy", confirmed=True)
SHAPE = DrawEdit(keys=(ShapeKey(frame=0, box=(40, 0, 60, 10)),))


@pytest.fixture
def item(tmp_path: Path) -> ReviewItem:
    source = moving_clip(tmp_path / "in.mp4")
    output = moving_clip(tmp_path / "out.mp4", "-vf", "boxblur=10")
    regions = tmp_path / "out.regions.jsonl.gz"
    counts = FrameCounts()
    with (
        open_source(source, counts) as opened,
        closing(RegionWriter(regions, overwrite=False)) as w,
    ):
        list(w.record((frame, Coverage(frame.seq, (ONE, TWO))) for frame in opened.frames()))
        settings = {"detector": "centerface", "effect": "solid"}
        w.finish(Header(sha256_of(source), 64, 48, counts.frames_in, settings, "0"))
    return ReviewItem(1, "out.mp4", source, output, regions, "done", "review", "d" * 64)


@pytest.fixture
def recording(item: ReviewItem) -> Iterator[ReviewedRecording]:
    with closing(ReviewedRecording(item)) as opened:
        yield opened


def shown(recording: ReviewedRecording, *edits: Edit) -> set[int | None]:
    """Return the tracks that are covered as a draft has it."""
    return {each.track for each in recording.coverage(5, recording.draft(edits)).regions}


def test_a_draft_adds_at_once_and_takes_away_only_what_is_saved(
    recording: ReviewedRecording,
) -> None:
    assert shown(recording) == {1, 2}
    assert shown(recording, SHAPE) == {1, 2, None}
    assert shown(recording, SPARE) == {1, 2}
    assert shown(recording, HideEdit(track=2, note="a lamp")) == {1, 2}
    (step,) = recording.save("Kim", [SPARE, SHAPE], "")
    assert step.what == "track 1 is shown"
    assert shown(recording, SPARE) == {2}
    assert shown(recording) == {1, 2}  # taken back, and at once


def test_a_merge_that_is_not_saved_uncovers_nobody(recording: ReviewedRecording) -> None:
    recording.save("Kim", [SPARE], "")
    merge = MergeEdit(tracks=(1, 2))
    assert 2 in shown(recording, SPARE, merge)
    (step,) = recording.save("Kim", [SPARE, merge], recording.saved_sha256)
    assert step.what == "tracks 1, 2 are one"
    assert shown(recording, SPARE, merge) == set()


def test_edits_that_somebody_else_saved_meanwhile_are_kept(recording: ReviewedRecording) -> None:
    first = recording.saved_sha256
    recording.save("Kim", [SHAPE], first)
    with pytest.raises(EditsRefused, match="Kim saved edits"):
        recording.save("Lee", [], first)
    assert recording.saved.edits == (SHAPE,)


def test_edits_of_other_regions_are_refused(item: ReviewItem) -> None:
    path = edits_path(item.output)
    values = {"input_sha256": "0" * 64, "regions_sha256": "1" * 64}
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ConfigError, match="other regions"):
        ReviewedRecording(item)


def test_what_is_not_there_cannot_be_asked_for(recording: ReviewedRecording) -> None:
    with pytest.raises(DraftForgotten):
        recording.frame(0, "unknown")
    with pytest.raises(KeyError):
        recording.frame(99_999, recording.draft(()))
    with pytest.raises(KeyError):
        recording.track(77, recording.draft(()))


def test_without_its_input_a_recording_shows_the_output_covered_once_more(
    item: ReviewItem, tmp_path: Path
) -> None:
    for source in (None, tmp_path / "gone.mp4", item.output):
        with closing(ReviewedRecording(replace(item, source=source))) as opened:
            assert opened.refusal is not None
            assert opened.frame(3, opened.draft(())).startswith(b"\xff\xd8")
            assert shown(opened) == {1, 2}


def test_an_output_that_is_stored_another_way_is_not_shown(item: ReviewItem) -> None:
    moving_clip(item.output, size="48x64")
    with (
        closing(ReviewedRecording(replace(item, source=None))) as opened,
        pytest.raises(SourceError, match="another way"),
    ):
        opened.frame(3, opened.draft(()))


def test_without_regions_it_cannot_be_opened(item: ReviewItem) -> None:
    with pytest.raises(ConfigError, match="regions are not on file"):
        ReviewedRecording(replace(item, regions=None))
