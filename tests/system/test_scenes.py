"""The scenes are what they say, their judge can tell, and no face of them is exposed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.footage import ffmpeg
from benchmarks.scenes.catalogue import SCENES, SHORT, footage
from benchmarks.scenes.decoding import grey_frames
from benchmarks.scenes.effects import Moment, Number, read_number
from benchmarks.scenes.exposure import is_exposed, is_recognisable, likeness, longest_run
from benchmarks.scenes.filemode import How, file_row
from benchmarks.scenes.fog import fog
from benchmarks.scenes.frames import TIME_BASE, draw, moments
from benchmarks.scenes.judging import judge, judge_control
from benchmarks.scenes.livemode import live_row, numbered
from benchmarks.scenes.making import made
from benchmarks.scenes.matching import by_number, by_time, times
from benchmarks.scenes.rows import failed
from benchmarks.scenes.table import PAGE, write_page
from benchmarks.scenes.truth import Face, Picture, grey
from benchmarks.scenes.values import Clock, Scene, Stored
from tests.proof.scenes import BROKEN

# Scenes in which today's loop still exposes a face. Only ever fewer.
NOT_YET: set[str] = set()
DRAWN = [name for name, scene in SCENES.items() if scene.kind != "real"]


def day() -> tuple[Picture, tuple[Face, ...]]:
    """The last frame of the plainest scene."""
    *_, last = draw(SCENES["day"])
    return grey(last.picture), last.faces


def covered(frame: Picture, face: Face, share: float = 1.0) -> Picture:
    """Fill so much of a face's surroundings, from the left, smoothly."""
    rows, columns = face.box.grown(1.4).within(frame.shape[1], frame.shape[0])
    end = columns.start + round((columns.stop - columns.start) * share)
    made = frame.copy()
    ramp = np.linspace(90, 110, end - columns.start)
    made[rows, columns.start : end] = ramp.astype(np.uint8)
    return made


def short(name: str) -> pytest.ParameterSet:
    marks = [pytest.mark.xfail(strict=True)] if name in NOT_YET else []
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [short(name) for name in SHORT])
def test_no_face_is_exposed(name: str) -> None:
    scene = SCENES[name]
    # Elsewhere the detector sees every face.
    how = How(asks=name == "night")
    assert file_row(made(scene), scene.kind, scene.options, how).misses == ()


def test_a_row_sees_a_loop_that_loses_faces_between_searches() -> None:
    scene = SCENES["rate-5"]
    row = file_row(made(scene), scene.kind, (), BROKEN)
    assert row.faces.exposed > row.faces.counted / 2
    assert any("exposed" in miss for miss in row.misses)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DRAWN, *(n for n in SCENES if n not in DRAWN)])
def test_every_row_sees_a_loop_that_loses_faces_between_searches(name: str) -> None:
    scene = SCENES[name]
    row = file_row(made(scene), scene.kind, scene.options, BROKEN)
    assert any("exposed" in miss for miss in row.misses)


@pytest.mark.slow
def test_a_camera_that_loses_faces_between_searches_is_seen() -> None:
    scene = SCENES["day"]
    row = live_row(made(numbered(scene)), scene.kind, (), BROKEN)
    assert any("exposed" in miss for miss in row.misses)


def test_there_are_forty_scenes_of_every_kind_and_faces_enough() -> None:
    assert len(DRAWN) >= 40
    kinds = {SCENES[name].kind for name in DRAWN}
    assert kinds == {
        "camera", "edited", "fast", "letters", "light", "many", "pop", "pose", "stored", "times",
    }  # fmt: skip
    assert all(2 <= sum(s.seconds for s in SCENES[n].shots) <= 12 or n[:4] in ("rate", "sped")
               for n in DRAWN)  # fmt: skip


@pytest.mark.skipif(footage.is_there(), reason="BLURCAM_EVAL_DATA has the recording")
def test_without_labelled_footage_there_are_only_drawn_scenes() -> None:
    assert {scene.kind for scene in SCENES.values()} & {"real"} == set()


def test_a_face_in_plain_sight_is_exposed_and_a_covered_one_is_not() -> None:
    frame, faces = day()
    for face in faces:
        bare = likeness(face, frame)
        assert bare.correlation > 0.99
        assert is_recognisable(bare)
        assert is_exposed(bare, bare)
        assert not is_exposed(likeness(face, covered(frame, face)), bare)


def test_a_face_that_is_covered_by_half_is_exposed() -> None:
    frame, faces = day()
    for face in faces:
        assert is_exposed(likeness(face, covered(frame, face, 0.5)), likeness(face, frame))


def test_noise_over_a_cover_is_no_face() -> None:
    frame, faces = day()
    rng = np.random.default_rng(1)
    for face in faces:
        noisy = covered(frame, face) + rng.normal(0, 5, frame.shape)
        seen = likeness(face, np.clip(noisy, 0, 255).astype(np.uint8))
        assert not is_exposed(seen, likeness(face, frame))


def test_a_face_in_the_dark_is_recognised_for_what_it_is() -> None:
    frame, faces = day()
    rng = np.random.default_rng(2)
    dark = np.clip(0.12 * frame + rng.normal(0, 5, frame.shape), 0, 255).astype(np.uint8)
    black = np.clip(0.005 * frame + rng.normal(5, 5, frame.shape), 0, 255).astype(np.uint8)
    largest = max(faces, key=lambda face: face.box.height)
    assert is_recognisable(likeness(largest, dark))
    assert not is_recognisable(likeness(largest, black))


def test_fog_is_what_changed_away_from_faces() -> None:
    frame, faces = day()
    face = max(faces, key=lambda face: face.box.height)
    on_face = fog([(frame, covered(frame, face), [face])], 3.0)
    assert on_face.changed > 0.005
    assert on_face.outside == 0
    elsewhere = fog([(frame, covered(frame, face), [])], 3.0)
    assert elsewhere.outside == elsewhere.changed == on_face.changed
    assert on_face.fully_covered == ()
    grey_frame = np.full_like(frame, 128)
    pairs = [(frame, frame, []), (frame, grey_frame, [])]
    assert fog(pairs, 3.0).fully_covered == (1,)
    mirrored = np.ascontiguousarray(frame[:, ::-1])
    assert not fog([(frame, mirrored, [])], 3.0).is_same_scene
    *_, large = draw(SCENES["huge"])
    drawn, face = grey(large.picture), large.faces[0]
    assert fog([(drawn, covered(drawn, face), [face])], 3.0).is_same_scene


def test_runs_are_of_frames_that_follow_one_another() -> None:
    assert longest_run([]) == 0
    assert longest_run([4]) == 1
    assert longest_run([9, 3, 4, 5, 8]) == 3


def test_a_number_is_read_from_a_coded_frame_and_not_from_a_covered_one(tmp_path: Path) -> None:
    frame = np.full((96, 256, 3), 90, np.uint8)
    for number in (0, 1, 777, 4095):
        coded = grey(Number().apply(frame, Moment(number, 0)))
        assert read_number(coded) == number
        blurred = cv2.GaussianBlur(coded, (0, 0), 1.0)
        assert read_number(np.asarray(blurred, np.uint8)) == number
        wrong = coded.copy()
        wrong[-8:, :8] = 255 - wrong[-8:, :8]
        assert read_number(wrong) is None
    assert read_number(grey(frame)) is None


def test_frames_that_are_left_out_are_missed_and_the_others_matched(tmp_path: Path) -> None:
    scene = numbered(SCENES["rate-5"])
    recording = made(scene).video
    kept = tmp_path / "kept.mp4"
    ffmpeg("-i", recording, "-vf", r"select=not(between(n\,10\,19))", "-fps_mode", "passthrough",
           "-c:v", "libx264", "-crf", 21, kept)  # fmt: skip
    assert by_number(times(recording), kept) == [*range(10), *range(20, 40)]
    assert by_time(times(recording), times(kept)) == [*range(10), *range(20, 40)]


def clocked(clock: Clock) -> list[tuple[float, float]]:
    scene = replace(SCENES["day"], clock=clock)
    return [(time, pts / TIME_BASE) for time, pts in moments(scene)]


def test_clocks_tell_what_they_say() -> None:
    plain = clocked(Clock())
    assert len(plain) == 100
    assert all(time == pytest.approx(shown, abs=1e-4) for time, shown in plain)
    dense = clocked(Clock(dense=20))
    assert dense[-1] == pytest.approx((3.96, 3.96 / 20), abs=1e-4)
    sped_up = clocked(Clock(speed=10))
    assert sped_up[-1] == pytest.approx((3.6, 0.36), abs=1e-4)
    jumped = clocked(Clock(jump=3600))
    assert jumped[49][1] < 2
    assert jumped[50] == pytest.approx((2.0, 3602.0), abs=1e-4)
    gap = [b - a for (_, a), (_, b) in pairwise(clocked(Clock(gap=1.0)))]
    assert max(gap) == pytest.approx(1.04, abs=1e-4)
    bursts = [b - a for (_, a), (_, b) in pairwise(clocked(Clock(burst=7, pause=1.0)))]
    assert bursts[:8] == pytest.approx([0.04] * 6 + [1.0, 0.04], abs=1e-4)
    jitter = [b - a for (_, a), (_, b) in pairwise(clocked(Clock(jitter=0.9)))]
    assert min(jitter) < 0.01 < 0.06 < max(jitter)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_players_show_what_was_drawn_however_it_is_stored(
    rotation: int, is_mirrored: bool, container: str
) -> None:
    stored = Stored(container, rotation, is_mirrored)  # type: ignore[arg-type]
    plain = SCENES["day"]
    scene = replace(plain, name="stored", shots=(replace(plain.shots[0], seconds=0.12),),
                    stored=stored)  # fmt: skip
    shown = list(grey_frames(made(scene).video))
    drawn = [grey(each.picture) for each in draw(scene)]
    assert len(shown) == len(drawn) == 3
    for a, b in zip(shown, drawn, strict=True):
        assert np.abs(a.astype(float) - b).mean() < 12


def test_a_person_who_stands_behind_is_hidden() -> None:
    seen: list[tuple[float, ...]] = []
    for frame in draw(SCENES["passing"]):
        own = {face.who: float(face.own.mean()) for face in frame.faces}
        seen.append((own.get(0, 0.0), own.get(1, 0.0)))
    assert min(first for first, _ in seen) < 0.3
    assert max(first for first, _ in seen) > 0.9
    assert min(second for _, second in seen) > 0.6


def test_an_unredacted_output_exposes_all_that_is_counted_and_frames_are_not_foggy() -> None:
    scene = made(SCENES["rate-5"])
    control = judge_control(scene)
    output = judge(scene, scene.control, control, list(range(scene.truth.frames)))
    counted = [sight for sight in output.sights if control.counts(sight.face)]
    assert len(counted) > 0.9 * len(scene.truth.faces)
    assert all(control.exposed(sight) for sight in counted)
    assert output.fog.changed < 0.002
    assert output.fog.is_same_scene


def test_the_table_of_a_run_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "scenes.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    row = failed("day", "light", "live", "ended with 1")
    for how in ("once", "again"):
        write_page([row], "live", how, page)
    text = page.read_text(encoding="utf-8")
    assert "again\n\n| scene | kind |" in text
    assert "once\n" not in text
    assert "| day | light | 0 | 0 | 0 | 0 |" in text
    assert text.endswith("<!-- end of live -->\n")


def test_a_scene_is_known_by_what_it_is() -> None:
    def path(scene: Scene) -> Path:
        return made(scene).video

    tiny = replace(SCENES["rate-5"], name="tiny", clock=Clock(rate=1))
    assert path(tiny) == path(replace(tiny))
    assert path(tiny) != path(replace(tiny, clock=Clock(rate=1.5)))
