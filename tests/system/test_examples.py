"""The programs in examples/, run as their users would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
