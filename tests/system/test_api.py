"""blurcam from Python, and the examples in the docs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blurcam import Cover, Detect, find_faces, redact_frames, redact_image
from blurcam.detect import selftest
from blurcam.errors import ConfigError
from tests.support.clips import moving_clip

ROOT = Path(__file__).parents[2]
PORTRAIT = Path(selftest.__file__).parent / "known-face.jpg"


def pictures(count: int, *, with_face: bool) -> list[np.ndarray]:  # type: ignore[type-arg]
    import cv2

    face = cv2.imread(str(PORTRAIT))
    assert face is not None
    made = []
    for _ in range(count):
        picture = np.full((240, 320, 3), (60, 120, 180), np.uint8)
        if with_face:
            picture[20:220, 60 : 60 + face.shape[1]] = face
        made.append(picture)
    return made


def test_pictures_come_out_in_order_and_their_faces_do_not() -> None:
    given = pictures(4, with_face=True)
    kept = [picture.copy() for picture in given]
    out = list(redact_frames(given, rate=25, effect="solid"))
    assert len(out) == 4
    for before, copy, after in zip(given, kept, out, strict=True):
        np.testing.assert_array_equal(before, copy)  # never written to
        assert (after[100, 145] != before[100, 145]).any()
        np.testing.assert_array_equal(after[:10], before[:10])


def test_pictures_without_a_face_come_out_as_they_went_in() -> None:
    given = pictures(3, with_face=False)
    for before, after in zip(given, redact_frames(given, rate=25), strict=True):
        np.testing.assert_array_equal(before, after)


def test_no_pictures_are_no_pictures() -> None:
    assert list(redact_frames([], rate=25)) == []


@pytest.mark.parametrize(
    "bad",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((9, 8, 3), np.uint8)],
)
def test_a_picture_of_another_kind_is_refused(bad: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(ConfigError, match="frames"):
        list(redact_frames([np.zeros((8, 8, 3), np.uint8), bad], rate=25))


NEAR = Detect(profile="near")


def test_frames_come_out_with_the_boxes_of_what_is_covered() -> None:
    given = pictures(2, with_face=True)
    for before, (after, boxes) in zip(given, redact_frames(given, with_boxes=True), strict=True):
        changed = np.argwhere((before != after).any(axis=2))
        assert boxes
        for row, column in changed[:: max(1, len(changed) // 50)]:
            assert any(x0 <= column < x1 and y0 <= row < y1 for x0, y0, x1, y1 in boxes)


def test_faces_of_an_array_and_of_a_file_are_found(tmp_path: Path) -> None:
    import cv2

    (image,) = pictures(1, with_face=True)
    (face,) = find_faces(image, detect=NEAR)
    assert 100 < face.left < 130
    assert 60 < face.top < 90
    assert face.box == (face.left, face.top, face.right, face.bottom)
    assert 0.3 < face.confidence <= 1
    cv2.imwrite(str(tmp_path / "a.png"), image)
    assert find_faces(tmp_path / "a.png", detect=NEAR) == [face]
    assert find_faces(pictures(1, with_face=False)[0], detect=NEAR) == []


def test_an_image_is_redacted_and_the_one_given_is_not_changed() -> None:
    (image,) = pictures(1, with_face=True)
    kept = image.copy()
    redacted = redact_image(image, effect="solid", detect=NEAR)
    np.testing.assert_array_equal(image, kept)
    assert (redacted[100, 145] != image[100, 145]).any()
    np.testing.assert_array_equal(redacted[:10], image[:10])


def test_own_boxes_are_covered_with_a_margin_and_nothing_is_searched() -> None:
    image = np.arange(240 * 320 * 3, dtype=np.uint32).astype(np.uint8).reshape(240, 320, 3)
    redacted = redact_image(image, boxes=[(100, 100, 140, 150)], effect="solid")
    assert np.ptp(redacted[105:145, 110:130].astype(int)) == 0
    rows, columns = np.nonzero((redacted != image).any(axis=2))
    assert (columns.min(), columns.max() + 1) == (92, 148)
    assert (rows.min(), rows.max() + 1) == (90, 160)
    barely = redact_image(image, boxes=[(100, 100, 140, 150)], cover=Cover(margin=1))
    assert np.nonzero((barely != image).any(axis=2))[1].min() == 100
    with pytest.raises(ConfigError, match="is no box"):
        redact_image(image, boxes=[(5, 5, 5, 9)])


@pytest.mark.parametrize(
    "bad",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8, 3), np.uint8)],
)
def test_an_image_of_another_kind_is_refused(bad: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(ConfigError, match="image: an array of"):
        redact_image(bad)


def test_pictures_from_arrays_load_no_ffmpeg() -> None:
    code = (
        "import sys, numpy as np, blurcam\n"
        "blurcam.redact_image(np.zeros((64, 64, 3), np.uint8), boxes=[(8, 8, 32, 32)])\n"
        "list(blurcam.redact_frames([]))\n"
        "assert 'av' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_examples_in_the_guide_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    moving_clip(tmp_path / "in.mp4")
    guide = (ROOT / "docs" / "guide" / "python.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        exec(compile(example, "python.md", "exec"), {})
    assert (tmp_path / "out.mp4").exists()
