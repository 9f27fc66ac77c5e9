"""Outputs that leak do not pass: a bare face for a frame, in the dark, turned, whatever the clock.

Each shows the known face on some frames of a scene with something that moves. With a verifier that
searches one frame a second every one of them passed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blurcam.assess.changed_areas import CELL, ChangedAreas
from blurcam.assess.doubtful_places import doubtful_places, places_of_summary
from blurcam.assess.verification import Verification, VerificationVerdict
from blurcam.assess.verify import verify
from blurcam.detect.selftest import known_face
from blurcam.errors import ConfigError
from blurcam.media.regions import Box
from tests.support.clips import ffmpeg

Picture = NDArray[np.uint8]
WIDE, HIGH, FRAMES = 320, 240, 60


def scene(number: int) -> Picture:
    """A wall, and a box that moves along it."""
    picture = np.full((HIGH, WIDE, 3), 110, np.uint8)
    picture[::16] = 140
    x = 4 * number % (WIDE - 40)
    picture[190:220, x : x + 30] = (40, 90, 160)
    return picture


def with_face(picture: Picture, x: int = 120, roll: float = 0) -> Picture:
    portrait, _ = known_face()
    portrait = np.asarray(cv2.resize(portrait, None, fx=0.5, fy=0.5), np.uint8)
    high, wide = portrait.shape[:2]
    if roll:
        turn = cv2.getRotationMatrix2D((wide / 2, high / 2), roll, 1)
        edge = cv2.BORDER_REPLICATE
        portrait = np.asarray(cv2.warpAffine(portrait, turn, (wide, high), borderMode=edge))
    x = min(x, WIDE - wide)
    picture[20 : 20 + high, x : x + wide] = portrait[: HIGH - 20]
    return picture


def bare(*frames: int) -> Callable[[int], Picture]:
    return lambda n: with_face(scene(n)) if n in frames else scene(n)


def crossing(number: int) -> Picture:
    """Twenty of its widths a second."""
    return with_face(scene(number), 45 * (number - 30)) if 30 <= number < 36 else scene(number)


def night(number: int) -> Picture:
    """A gain of 0.12 and noise: what a camera without light sends."""
    noise = np.random.default_rng(number).normal(0, 5, (HIGH, WIDE, 1))
    picture = with_face(scene(number)) if 30 <= number < 33 else scene(number)
    return np.asarray(np.clip(picture * 0.12 + noise, 0, 255), np.uint8)


def upside_down(number: int) -> Picture:
    return np.ascontiguousarray(bare(30, 31)(number)[::-1, ::-1])


def hung_upside_down(number: int) -> Picture:
    return np.ascontiguousarray(with_face(scene(number))[::-1, ::-1])


def rolled(number: int) -> Picture:
    return with_face(scene(number), roll=135)


def combed(number: int) -> Picture:
    """Every second row is of the frame before, as in interlaced footage; a face walks by."""
    here, before = (
        with_face(scene(n), 100 + 4 * n) if 30 <= number < 34 else scene(n)
        for n in (number, number - 1)
    )
    here[1::2] = before[1::2]
    return here


LEAKS: dict[str, tuple[Callable[[int], Picture], int, tuple[str, ...]]] = {
    "bare for one frame": (bare(37), 25, ()),
    "bare for three frames": (bare(37, 38, 39), 25, ()),
    "time stamps twenty times too dense": (bare(37, 38, 39), 500, ()),
    "crosses in a quarter of a second": (crossing, 25, ()),
    "combed": (combed, 25, ()),
    "at night": (night, 25, ()),
    "upside down by its display matrix": (upside_down, 25, ("-display_rotation", "180")),
    "hung upside down": (hung_upside_down, 25, ()),
    "a rolled head": (rolled, 25, ()),
}


def written(path: Path, draw: Callable[[int], Picture], rate: int, turn: tuple[str, ...]) -> Path:
    raw = path.with_suffix(".bgr")
    raw.write_bytes(b"".join(draw(number).tobytes() for number in range(FRAMES)))
    plain = path.with_suffix(".mkv")
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDE}x{HIGH}", "-r", rate, "-i", raw,
           "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p",
           plain)  # fmt: skip
    ffmpeg(*turn, "-i", plain, "-c", "copy", path)
    return path


def judged(path: Path, **asked: Path) -> Verification:
    *_, found = verify(path, redactor="mediapipe", **asked)
    assert isinstance(found, Verification)
    return found


def test_the_scene_without_a_face_passes(tmp_path: Path) -> None:
    found = judged(written(tmp_path / "out.mp4", scene, 25, ()))
    assert (found.verdict, found.seen) == (VerificationVerdict.PASS_EMPTY, ())


@pytest.mark.parametrize("kind", LEAKS)
def test_an_output_that_leaks_does_not_pass(kind: str, tmp_path: Path) -> None:
    draw, rate, turn = LEAKS[kind]
    found = judged(written(tmp_path / "out.mp4", draw, rate, turn))
    assert found.verdict is VerificationVerdict.REVIEW
    assert found.seen, list(found.lines())
    assert found.seen_count <= 3


def test_gaps_and_ends_of_tracks_are_searched_if_the_regions_are_known(tmp_path: Path) -> None:
    path = tmp_path / "regions.jsonl"
    head = (
        '{"format": 1, "input_sha256": "", "width": 320, "height": 240, "frame_count": 60, '
        '"settings": {}, "version": ""}'
    )
    lines = [head]
    for seq in range(60):
        basis = "bridged" if 20 <= seq < 24 else "detected"
        region = (
            f'{{"id": 0, "x0": 100, "y0": 20, "x1": 140, "y1": 70, "basis": "{basis}", '
            '"track": 1, "confidence": 0.9, "shape": "ellipse"}'
        )
        here = region if 10 <= seq < 40 else ""
        lines.append(f'{{"seq": {seq}, "pts": {seq}, "time": 0, "made": 1, "regions": [{here}]}}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    places = doubtful_places(path)
    assert sorted(places) == [7, 8, 9, 20, 22, 40, 41, 42]
    assert all(box.contains(Box(100, 20, 140, 70)) for boxes in places.values() for box in boxes)
    found = judged(written(tmp_path / "out.mp4", scene, 25, ()), regions=path)
    assert found.effort.places == 8


def test_the_places_that_a_summary_lists_are_searched(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    place = {"frame": 20, "until_frame": 24, "x0": 100, "y0": 20, "x1": 140, "y1": 70}
    path.write_text(json.dumps({"doubtful": [place]}), encoding="utf-8")
    assert sorted(places_of_summary(path)) == [17, 19, 21, 23, 25, 27]
    long = place | {"until_frame": 20_000}
    path.write_text(json.dumps({"doubtful": [long]}), encoding="utf-8")
    assert len(places_of_summary(path)) <= 25
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="not the summary of a run"):
        places_of_summary(path)


def test_what_changed_is_searched_until_it_was_searched() -> None:
    changes = ChangedAreas()
    still = np.full((120, 160), 90, np.uint8)
    assert changes.show(still) == [Box(0, 0, 160, 120)]
    changes.searched()
    assert changes.show(still) == []
    changed = still.copy()
    changed[40:64, 80:104] = 120
    (area,) = changes.show(changed)
    assert area.contains(Box(80, 40, 104, 64))
    assert changes.show(changed) == [area]
    changes.searched([area])
    assert changes.show(changed) == []


def test_light_that_changes_everywhere_is_no_change() -> None:
    changes = ChangedAreas()
    still = np.random.default_rng(1).integers(60, 160, (120, 160)).astype(np.uint8)
    changes.show(still)
    changes.searched()
    assert changes.show(np.asarray(still + 20, np.uint8)) == []


def test_noise_raises_the_bound_and_a_face_still_stands_out() -> None:
    drawn = np.random.default_rng(2)
    changes = ChangedAreas()

    def noisy(base: Picture) -> Picture:
        return np.clip(base + drawn.normal(0, 12, base.shape), 0, 255).astype(np.uint8)

    still = np.full((240, 320), 90, np.uint8)
    changes.show(noisy(still))
    changes.searched()
    quiet = [bool(changes.show(noisy(still))) for _ in range(40)]
    assert sum(quiet[20:]) <= 2
    changed = still.copy()
    changed[80 : 80 + 3 * CELL, 80 : 80 + 3 * CELL] = 130
    assert any(a.contains(Box(80, 80, 104, 104)) for a in changes.show(noisy(changed)))
