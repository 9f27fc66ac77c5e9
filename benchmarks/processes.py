"""What a command costs: wall, CPU and peak memory of it and of all that it starts."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

# How often memory is looked at. Looking costs a millisecond.
_EVERY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Spent:
    """Wall seconds, CPU seconds of the whole tree, its peak memory in MB, and the exit code.

    Memory is the largest sum of resident sizes seen, looked at five times a second, or the largest
    single process, whichever is more; pages that processes share count in each.
    """

    wall: float
    cpu: float
    memory: float
    code: int = 0


class Failed(Exception):
    """A command ended badly; the text has what it said last."""


def spend(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: dict[str, str] | None = None,
    passable: tuple[int, ...] = (0,),
) -> Spent:
    """Run a command to its end and return what it cost; what it says goes to ``log``.

    Raises :class:`Failed` unless the exit code is ``passable``. An interrupt ends the command.
    """
    with log.open("wb") as said:
        started = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=os.environ | (environment or {}),
        )
        try:
            spent, code = _watched(child.pid, started)
        except BaseException:
            child.kill()
            raise
        child.returncode = code
    if code not in passable:
        tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise Failed(f"{Path(command[0]).name} ended with {code}: {' | '.join(tail)}")
    return replace(spent, code=code)


def _watched(pid: int, started: float) -> tuple[Spent, int]:
    """Wait for the end, exactly, in a thread of its own; look at memory meanwhile."""
    ended = threading.Event()
    results: list[tuple[float, int, float, int]] = []

    def wait() -> None:
        # wait4 counts the child and every descendant that was waited for.
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - started
        cpu = usage.ru_utime + usage.ru_stime
        results.append((wall, os.waitstatus_to_exitcode(status), cpu, usage.ru_maxrss))
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    peak = 0
    while not ended.wait(_EVERY):
        peak = max(peak, _resident(pid))
    wall, code, cpu, largest = results[0]
    return Spent(wall, cpu, max(peak, largest * 1024) / 1e6), code


def _resident(pid: int) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
    return total
