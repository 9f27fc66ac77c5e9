"""blurcam from Python, and the examples in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from blurcam import redact_frames
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


def test_the_examples_in_the_guide_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    moving_clip(tmp_path / "in.mp4")
    guide = (ROOT / "docs" / "guide" / "python.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        exec(compile(example, "python.md", "exec"), {})
    assert (tmp_path / "out.mp4").exists()
