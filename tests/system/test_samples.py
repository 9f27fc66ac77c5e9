"""The sample videos have in them what they are for."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.clips import facts, frame_times

FOLDER = Path(__file__).parents[2] / "sample_videos"
NAMES = ("street", "door")


def faces() -> list[dict[str, float]]:
    found = []
    for name in NAMES:
        for frame in json.loads((FOLDER / f"{name}.json").read_text())["frames"]:
            found += [face for face in frame["faces"] if face["visible"] >= 0.6]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_has_every_frame_at_its_time(name: str) -> None:
    frames = json.loads((FOLDER / f"{name}.json").read_text())["frames"]
    times = frame_times(FOLDER / f"{name}.mp4")
    assert [frame["time"] for frame in frames] == pytest.approx([float(t) for t in times], abs=1e-5)
    assert 10 <= times[-1] <= 20


def test_the_clips_are_what_they_are_said_to_be() -> None:
    street, door = (facts(FOLDER / f"{name}.mp4") for name in NAMES)
    assert "h264" in street
    assert "1920x1080" in street
    assert "hevc" in door
    assert "1280x720" in door
    times = frame_times(FOLDER / "door.mp4")
    assert len({b - a for a, b in pairwise(times)}) >= 4


@pytest.mark.parametrize(("low", "high"), [(16, 24), (24, 32), (32, 64), (64, 1000)])
def test_every_size_is_there_often_and_turned(low: int, high: int) -> None:
    heights = [face for face in faces() if low <= face["y1"] - face["y0"] < high]
    assert len(heights) >= 300
    turns = Counter(
        "turned" if abs(face["yaw"]) > 40 else "frontal"
        for face in heights
        if not 15 < abs(face["yaw"]) <= 40
    )
    assert turns["turned"] >= 60
    assert turns["frontal"] >= 50


def test_people_pass_behind_things_and_there_is_an_empty_stretch() -> None:
    document = json.loads((FOLDER / "street.json").read_text())
    assert any(face["visible"] < 0.3 for frame in document["frames"] for face in frame["faces"])
    empty = [frame["time"] for frame in document["frames"] if not frame["faces"]]
    assert max(empty) - min(empty) >= 1
