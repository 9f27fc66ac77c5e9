"""The commands from the catalogue: what each word means, and what help shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blurcam.commands.catalogue import COMMANDS, load, meant_by
from tests.support.program import blurcam


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_catalogue_loads(name: str) -> None:
    command = load(name)
    assert command.name == name
    assert command.help
    known = {each.name for each in command.params}
    assert set(COMMANDS[name].common) <= known


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("in.mp4 out.mp4", "run"),
        ("in.mp4 out.mp4 --regions /dev/null --overwrite", "run"),
        ("--summary /dev/stderr -q in.mp4 out.mp4", "run"),
        ("rtsp://cam/live out.ts", "camera"),
        ("--profile near http://cam/video.mjpg -", "camera"),
        ("/dev/video0 out.ts --transport udp", "camera"),
        ("in.mp4 out.ts --loop", "camera"),
        ("- out.mp4", "pipe"),
        ("in.mp4 - --to y4m", "pipe"),
        ("in.mp4 /dev/null", "pipe"),
        ("-- - out.mp4", "pipe"),
        ("--help", "run"),
    ],
)
def test_run_is_another_name_for_camera_and_pipe(words: str, meant: str) -> None:
    assert meant_by(words.split()) == meant


@pytest.mark.parametrize(("name", "is_told"), [("run", True), ("camera", False)])
def test_run_for_a_camera_tells_that_it_goes(name: str, is_told: bool, tmp_path: Path) -> None:
    nobody = "rtsp://127.0.0.1:9/x"
    done = blurcam(name, nobody, tmp_path / "out.ts", "--connect", "1")
    assert ("goes in 0.4; say: blurcam camera" in done.stderr) is is_told
    assert done.returncode == 1
    quiet = blurcam(name, nobody, tmp_path / "out.ts", "--connect", "1", "--quiet")
    assert "goes in 0.4" not in quiet.stderr


def test_a_fifo_means_a_stream(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in")
    assert meant_by([str(tmp_path / "in"), "out.mp4"]) == "pipe"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("run a.ts x.mp4 --transport udp", "--transport has no effect in blurcam run; it is an op"),
        ("run a.ts x.mp4 --from raw", "--from has no effect in blurcam run; it is an option of bl"),
        ("run a.ts x.mp4 --size 8x8", "it is an option of blurcam pipe"),
        ("run a.ts x.mp4 --segment 60", "it is an option of blurcam camera"),
        ("run rtsp://cam/x x.ts --regions r.jsonl", "--regions has no effect in blurcam camera"),
        ("camera rtsp://cam/x x.ts --audio copy", "--audio has no effect in blurcam camera"),
        ("pipe --profile-stages", "--profile-stages has no effect in blurcam pipe"),
        ("run a.ts x.mp4 --nonsense", "No such option: --nonsense"),
        ("in.mp4 out.mp4", 'no command "in.mp4"; did you mean: blurcam run in.mp4 out.mp4'),
        ("rtsp://cam/x -", "did you mean: blurcam camera rtsp://cam/x -"),
        ("rendr", 'there is no command "rendr"; did you mean: blurcam render'),
        ("zzz", 'there is no command "zzz"; see: blurcam --help'),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(words: str, told: str) -> None:
    result = blurcam(*words.split())
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert told in result.stderr


@pytest.mark.parametrize("name", [name for name, each in COMMANDS.items() if each.common])
def test_help_shows_the_common_options_and_help_all_every_one(name: str) -> None:
    brief, whole = blurcam(name, "--help").stdout, blurcam(name, "--help-all").stdout
    assert brief.count("\n blurcam ") + brief.count("| blurcam ") >= 2  # examples
    assert f"blurcam {name} --help-all" in " ".join(brief.split())
    for each in load(name).params:
        spelt = max(each.opts, key=len)
        if each.param_type_name == "option":
            assert f"│ {spelt} " in whole
            shown = each.name in (*COMMANDS[name].common, "help_all", "help")
            assert (f"│ {spelt} " in brief) == shown, spelt


def test_the_list_of_commands_loads_no_settings() -> None:
    heavy = ("pydantic", "yaml", "numpy", "av", "cv2", "openvino", "mediapipe")
    code = (
        "import sys\nsys.argv = ['blurcam', '--help']\nfrom blurcam.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.strip() == "[]"
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ru"], ["run"]),
        (["run", "--profi"], ["--profile", "--profile-stages"]),
        (["run", "--effect", ""], ["blur", "solid", "mosaic", "gaussian", "pixelate"]),
        (["run", "rtsp://cam/live", "--transp"], ["--transport"]),
        (["nonsense", ""], list(COMMANDS)),
    ],
)
def test_the_shell_completes_commands_options_and_choices(
    words: list[str], offered: list[str]
) -> None:
    code = "import sys\nsys.argv[0] = 'blurcam'\nfrom blurcam.cli import main\nmain()"
    env = os.environ | {
        "_BLURCAM_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["blurcam", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (offered, "")
