"""Jobs for the tests: run, killed, and looked at from outside."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from tests.support.clips import ffmpeg
from tests.support.program import Result, blurcam

ROOT = Path(__file__).parents[2]
# Detection is not what these tests are about: the quickest search will do.
QUICK = ("--profile", "near")
# A second worker takes as long to start as these jobs take in all.
ALONE = ("--jobs", "1")


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "blurcam", *map(str, args)]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def batch(*args: object, stdin: bytes = b"") -> Result:
    alone = () if "--jobs" in args or "ray" in args else ALONE
    return blurcam("batch", *args, *QUICK, *alone, stdin=stdin)


def begin(*args: object) -> subprocess.Popen[str]:
    """Start a job that tells its events."""
    return subprocess.Popen(
        command("batch", *args, *QUICK, "--log-format", "json"),
        stderr=subprocess.PIPE, text=True, env=environment(), errors="surrogateescape",
    )  # fmt: skip


def last_line(result: Result) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(result.stderr.strip().splitlines()[-1])
    return values


def events(result: Result) -> list[dict[str, Any]]:
    lines = [line for line in result.stderr.splitlines() if line.startswith('{"event"')]
    return [json.loads(line) for line in lines]


def clip(path: Path, *, seconds: float = 0.4, tone: int = 0) -> Path:
    """Make a small recording; another ``tone``, another recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={seconds},hue=h={tone}",
        "-c:v", "libx264", "-g", "10", path,
    )  # fmt: skip
    return path


def tree(folder: Path, count: int, *, seconds: float = 0.4) -> Path:
    """Make a tree of small recordings."""
    first = clip(folder / "cam0" / "0.mp4", seconds=seconds)
    for n in range(1, count):
        path = folder / f"cam{n % 3}" / f"{n}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(first.read_bytes())
    return folder


def outputs(out: Path) -> dict[str, bytes]:
    """Every file of a redacted tree, by its place, but not what blurcam keeps for itself."""
    return {
        os.fsdecode(os.fsencode(path.relative_to(out))): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".blurcam" not in path.parts and path.suffix not in (".json", ".html")
    }


def rows(out: Path) -> list[dict[str, Any]]:
    """The ledger, read by something that is not blurcam."""
    with closing(sqlite3.connect(out / ".blurcam" / "ledger.sqlite3")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM files ORDER BY id")]


def spans_done(out: Path) -> int:
    """How many spans the ledger has as redacted."""
    path = out / ".blurcam" / "ledger.sqlite3"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as db:
        try:
            count = db.execute("SELECT COUNT(*) FROM spans WHERE state = 'done'").fetchone()
        except sqlite3.OperationalError:  # being made
            return 0
        return int(count[0])


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a driver that have begun to work."""
    try:
        children = psutil.Process(pid).children()
        return [c for c in children if "blurcam.batch.worker_process" in c.cmdline()]
    except psutil.NoSuchProcess:
        return []


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
