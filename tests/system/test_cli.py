"""The command line from outside, in a process of its own, as a user meets it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import ffmpeg, frame_hashes
from tests.support.live_cameras import face_clip, wait
from tests.support.program import Result, blurcam


def one_line(result: Result) -> str:
    """The error as told: exactly one line on stderr, nothing on stdout, no traceback."""
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("blurcam: ")
    assert "Traceback" not in result.stderr
    return lines[0]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-g", "5", path)
    return path


@pytest.fixture(scope="module")
def redacted(clip: Path) -> Result:
    folder = clip.parent
    return blurcam(
        "run", clip, folder / "out.mp4", "--regions", folder / "r.jsonl",
        "--summary", folder / "s.json",
    )  # fmt: skip


def test_a_recording_goes_in_and_a_recording_comes_out(clip: Path, redacted: Result) -> None:
    assert redacted.returncode == 0, redacted.stderr
    assert redacted.stdout == ""
    assert len(frame_hashes(clip.parent / "out.mp4")) == 25
    assert "25 frames in: 25 redacted, 0 fully covered, 0 lost" in redacted.stderr


def test_summary_has_the_promised_keys(clip: Path, redacted: Result) -> None:
    assert redacted.returncode == 0
    summary = json.loads((clip.parent / "s.json").read_text())
    assert set(summary) >= {
        "frames_in", "frames_redacted", "frames_covered_whole", "frames_dropped", "frames_lost",
        "tracks", "detector", "threshold", "effect", "duration_s", "wall_s", "input_sha256",
        "output_sha256", "version",
    }  # fmt: skip
    assert (summary["frames_in"], summary["detector"], summary["effect"]) == (
        25,
        "centerface",
        "blur",
    )
    assert summary["duration_s"] == pytest.approx(1.0, abs=0.001)


def test_regions_file_has_a_header_and_a_line_a_frame(clip: Path, redacted: Result) -> None:
    assert redacted.returncode == 0
    header, *lines = map(json.loads, (clip.parent / "r.jsonl").read_text().splitlines())
    assert (header["width"], header["height"], header["frame_count"]) == (320, 240, 25)
    assert [line["seq"] for line in lines] == list(range(25))


def test_render_draws_from_the_regions_file(clip: Path, redacted: Result) -> None:
    assert redacted.returncode == 0
    out = clip.parent / "render.mp4"
    drawn = blurcam("render", clip, out, "--regions", clip.parent / "r.jsonl", "--effect", "solid")
    assert drawn.returncode == 0, drawn.stderr
    assert len(frame_hashes(out)) == 25


def test_render_refuses_regions_of_another_input(
    clip: Path, redacted: Result, tmp_path: Path
) -> None:
    assert redacted.returncode == 0
    other = tmp_path / "other.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=320x240:r=25:d=1", other)
    drawn = blurcam("render", other, tmp_path / "out.mp4", "--regions", clip.parent / "r.jsonl")
    assert drawn.returncode == 2
    assert "made for another input" in one_line(drawn)
    assert not (tmp_path / "out.mp4").exists()


def test_render_draws_from_frames_and_boxes_alone(clip: Path, tmp_path: Path) -> None:
    boxes, out = tmp_path / "boxes.jsonl", tmp_path / "out.mkv"
    lines = [{"frame": n, "boxes": [[100, 60, 200, 160]]} for n in range(25)]
    boxes.write_text("\n".join(map(json.dumps, lines)))
    drawn = blurcam("render", clip, out, "--regions", boxes, "--effect", "solid", "--margin", "1.2",
                    "--json")  # fmt: skip
    assert drawn.returncode == 0, drawn.stderr
    told = json.loads(drawn.stdout)
    assert (told["frames_redacted"], told["frames_covered_whole"]) == (25, 0)
    for place, is_flat in (("120:80", True), ("240:170", False)):
        ffmpeg(
            "-i", out, "-vf", f"crop=60:60:{place},format=gray", "-f", "rawvideo", tmp_path / "y"
        )
        assert (np.ptp(np.fromfile(tmp_path / "y", np.uint8).astype(int)) < 40) == is_flat


def test_what_is_ignored_is_counted(tmp_path: Path) -> None:
    clip, told = face_clip(tmp_path / "clip.mp4"), tmp_path / "s.json"
    everywhere = ("--ignore", "0,0 1,0 1,1 0,1")
    result = blurcam("run", clip, tmp_path / "out.mp4", "--profile", "near", "--summary", told,
                     *everywhere)  # fmt: skip
    assert result.returncode == 0, result.stderr
    summary = json.loads(told.read_text())
    assert summary["tracks"] == 0
    assert summary["detections_ignored"] > 3
    assert f"not covered: {summary['detections_ignored']} detections in a polygon" in result.stderr


def test_version_is_one_line_on_stdout() -> None:
    result = blurcam("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"blurcam \d+\.\d+\.\d+( \([0-9a-f]{12}\+?\))?\n", result.stdout)


def test_check_finds_this_machine_fit(clip: Path) -> None:
    result = blurcam("check", clip)
    assert result.returncode == 0, result.stdout
    assert "FAIL" not in result.stdout
    assert "320x240" in result.stdout


BAD_INPUT = {
    "missing.mp4": "does not exist",
    "folder": "is a folder",
    "notes.txt": "not a video",
    "sound.wav": "no video",
    "empty.mp4": "empty",
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_one_line_and_exit_1(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("these are only words\n" * 50)
    (tmp_path / "empty.mp4").touch()
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "sound.wav")
    result = blurcam("run", tmp_path / name, tmp_path / "out.mp4")
    line = one_line(result)
    assert result.returncode == 1, line
    assert name in line
    assert BAD_INPUT[name] in line
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--nonsense"], "--nonsense"),
        (["--effect", "none"], "none"),
        (["--threshold", "2"], "threshold"),
        (["--lead", "-1"], "lead"),
        (["--mask", "0,0 1,1"], "mask"),
        (["--mask", "abc"], "mask"),
        (["--mask", "0,0 2,0 0,2"], "mask"),
        (["--codec", "h266"], "h266"),
        (["--device", "TPU"], "TPU"),
        (["--detector", "haar"], "haar"),
        (["--encoder", "h264_imaginary"], "h264_imaginary"),
        (["--crf", "900"], "crf"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_2(
    clip: Path, tmp_path: Path, args: list[str], told: str
) -> None:
    result = blurcam("run", clip, tmp_path / "out.mp4", *args)
    line = one_line(result)
    assert result.returncode == 2, line
    assert told in line
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("output", ["out.xyz", "nowhere/out.mp4", "out"])
def test_an_impossible_output_is_refused(clip: Path, tmp_path: Path, output: str) -> None:
    result = blurcam("run", clip, tmp_path / output)
    assert result.returncode == 2
    assert output in one_line(result)


def test_an_existing_output_is_kept_unless_overwritten(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("precious")
    result = blurcam("run", clip, out)
    assert result.returncode == 2
    assert "--overwrite" in one_line(result)
    assert out.read_text() == "precious"
    assert blurcam("run", clip, out, "--overwrite", "--quiet").returncode == 0
    assert len(frame_hashes(out)) == 25


def in_a_mount(options: str, folder: Path, *args: object) -> Result:
    """Run blurcam where the folder is a file system of its own, in a name space of its own."""
    inside = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    words = [sys.executable, "-m", "blurcam", *map(str, args)]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"}
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", inside, str(folder)]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets no user mount in a name space of its own")
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=120, env=env, check=False
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("size=16k", "No space left on device; make room there"),
        ("ro", "Read-only file system; choose a folder that can be written to"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_no_more_is_one_line_and_exit_1(
    clip: Path, tmp_path: Path, options: str, told: str
) -> None:
    out = tmp_path / "disk" / "out.mp4"
    out.parent.mkdir()
    result = in_a_mount(options, out.parent, "run", clip, out)
    line = one_line(result)
    assert result.returncode == 1, line
    assert told in line
    assert str(out) in line


def test_a_file_that_may_not_grow_is_one_line_and_exit_1(clip: Path, tmp_path: Path) -> None:
    command = f'ulimit -f 8; exec "{sys.executable}" -m blurcam run "$0" "$1"'
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"}
    out = tmp_path / "out.mp4"
    result = subprocess.run(
        ["bash", "-c", command, str(clip), str(out)],
        capture_output=True, text=True, timeout=120, env=env, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "File too large" in one_line(result)
    assert not out.exists()


@pytest.mark.parametrize("kind", ["same", "symbolic", "hard"])
def test_the_input_is_never_the_output(clip: Path, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(clip.read_bytes())
    out = source if kind == "same" else tmp_path / "link.mp4"
    if kind == "symbolic":
        out.symlink_to(source)
    elif kind == "hard":
        out.hardlink_to(source)
    result = blurcam("run", source, out, "--overwrite")
    assert result.returncode == 2
    assert "input" in one_line(result)
    assert source.read_bytes() == clip.read_bytes()


def test_a_cut_short_recording_publishes_what_there_is_and_exits_3(
    clip: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.ts"
    ffmpeg("-i", clip, "-c", "copy", whole)
    whole_mp4 = tmp_path / "whole.mp4"
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "+faststart", whole_mp4)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole_mp4.read_bytes()[: whole_mp4.stat().st_size * 6 // 10])
    result = blurcam("run", cut, tmp_path / "out.mp4", "--summary", tmp_path / "s.json")
    assert result.returncode == 3, result.stderr
    summary = json.loads((tmp_path / "s.json").read_text())
    assert 0 < summary["frames_in"] < 25
    assert summary["frames_lost"] > 0
    assert len(frame_hashes(tmp_path / "out.mp4")) == summary["frames_in"]


def test_cosmetic_effects_say_so(clip: Path, tmp_path: Path) -> None:
    result = blurcam("run", clip, tmp_path / "out.mp4", "--effect", "pixelate")
    assert result.returncode == 0
    assert "cosmetic" in result.stderr


def test_quiet_says_nothing(clip: Path, tmp_path: Path) -> None:
    result = blurcam("run", clip, tmp_path / "out.mp4", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=60", "-preset", "ultrafast", path)
    return path


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing_under_the_final_name(
    long: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    source, out = long, tmp_path / "out.mp4"
    command = [sys.executable, "-m", "blurcam", "run", str(source), str(out)]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        wait(lambda: any(p.stat().st_size for p in tmp_path.glob(".*part")), running=process)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "was not finished" in said
    assert "Traceback" not in said
    assert not out.exists()
