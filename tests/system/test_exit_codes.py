"""One mistake has one exit code in every command; and what programs and people may read."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.clips import ffmpeg
from tests.support.program import blurcam


@pytest.mark.parametrize(
    "words",
    [
        "run {nix} {out}",
        "run {nix} -",
        "run {nix} {out} --loop --connect 0.5",
        "render {nix} {out} --regions {nix}",
        "pipe {nix} -",
        "camera {nix} {out} --connect 0.5",
        "batch {nix} --out {out}",
        "verify {nix}",
        "evaluate {nix} --no-faces",
        "report check {nix}",
        "check {nix}",
    ],
)
def test_a_missing_input_is_1_in_every_command(words: str, tmp_path: Path) -> None:
    places = {"nix": tmp_path / "nix.mp4", "out": tmp_path / "out.ts"}
    result = blurcam(*(word.format(**places) for word in words.split()), patience=120)
    assert result.returncode == 1, result.stderr
    assert "nix.mp4" in result.stderr + result.stdout
    assert not places["out"].exists()


@pytest.mark.parametrize(
    "words",
    [
        "run {clip} {out} --nonsense",
        "pipe {clip} {out} --threshold 7",
        "camera {clip} {out} --hold -1",
        "batch {clip} --out {out} --margin 9",
        "verify {clip} --nonsense",
        "config check {nix}",
        "serve --config {nix}",
        "evaluate {clip} --labels {nix}",
    ],
)
def test_a_wrong_option_is_2_in_every_command(words: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.2", clip)
    places = {"clip": clip, "nix": tmp_path / "nix.yaml", "out": tmp_path / "out.ts"}
    result = blurcam(*(word.format(**places) for word in words.split()), patience=120)
    assert result.returncode == 2, result.stderr
    assert not places["out"].exists()


@pytest.mark.parametrize("command", ["run", "pipe"])
def test_a_summary_for_programs_is_all_that_is_on_standard_output(
    command: str, tmp_path: Path
) -> None:
    clip, out = tmp_path / "clip.ts", tmp_path / "out.ts"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=0.4", clip)
    result = blurcam(
        command, clip, out, "--json", "--profile", "near", "--lead", "0", "--bridge", "0"
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["frames_in"], told["output"], told["complete"]) == (10, str(out), True)


def test_a_summary_is_refused_where_standard_output_carries_the_video(tmp_path: Path) -> None:
    result = blurcam("pipe", tmp_path / "in.ts", "-", "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "json: standard output carries the video" in result.stderr


def test_the_man_page_tells_every_command_and_option_and_is_roff() -> None:
    from tools.man_page import man_page
    from tools.reference import COMMANDS, commands, load

    page = man_page()
    for command in (found for name in COMMANDS for _, found in commands(load(name), name)):
        for each in command.params:
            if each.param_type_name == "option":
                assert max(each.opts, key=len).replace("-", r"\-") in page
    assert r".SS batch run" in page
    assert r"\fB130, 143\fR" in page
    groff = shutil.which("groff")
    if groff is None:
        return
    checked = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-z"],
        input=page,
        capture_output=True,
        text=True,
        check=True,
    )
    assert checked.stderr == ""


def test_config_check_tells_every_fault_in_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text(
        "cameras:\n  front:\n    source: rtsp://cam/live\n    treshold: 0.3\n    outputs: []\n"
        "  back door:\n    source: rtsp://cam/live\n    outputs: ['%H.ts']\n",
        encoding="utf-8",
    )
    result = blurcam("config", "check", file)
    assert (result.returncode, result.stdout) == (2, "")
    told = result.stderr.splitlines()
    assert [line.split(": ")[2] for line in told] == ["line 4", "line 5", "line 6"]
    assert all(line.startswith(f"blurcam: {file}: line ") for line in told)
    assert 'did you mean "threshold"?' in told[0]


def test_config_check_tells_every_output_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    one = "    source: rtsp://cam/live\n    outputs: ['/nowhere/{}-%H.xyz']\n"
    file.write_text(f"cameras:\n  a:\n{one.format('a')}  b:\n{one.format('b')}", encoding="utf-8")
    result = blurcam("config", "check", file)
    assert result.returncode == 2
    told = result.stderr.splitlines()
    assert [line.split(": ")[2] for line in told] == ["cameras.a", "cameras.b"]
