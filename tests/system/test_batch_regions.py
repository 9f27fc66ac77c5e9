"""A job keeps the regions of what it redacted, so that somebody can review it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from blurcam.track.regions_file import read_regions
from tests.support.batches import batch, clip, last_line, rows
from tests.support.clips import frame_times
from tests.support.live_cameras import face_clip
from tests.support.program import blurcam


def kept(out: Path) -> list[Path]:
    return sorted((out / ".blurcam" / "regions").iterdir())


def test_the_regions_of_every_redaction_are_kept_as_a_run_writes_them(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source, out = face_clip(tmp_path / "in" / "face.mp4"), tmp_path / "out"
    assert last_line(batch(source.parent, "--out", out))["done"] == 1
    (row,) = rows(out)
    (path,) = kept(out)
    digest = hashlib.sha256((out / "face.mp4").read_bytes()).hexdigest()
    assert path.name == f"{row['id']}-{digest}.regions.jsonl.gz"
    assert list((out / ".blurcam" / "work").iterdir()) == []
    alone = tmp_path / "alone.jsonl"
    done = blurcam("run", source, tmp_path / "alone.mp4", "--profile", "near", "--regions", alone)
    assert done.returncode == 0, done.stderr
    ours, theirs = read_regions(path), read_regions(alone)
    assert ours[1] == theirs[1]
    assert ours[0].input_sha256 == theirs[0].input_sha256
    assert any(each.regions for each in ours[1])

    # Of another redaction under that name the regions take the place of these.
    again = batch(source.parent, "--out", out, "--effect", "solid")
    assert last_line(again)["done"] == 1, again.stderr
    assert len(kept(out)) == 1
    assert kept(out) != [path]


@pytest.mark.slow
def test_the_regions_of_spans_are_those_of_the_recording(tmp_path: Path) -> None:
    source, out = clip(tmp_path / "in" / "long.mp4", seconds=8.0), tmp_path / "out"
    result = batch(source.parent, "--out", out, "--span", "2s")
    assert last_line(result)["done"] == 1, result.stderr
    (path,) = kept(out)
    header, coverages = read_regions(path)
    assert [each.seq for each in coverages] == list(range(len(frame_times(source))))
    assert header.frame_count == len(coverages)
    assert header.input_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert list((out / ".blurcam" / "work").iterdir()) == []
