from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.errors import ConfigError
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region, Shape
from blurcam.runtime.counts import FrameCounts
from blurcam.track.regions_file import Header, RegionReader, RegionWriter, read_regions

HEADER = Header("ab" * 32, 16, 12, 3, {"margin": 1.35}, "0")
FACE = Region(Box(-2, 1, 5, 9), Basis.DETECTED, 7, 0.9312)
ZONE = Region(Box(0, 0, 4, 4), Basis.ZONE, shape=Shape.POLYGON, points=((0, 0), (4, 0), (0, 4)))


def frame(seq: int) -> Frame:
    return Frame((np.zeros((12, 16), np.uint8),), PIXEL_FORMATS["gray"], seq, seq, Fraction(1, 25))


COVERAGES = [
    Coverage(0, (FACE, ZONE)),
    Coverage(1, ()),
    Coverage.whole(2, Reason.DETECTOR_FAILED, 16, 12),
]


def written(folder: Path, name: str = "regions.jsonl") -> Path:
    path = folder / name
    writer = RegionWriter(path, overwrite=False)
    assert list(writer.record((frame(c.seq), c) for c in COVERAGES))
    writer.finish(HEADER)
    writer.close()
    return path


def test_what_was_written_reads_back_the_same(tmp_path: Path) -> None:
    header, coverages = read_regions(written(tmp_path))
    assert header == HEADER
    assert coverages == COVERAGES


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_unfinished_file_is_not_there(tmp_path: Path) -> None:
    writer = RegionWriter(tmp_path / "r.jsonl", overwrite=False)
    list(writer.record([(frame(0), COVERAGES[0])]))
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_lines_have_the_documented_keys(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path).read_text().splitlines()]
    assert set(lines[0]) >= {"input_sha256", "width", "height", "frame_count", "settings"}
    assert set(lines[1]) == {"seq", "pts", "time", "made", "regions"}
    documented = {"id", "x0", "y0", "x1", "y1", "basis", "track", "confidence", "shape"}
    assert set(lines[1]["regions"][0]) == documented
    assert lines[3]["reason"] == "detector failed"


def edited(path: Path, number: int, change: str | None) -> Path:
    lines = path.read_text().splitlines()
    lines[number : number + 1] = [] if change is None else [change]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_frame_without_a_line_is_covered_whole(tmp_path: Path) -> None:
    reader = RegionReader(edited(written(tmp_path), 2, None))
    out = [c for _, c in reader.redraw(map(frame, range(5)), FrameCounts())]
    assert [c.reason for c in out] == [
        None,
        Reason.NO_LINE,
        Reason.DETECTOR_FAILED,
        Reason.NO_LINE,
        Reason.NO_LINE,
    ]
    reader.close()


def test_regions_removed_and_added_by_hand_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path)
    line = json.loads(path.read_text().splitlines()[1])
    line["regions"] = [line["regions"][1], {"x0": 1, "y0": 1, "x1": 3, "y1": 3}]
    reader = RegionReader(edited(path, 1, json.dumps(line)))
    first = next(reader.coverages())
    assert (reader.removed, reader.added) == (1, 1)
    assert first.regions == (ZONE, Region(Box(1, 1, 3, 3), Basis.DETECTED))
    reader.close()


@pytest.mark.parametrize(
    ("number", "line", "complaint"),
    [
        (1, "{", "line 2 is not JSON"),
        (1, "[]", "line 2 is not a JSON object"),
        (1, '{"seq": 0}', "line 2 is not a frame's regions"),
        (1, '{"seq": 0, "regions": [{"x0": 5, "y0": 0, "x1": 5, "y1": 3}]}', "empty box"),
        (1, '{"seq": 9, "regions": []}', "line 3 is out of order"),
        (0, '{"format": 99}', "not a regions file"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, number: int, line: str, complaint: str) -> None:
    path = edited(written(tmp_path), number, line)
    with pytest.raises(ConfigError, match=complaint):
        read_regions(path)


def by_hand(folder: Path, *lines: object) -> Path:
    path = folder / "boxes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_frames_and_boxes_alone_are_enough(tmp_path: Path) -> None:
    path = by_hand(
        tmp_path,
        {"frame": 0, "boxes": [[4, 4, 8.5, 8]]},
        {"seq": 1, "regions": [{"x0": 1, "y0": 1, "x1": 3, "y1": 3}]},
        {"frame": 3, "boxes": []},
    )
    reader = RegionReader(path, margin=2)
    assert reader.header is None
    first, second, third, fourth = (
        c for _, c in reader.redraw(map(frame, range(4)), FrameCounts())
    )
    assert first.regions == (Region(Box(4, 4, 9, 8).grown(2), Basis.DETECTED),)
    assert second.regions == (Region(Box(1, 1, 3, 3), Basis.DETECTED),)  # as it is
    assert third.reason is Reason.NO_LINE  # nothing is known of it
    assert fourth.regions == ()
    assert (reader.removed, reader.added) == (0, 0)
    reader.close()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"frame": 0, "boxes": [[8, 4, 4, 8]]}, "line 1 is not a frame's regions: .* is no box"),
        ({"frame": 0, "boxes": [[1, 2, 3]]}, "line 1 is not a frame's regions"),
        ({"frame": 0, "boxes": [[0, 0, float("nan"), 9]]}, "line 1 is not a frame's regions"),
        ({"frame": 0, "boxes": [[0, 0, float("inf"), 9]]}, "line 1 is not a frame's regions"),
        ({"boxes": [[0, 0, 9, 9]]}, "line 1 is not a frame's regions"),
        ({"frame": 0, "box": []}, "not a regions file"),
    ],
)
def test_a_bad_box_by_hand_is_named(tmp_path: Path, line: object, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_regions(by_hand(tmp_path, line))


def test_a_file_may_be_compressed(tmp_path: Path) -> None:
    path = written(tmp_path, "regions.jsonl.gz")
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert read_regions(path) == (HEADER, COVERAGES)


def test_a_compressed_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "regions.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ConfigError, match="cannot be read to its end"):
        read_regions(path)
