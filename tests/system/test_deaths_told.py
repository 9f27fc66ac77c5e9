"""A service and a job that die leave a line: who is killed by the kernel cannot say so itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support import batches
from tests.support.batches import ROOT, tree, workers_of
from tests.support.live_cameras import face_clip, wait

DEADLY = [
    (signal.SIGKILL, "blurcam: was killed (by hand, or because memory ran out)"),
    (signal.SIGSEGV, "blurcam: died in a native library: Segmentation fault"),
]


def serve(folder: Path) -> subprocess.Popen[str]:
    """Start a service with a camera, and wait for its first recording.

    What lies in the folder as sitecustomize.py breaks it.
    """
    clip = face_clip(folder / "clip.mp4")
    config = folder / "cameras.yaml"
    config.write_text(
        f"cameras:\n  front:\n    source: {clip}\n    loop: true\n    profile: near\n"
        f"    outputs: ['{folder}/out/%H-%M-%S.ts']\n",
        encoding="utf-8",
    )
    service = subprocess.Popen(
        [sys.executable, "-m", "blurcam", "serve", "--config", str(config)],
        stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    wait(lambda: any(folder.glob("out/*")), running=service)
    return service


def last_line(process: subprocess.Popen[str], ending: signal.Signals) -> str:
    """End a process; return what is said last once all that it started have ended."""
    others = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(ending)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -ending
    _, alive = psutil.wait_procs(others, timeout=30)
    assert not alive, "nothing outlives it"
    return said.splitlines()[-1]


@pytest.mark.parametrize(("ending", "told"), DEADLY)
def test_a_service_that_dies_says_so_and_its_cameras_end(
    tmp_path: Path, ending: signal.Signals, told: str
) -> None:
    service = serve(tmp_path)
    assert last_line(service, ending).startswith(told)


@pytest.mark.parametrize(("ending", "told"), DEADLY)
def test_a_job_that_dies_says_so_and_its_workers_end(
    tmp_path: Path, ending: signal.Signals, told: str
) -> None:
    job = batches.begin(tree(tmp_path / "in", 4, seconds=6.0), "--out", tmp_path / "out")
    wait(lambda: workers_of(job.pid), running=job)
    assert last_line(job, ending).startswith(told)


def test_without_a_witness_nothing_is_said(tmp_path: Path) -> None:
    silent = "from blurcam.runtime import last_words\nlast_words.leave_witness = lambda: None\n"
    (tmp_path / "sitecustomize.py").write_text(silent, encoding="utf-8")
    assert not last_line(serve(tmp_path), signal.SIGKILL).startswith("blurcam: was killed")
