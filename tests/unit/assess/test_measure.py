"""Labels in, and how much of what they say lies under the mask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blurcam.assess.labels import LabelledFace, read_labels
from blurcam.assess.measure import Measure
from blurcam.detect.detector import Detection
from blurcam.errors import ConfigError
from blurcam.media.regions import Basis, Box, Coverage, Region

SIZE = (200, 200)
LARGE, SMALL = Box(20, 20, 60, 90), Box(120, 120, 138, 140)


def covering(*boxes: Box) -> Coverage:
    return Coverage(0, tuple(Region(box.grown(1.4), Basis.DETECTED) for box in boxes))


def test_faces_are_counted_by_height() -> None:
    measure = Measure()
    faces = (
        LabelledFace("1", LARGE),
        LabelledFace("2", SMALL),
        LabelledFace("3", Box(0, 0, 50, 70), visible=0.3),
    )
    measure.add(faces, covering(LARGE), [Detection(LARGE, 0.9)], SIZE, where="0")
    assert {k: v for k, v in measure.by_height().items() if v["faces"]} == {
        "16-24": {"faces": 1, "covered": 0, "searched": 1, "detected": 0},
        "64-128": {"faces": 1, "covered": 1, "searched": 1, "detected": 1},
    }
    assert measure.exposed_from(16) == 1
    assert measure.exposed_from(64) == 0


def test_faces_on_frames_that_were_not_searched_are_not_counted_as_missed() -> None:
    measure = Measure()
    measure.add(
        [LabelledFace("1", LARGE)], covering(LARGE), [Detection(LARGE, 0.9)], SIZE, where="0"
    )
    measure.add(
        [LabelledFace("1", LARGE), LabelledFace("2", SMALL)], covering(LARGE), None, SIZE, where="1"
    )
    _, small, large, _ = measure.lines()
    assert small.split() == ["16-24", "1", "0.0%", "-"]
    assert large.split() == ["64-128", "2", "100.0%", "100.0%"]


def test_exposure_in_time_is_told_by_person() -> None:
    measure = Measure()
    for n, shown in enumerate([False, True, False, False, True, False]):
        coverage = covering(LARGE) if shown else Coverage(0, ())
        measure.add(
            [LabelledFace("1", LARGE)], coverage, None, SIZE, where=str(n), time=n / 10, step=0.1
        )
    assert measure.video() == {
        "exposed_face_frames": 4,
        "exposed_face_seconds_per_hour": pytest.approx(2400),
        "persons": 1,
        "persons_ever_exposed": 1,
        "longest_exposed_s": pytest.approx(0.2),
        "most_frames_before_cover": 1,
        "flickers": 1,
    }


def test_what_is_found_where_no_face_is_is_false() -> None:
    measure = Measure()
    invalid, tiny = LabelledFace("1", SMALL, counts=False), LabelledFace("2", Box(0, 0, 6, 6))
    lamp, speck = Box(150, 20, 180, 50), Box(100, 10, 105, 16)
    found = [Detection(box, 0.5) for box in (LARGE, SMALL, Box(0, 0, 7, 8), lamp, speck)]
    measure.add([LabelledFace("3", LARGE), invalid, tiny], covering(LARGE), found, SIZE, where="0")
    assert measure.false == 1
    assert measure.faces == 1


def test_needless_cover_is_what_lies_far_from_every_face() -> None:
    measure = Measure()
    measure.add([], covering(Box(50, 50, 150, 150)), [], SIZE, where="0")
    assert 0.2 < measure.over_cover < 0.6
    near = Measure()
    near.add([LabelledFace("1", LARGE)], covering(LARGE), [], SIZE, where="0")
    assert near.over_cover == 0


FORMATS = {
    "wider.csv": "image,x,y,w,h,blur,invalid\na.jpg,20,20,40,70,0,0\na.jpg,1,1,9,9,0,1\n",
    "coco.json": json.dumps(
        {
            "images": [{"id": 7, "file_name": "a.jpg"}],
            "annotations": [
                {"id": 1, "image_id": 7, "bbox": [20, 20, 40, 70]},
                {"id": 2, "image_id": 7, "bbox": [1, 1, 9, 9], "iscrowd": 1},
            ],
        }
    ),
    "video.csv": "frame,person,x0,y0,x1,y1\n3,1,20,20,60,90\n3,2,1,1,10,10\n",
    "mot.txt": "4,1,20,20,40,70,1,1,1\n4,2,1,1,9,9,0,1,0.5\n",
    "sample.json": json.dumps(
        {
            "frames": [
                {"seq": 3, "faces": [
                    {"track": 1, "x0": 20, "y0": 20, "x1": 60, "y1": 90},
                    {"track": 2, "x0": 1, "y0": 1, "x1": 10, "y1": 10, "visible": 0.5},
                ]}
            ]
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMATS[name], encoding="utf-8")
    labels = read_labels(path)
    first, second = (labels.pictures.get("a.jpg") or labels.frames[3])[:2]
    assert (first.box, first.counts) == (LARGE, True)
    assert second.box == Box(1, 1, 10, 10)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no labels"),
        ("image,x,y,w,h\n", "no labels"),
        ("image,x,y,w,h\na.jpg,1,2,three,4\n", "row 2"),
        ("frame,person,x0,y0,x1,y1\n0,1,1,1,5,5\n1,1,1,1\n", "row 3"),
        ("1,1,20,20,40,70,1,1,1\n1,x,1,1,9,9,0,1,0.5\n", "row 2"),
        ("these are words\n", "not labels that blurcam knows"),
        ("{oops", "not JSON"),
        ('{"a": 1}', "not labels that blurcam knows"),
        ('{"frames": [{"seq": 0}]}', "frame 1"),
        ('{"images": [], "annotations": [{"image_id": 3, "bbox": [1,2,3,4]}]}', "annotation 1"),
    ],
)
def test_wrong_labels_are_refused_by_row(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_labels(path)


def test_a_box_outside_the_picture_is_refused_by_row(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("image,x,y,w,h\na.jpg,5,5,9,9\na.jpg,500,5,9,9\n", encoding="utf-8")
    labels = read_labels(path)
    with pytest.raises(ConfigError, match="row 3"):
        labels.refuse_outside(labels.pictures["a.jpg"], 100, 100)
