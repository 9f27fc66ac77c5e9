"""Runs the product's own command over a scene, as a user would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.processes import Failed, Spent, spend

# Every frame is searched, and no frame is covered for what another one shows.
EVERY_FRAME: Final = ("--rhythm", "0", "--lead", "0", "--hold", "0", "--bridge", "0")
# The exit code where an output is published, but something was lost or not searched in time.
INCOMPLETE: Final = 3
# A machine that is busy with other scenes is no fault of the run.
_PATIENT: Final = ("--timeout", "120")

COMMAND: Final = (sys.executable, "-m", "blurcam")

# A camera's run that has not begun, or not ended, after so many seconds has failed.
_PATIENCE: Final = 90.0


def redact(
    source: Path, target: Path, options: Sequence[str] = (), command: Sequence[str] = COMMAND
) -> Spent:
    """Redact a recording into a file; raises :class:`~benchmarks.processes.Failed`."""
    log = target.with_suffix(".log")
    own = [*command, "run", str(source), str(target), "--overwrite", "--quiet", *_PATIENT, *options]
    return spend(own, log=log, passable=(0, INCOMPLETE))


def redact_camera(
    url: str,
    target: Path,
    options: Sequence[str],
    command: Sequence[str],
    enough: Callable[[], bool],
) -> Spent:
    """Redact a camera into a file until there is ``enough``; raises Failed."""
    log = target.with_suffix(".log")
    own = [*command, "camera", url, str(target), "--overwrite", "--quiet", *options]
    began = time.monotonic()
    with log.open("wb") as said:
        child = subprocess.Popen(own, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            while not enough() and child.poll() is None and time.monotonic() - began < _PATIENCE:
                time.sleep(0.05)
            if child.poll() is not None:
                raise Failed(f"the camera's run ended by itself: {_said(log)}")
            child.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"the camera's run ended with {child.returncode}: {_said(log)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Spent(time.monotonic() - began, cpu, usage.ru_maxrss * 1024 / 1e6)


def _said(log: Path) -> str:
    return " | ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:])
