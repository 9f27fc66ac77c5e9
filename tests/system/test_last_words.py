"""A native library that aborts while a detector loads: MediaPipe does where /sys is not mounted."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.batches import ROOT
from tests.support.clips import moving_clip

HIDDEN = ["unshare", "--mount", "sh", "-c"]


def without_sys(*argv: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = shlex.join([sys.executable, "-m", "blurcam", *map(str, argv)])
    return subprocess.run(
        [*HIDDEN, f"umount -l /sys && exec {command}"], capture_output=True, text=True, timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "500"}, cwd=cwd, check=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def may_hide_sys() -> None:
    try:
        subprocess.run([*HIDDEN, "umount -l /sys"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not hide /sys")


def test_a_run_whose_detector_aborts_says_so_in_one_line(tmp_path: Path) -> None:
    source = moving_clip(tmp_path / "a.mp4", "-c:v", "libx264")
    done = without_sys("run", source, tmp_path / "b.mp4", "--profile", "near", cwd=tmp_path)
    assert done.returncode == -6
    (line,) = done.stderr.splitlines()
    assert line.startswith("blurcam: died in a native library: Aborted while loading the detector")
    assert "mediapipe" in line
    assert not (tmp_path / "b.mp4").exists()


def test_check_tries_each_detector_apart(tmp_path: Path) -> None:
    done = without_sys("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = dict(line[6:].split(": ", 1) for line in done.stdout.splitlines() if "detector" in line)
    assert told["detector centerface"] == "finds the known face"
    assert told["detector yunet"] == "finds the known face"
    assert told["detector mediapipe"] == (
        "its process was ended by SIGABRT while loading the detector mediapipe"
    )
