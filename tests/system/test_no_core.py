"""No process of blurcam that may hold a raw frame can be read by a neighbour, or dump core.

A process is seen to be marked as not dumpable by the owner of its files in ``/proc``: root, in
place of the account that it runs under. So the commands run under an account other than root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.batches import ROOT, tree
from tests.support.live_cameras import face_clip

NOBODY = 65534
PATIENCE = 120.0
DROP = (
    "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
    # It may read everything, since the interpreter may lie below root's own folder.
    "--inh-caps", "-all,+dac_read_search", "--ambient-caps", "-all,+dac_read_search",
)  # fmt: skip
CAMERA, WORKER = "blurcam.serve.camera_process", "blurcam.batch.worker_process"
PUBLISHER = "blurcam.sinks.rtsp_process"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or (os.geteuid() == 0 and shutil.which("setpriv") is None),
    reason="needs Linux, and another account than root",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give an empty folder that the other account can reach, which pytest's own it cannot."""
    with tempfile.TemporaryDirectory(prefix="blurcam-") as name:
        yield Path(name)


@contextmanager
def running(
    *argv: object, folder: Path, given: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command under another account until the block ends."""
    drop: tuple[str, ...] = ()
    if os.geteuid() == 0:
        drop = DROP
        for each in (folder, *folder.rglob("*")):
            os.chown(each, NOBODY, NOBODY)
    command = [*drop, sys.executable, "-m", "blurcam", *map(str, argv)]
    # What lies in the folder as sitecustomize.py breaks the command.
    path = f"{folder}{os.pathsep}{ROOT}"
    env = os.environ | {"PYTHONPATH": path, "HOME": str(folder), "TMPDIR": str(folder)}
    started = subprocess.Popen(
        command, stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, cwd=folder
    )
    try:
        yield started
    finally:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(started.pid)
            for each in [*process.children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        started.communicate()


@contextmanager
def deaf() -> Iterator[int]:
    """Give the port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def is_open(process: psutil.Process) -> bool:
    """Whether a neighbour could read the process's memory, or a crash leave a core file."""
    owner = Path(f"/proc/{process.pid}/mem").stat().st_uid
    limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    return owner != 0 or core.split()[4:6] != ["0", "0"]


def watched(started: subprocess.Popen[bytes], *expected: str) -> list[str]:
    """Wait for the children that a command must have; return those that stay open, by command.

    A child is given ten seconds from when it was first seen, for the interpreter to start.
    """
    seen: dict[int, float] = {}
    deadline = time.monotonic() + PATIENCE
    settled: set[str] = set()
    while not settled >= set(expected):
        assert started.poll() is None, started.communicate()
        assert time.monotonic() < deadline, (settled, expected)
        process = psutil.Process(started.pid)
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess, FileNotFoundError, StopIteration):
                words = each.cmdline()
                since = seen.setdefault(each.pid, time.monotonic())
                if not is_open(each):
                    settled |= {word for word in words if word.startswith("blurcam")}
                elif time.monotonic() - since > 10:
                    return words
        time.sleep(0.05)
    return []


def test_a_camera_and_its_publisher_are_closed(folder: Path) -> None:
    clip = face_clip(folder / "clip.mp4")
    with deaf() as port, running("run", clip, f"rtsp://127.0.0.1:{port}/x", "--loop",
                                 "--profile", "near", folder=folder) as run:  # fmt: skip
        assert watched(run, "blurcam", PUBLISHER) == []


def test_the_processes_of_a_service_are_closed(folder: Path) -> None:
    clip = face_clip(folder / "clip.mp4")
    with deaf() as port:
        (folder / "cameras.yaml").write_text(
            f"cameras:\n  front:\n    source: {clip}\n    loop: true\n    profile: near\n"
            f"    outputs:\n      - publish: rtsp://127.0.0.1:{port}/x\n",
            encoding="utf-8",
        )
        with running("serve", "--config", folder / "cameras.yaml", folder=folder) as serve:
            assert watched(serve, "blurcam", CAMERA, PUBLISHER) == []


def test_the_workers_of_a_job_are_closed(folder: Path) -> None:
    source = tree(folder / "in", 4, seconds=60.0)
    with running("batch", source, "--out", folder / "out", "--jobs", 2, "--profile", "near",
                 folder=folder) as batch:  # fmt: skip
        assert watched(batch, "blurcam", WORKER) == []


def test_a_pipe_is_closed(folder: Path) -> None:
    with running("pipe", folder=folder, given=subprocess.PIPE) as pipe:
        assert watched(pipe, "blurcam") == []


def test_a_process_that_forgets_is_seen(folder: Path) -> None:
    """The break: so that the tests above can fail."""
    (folder / "sitecustomize.py").write_text(
        "import blurcam.runtime.no_core_dump as own\nown.no_core_dump = lambda: None\n",
        encoding="utf-8",
    )
    with running("pipe", folder=folder, given=subprocess.PIPE) as pipe:
        assert "blurcam" in watched(pipe, "blurcam")
