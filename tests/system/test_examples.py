"""The programs in examples/, run as their users would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import pictures
from tests.support.clips import FFMPEG, frame_hashes
from tests.support.streams import ENV, ROOT, face_clip


def example(name: str, *args: object, path: str = os.environ["PATH"]) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *map(str, args)],
        capture_output=True, text=True, timeout=180, env=ENV | {"PATH": path}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_opencv_loop_gives_as_many_pictures(tmp_path: Path) -> None:
    clip, out = face_clip(tmp_path / "clip.mkv", 1), tmp_path / "out.avi"
    assert example("opencv_loop.py", clip, out) == "25 pictures\n"
    assert len(frame_hashes(out)) == 25


def test_the_frames_of_a_program_come_out_one_for_one(tmp_path: Path) -> None:
    clip = face_clip(tmp_path / "clip.mkv", 1)
    (tmp_path / "ffmpeg").symlink_to(FFMPEG)
    said = example(
        "frames_of_a_program.py", clip, path=f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    )
    assert len(said.splitlines()) == 25


def test_the_notebook_runs_cell_by_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(pictures.kinds()["420.jpg"])
    notebook = json.loads((ROOT / "examples" / "pictures.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(names["faces"]) == 1
    assert (tmp_path / "redacted.png").exists()
    assert len(names["boxes"]) == 1
