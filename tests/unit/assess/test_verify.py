"""A finished output judged from outside: what must not pass does not.

The clips show the known face that comes with blurcam, on grey. A verifier that looks at nothing
was seen to fail here: with the search taken out, the unredacted face passes as empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from blurcam import Config, run
from blurcam.assess.changed_areas import ChangedAreas
from blurcam.assess.output_search import OutputSearch
from blurcam.assess.planted_faces import Planted, is_found, plantings
from blurcam.assess.verification import Verification, VerificationVerdict
from blurcam.assess.verify import independent_of, verify
from blurcam.detect.selftest import known_face
from blurcam.errors import ConfigError
from blurcam.settings.redaction import AudioPolicy, Detect
from tests.support.clips import ffmpeg
from tests.support.program import blurcam

FRAMES = 40


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that walks across a grey picture."""
    path = tmp_path_factory.mktemp("verify") / "face.mkv"
    portrait, _ = known_face()
    portrait = cv2.resize(portrait, None, fx=0.8, fy=0.8)
    high, wide = portrait.shape[:2]
    raw = path.with_suffix(".bgr")
    with raw.open("wb") as file:
        for seq in range(FRAMES):
            picture = np.full((240, 320, 3), 110, np.uint8)
            picture[30 : 30 + high, 2 * seq : 2 * seq + wide] = portrait[: 240 - 30]
            file.write(picture.tobytes())
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "320x240", "-r", "25", "-i", raw,
           "-c:v", "libx264", "-pix_fmt", "yuv420p", path)  # fmt: skip
    return path


@pytest.fixture(scope="module")
def redacted(clip: Path) -> Path:
    out = clip.with_name("redacted.mp4")
    summary = clip.with_name("summary.json")
    assert run(Config(clip, out, summary=summary, detect=Detect(profile="near"))).tracks == 1
    return out


@pytest.fixture(scope="module")
def empty(clip: Path) -> Path:
    out = clip.with_name("empty.mp4")
    ffmpeg("-f", "lavfi", "-i", "color=c=gray:s=320x240:r=25:d=1.6", "-c:v", "libx264", out)
    return out


def verified(
    output: Path, against: Path | None = None, audio: AudioPolicy = "drop", **asked: Any
) -> Verification:
    said = list(verify(output, against, redactor="mediapipe", every=0.4, audio=audio, **asked))
    assert isinstance(said[-1], Verification)
    return said[-1]


def test_a_redaction_passes_against_its_input(clip: Path, redacted: Path) -> None:
    found = verified(redacted, clip)
    assert (found.verdict, found.problems, found.seen) == (VerificationVerdict.PASS, (), ())
    assert (found.frames, found.effort.frames) == (FRAMES, FRAMES)
    assert found.effort.whole == 5  # one every 0.4 s, and the last
    assert found.sampled == found.effort.whole + found.effort.parts
    assert 0 < found.effort.searched_share < 2
    listed = json.loads(clip.with_name("summary.json").read_text(encoding="utf-8"))
    assert listed["doubtful_count"] == len(listed["doubtful"])
    again = verified(redacted, clip, summary=clip.with_name("summary.json"))
    assert (again.verdict, bool(again.effort.places)) == (found.verdict, bool(listed["doubtful"]))
    assert found.sees_from is not None


def test_a_face_that_was_not_redacted_is_seen_from_when_to_when(clip: Path) -> None:
    found = verified(clip)
    assert found.verdict is VerificationVerdict.REVIEW
    assert (found.seen_count, found.seen[0].time) == (1, 0.0)
    assert found.seen[0].until == pytest.approx(1.6)
    assert found.exposure_s == pytest.approx(1.6)
    portrait, face = known_face()
    assert portrait.shape[0] > face.height
    assert abs(found.seen[0].y0 - (30 + 0.8 * face.y0)) < 15


def test_every_frame_is_searched_fully_if_asked(clip: Path) -> None:
    *_, found = verify(clip, redactor="mediapipe", every=0)
    assert isinstance(found, Verification)
    assert (found.effort.whole, found.effort.parts) == (FRAMES, 0)
    assert found.seen[0].frames == FRAMES


def test_nothing_found_at_all_passes_only_as_empty(empty: Path) -> None:
    found = verified(empty)
    assert found.verdict is VerificationVerdict.PASS_EMPTY
    assert found.planted_found > 10


def test_a_blind_detector_proves_nothing(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OutputSearch, "search", lambda *given, **named: ())
    found = verified(empty)
    assert found.verdict is VerificationVerdict.REVIEW
    assert "did not find every planted face" in found.doubts[0]


def test_a_blind_comparison_proves_nothing(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A face that shows on one frame only would not be searched for."""
    monkeypatch.setattr(ChangedAreas, "show", lambda *given: [])
    found = verified(empty)
    assert found.verdict is VerificationVerdict.REVIEW
    assert "to be noticed" in found.doubts[0]


def cut(source: Path, target: Path) -> None:
    content = source.read_bytes()
    target.write_bytes(content[: len(content) * 2 // 3])


def slow_down(source: Path, target: Path) -> None:
    ffmpeg("-itsscale", "1.25", "-i", source, "-c", "copy", target)


def drop_frames(source: Path, target: Path) -> None:
    ffmpeg("-i", source, "-c:v", "libx264", "-frames:v", FRAMES - 3, target)


def shrink(source: Path, target: Path) -> None:
    ffmpeg("-i", source, "-c:v", "libx264", "-vf", "scale=160:120", target)


def add_sound(source: Path, target: Path) -> None:
    tone = ("-f", "lavfi", "-i", "sine=d=1.6")
    ffmpeg("-i", source, *tone, "-c:v", "copy", "-shortest", target)


def add_place(source: Path, target: Path) -> None:
    ffmpeg("-i", source, "-c", "copy", "-metadata", "location=+59.91+10.75/", target)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (cut, ""),
        (slow_down, "from its time"),
        (drop_frames, "has 37 frames, and the input 40"),
        (shrink, "is 160x120, and the input 320x240"),
        (add_sound, "holds a stream of audio"),
        (add_place, "carries metadata: LOCATION="),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_differs_from_its_input_fails(
    clip: Path,
    redacted: Path,
    tmp_path: Path,
    damage: Callable[[Path, Path], None],
    problem: str,
) -> None:
    broken = tmp_path / "broken.mkv"
    if damage is cut:
        ffmpeg("-i", redacted, "-c", "copy", tmp_path / "whole.mkv")
        cut(tmp_path / "whole.mkv", broken)
    else:
        damage(redacted, broken)
    found = verified(broken, clip)
    assert found.verdict is VerificationVerdict.FAIL
    assert any(problem in each for each in found.problems), found.problems


def test_sound_may_be_there_if_it_was_asked_for(redacted: Path, tmp_path: Path) -> None:
    with_sound = tmp_path / "sound.mkv"
    add_sound(redacted, with_sound)
    assert verified(with_sound, audio="copy").verdict is not VerificationVerdict.FAIL


def test_what_looks_like_a_face_and_is_not_the_input_is_cover(clip: Path, tmp_path: Path) -> None:
    """With the input at hand, a fill between hair and collar is told from a face."""
    other = tmp_path / "other.mp4"
    ffmpeg("-i", clip, "-vf", "hflip", "-c:v", "libx264", other)
    found = verified(clip, other)
    assert found.dismissed
    assert found.seen_count == 0


def test_the_detector_is_another_than_the_one_that_redacted() -> None:
    assert independent_of("centerface") in ("yunet", "mediapipe")
    assert independent_of("centerface+yunet") == "mediapipe"
    assert independent_of("yunet+mediapipe") == "centerface"


def test_a_redactor_that_is_no_detector_is_refused() -> None:
    with pytest.raises(ConfigError, match='no detector "CenterFace"'):
        independent_of("CenterFace")


def test_combined_detectors_verify_too(clip: Path) -> None:
    *_, found = verify(clip, redactor="mediapipe", detector="centerface+yunet")
    assert isinstance(found, Verification)
    assert (found.detector, found.seen_count) == ("centerface+yunet", 1)


def test_planted_faces_say_from_which_height_on_all_are_found() -> None:
    planted = Planted({16: [2, 1], 24: [2, 2], 32: [2, 1], 48: [2, 2], 64: [1, 1]})
    assert planted.sees_from == 48
    assert planted.all_found(48)
    assert not planted.all_found(24)
    assert not Planted.none().all_found(24)


def test_faces_are_planted_where_they_are_said_to_be() -> None:
    blank = np.full((240, 320, 3), 110, np.uint8)
    for height, picture, where in plantings(blank, seed=1):
        assert abs(where.height - height) <= 2
        assert picture[where.y0 : where.y1, where.x0 : where.x1].mean() > 50
        assert not is_found(where, ())


def test_verify_on_the_command_line(clip: Path, redacted: Path) -> None:
    good = blurcam("verify", redacted, "--against", clip, "--redacted-by", "mediapipe")
    assert good.returncode == 0, good.stderr
    last = json.loads(good.stderr.strip().splitlines()[-1])
    assert (last["verdict"], last["seen"]) == ("pass", 0)
    bad = blurcam("verify", clip, "--redacted-by", "mediapipe")
    assert bad.returncode == 3
    assert "looks like a face from 0.00 to 1.60 s" in bad.stderr
    lost = clip.with_name("lost.mp4")
    drop_frames(redacted, lost)
    assert blurcam("verify", lost, "--against", clip, "--redacted-by", "mediapipe").returncode == 4
    misspelt = blurcam("verify", redacted, "--redacted-by", "CenterFace")
    assert misspelt.returncode == 2
    assert blurcam("verify", clip.with_name("nowhere.mp4")).returncode == 1
