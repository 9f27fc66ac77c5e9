"""Boxes that fit no label: on nothing, or on something that nobody labelled."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from blurcam.assess.extra_boxes import ExtraBox, is_on_nothing, read_extra
from blurcam.assess.measure import Measure
from blurcam.detect.detector import Detection
from blurcam.errors import ConfigError
from blurcam.media.regions import Box, Coverage
from tests.support.program import blurcam

FACE, LAMP, BESIDE = Box(20, 20, 60, 70), Box(100, 20, 130, 60), Box(150, 150, 170, 180)


def test_a_box_is_on_nothing_if_it_was_judged_so_or_never_judged() -> None:
    extra = (ExtraBox(FACE, "face"), ExtraBox(LAMP, "none"))
    assert not is_on_nothing(FACE.grown(1.1), extra)
    assert is_on_nothing(LAMP, extra)
    assert is_on_nothing(BESIDE, extra)


def test_false_boxes_are_counted_by_what_they_lie_on_and_nominally() -> None:
    measure = Measure()
    found = [Detection(box, 0.5) for box in (FACE, LAMP, BESIDE)]
    extra = (ExtraBox(FACE, "head"), ExtraBox(LAMP, "none"))
    measure.add([], Coverage(0, ()), found, (200, 200), where="a.jpg", extra=extra)
    assert (measure.false, measure.on_nothing) == (3, 2)
    assert (measure.false_per_frame, measure.on_nothing_per_frame) == (3, 2)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not judged boxes"),
        ("image,x,y\n", "not judged boxes"),
        ("image,x0,y0,x1,y1,kind\na.jpg,1,2,3,four,none\n", "row 2"),
        ("image,x0,y0,x1,y1,kind\na.jpg,1,2,3,4,none\na.jpg,1,2\n", "row 3"),
    ],
)
def test_wrong_files_are_refused_by_row(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "extra.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_extra(path)


def test_evaluate_tells_both_and_draws_the_sweep(tmp_path: Path) -> None:
    from blurcam.detect.selftest import known_face

    picture, face = known_face()
    assert cv2.imwrite(str(tmp_path / "a.png"), picture)
    labels, extra = tmp_path / "faces.csv", tmp_path / "extra.csv"
    labels.write_text("image,x,y,w,h\na.png,1,1,9,9\n", encoding="utf-8")
    row = f"a.png,{face.x0},{face.y0},{face.x1},{face.y1},face"
    extra.write_text(f"image,x0,y0,x1,y1,kind\n{row}\n", encoding="utf-8")
    result = blurcam(
        "evaluate", tmp_path, "--labels", labels, "--extra", extra,
        "--sweep", "threshold=0.3:0.5:0.1", "--plot", tmp_path / "curve.png",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "false per picture: 1.0" in result.stdout
    assert "on nothing per picture: 0.0" in result.stdout
    assert "1.00 false boxes each (0.00 on nothing)" in result.stdout
    assert cv2.imread(str(tmp_path / "curve.png")) is not None
    wrong = blurcam(
        "evaluate", tmp_path, "--labels", labels, "--plot", tmp_path / "curve.nothing",
    )  # fmt: skip
    assert wrong.returncode == 2
