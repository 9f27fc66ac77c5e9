"""Processes by the thousand: a child that has imported everything forks one for each order.

The server (this module run as a program) is single-threaded when it forks; each child becomes a
``blurcam`` command with its own standard streams, limits and fault, and ends as an interpreter
ends.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import queue
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parent.parent.parent
_WARM = (
    "blurcam.cli", "blurcam.commands.run", "blurcam.commands.pipe", "blurcam.commands.camera",
    "blurcam.runs.recording", "blurcam.runs.pipe", "tests.proof.inside",
    "tests.proof.faults", "tests.proof.breaks", "tests.proof.oracle",
    # What typer, pydantic and OpenCV import when they are first used: half the CPU of a short run.
    "typer._adapters", "importlib.metadata", "numpy.ma", "zoneinfo",
)  # fmt: skip
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Order:
    """One process to run: the command's arguments and what is done to it.

    ``fault`` and ``breaks`` are names in :mod:`tests.proof.faults` and :mod:`tests.proof.breaks`,
    ``at`` says at which call. ``signals`` are sent after so many seconds. ``limits`` are numbers of
    ``resource``. Without an end after ``patience`` seconds it hangs, and is killed. ``path`` is the
    way through blurcam that is taken; where that starts processes of its own for the work, the
    fault strikes in those, and ``struck`` is the file that then comes into being.
    """

    argv: Sequence[str]
    stderr: str
    fault: str | None = None
    at: int = 1
    breaks: Sequence[str] = ()
    oracle: bool = True
    path: str = "run"
    stdin: str = os.devnull
    stdout: str = os.devnull
    struck: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    signals: Sequence[tuple[float, int]] = ()
    limits: dict[int, int] = field(default_factory=dict)
    patience: float = 45.0


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended: exit code, or minus the signal; ``hung`` where it was killed for it."""

    code: int
    hung: bool
    seconds: float
    peak_kb: int
    fired: bool


class Zygote:
    """A server of processes, driven over its standard streams."""

    def __init__(self, preload: Path | None = None) -> None:
        env = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "500"}
        if preload is not None:
            env["LD_PRELOAD"] = str(preload)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.zygote"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT,
        )  # fmt: skip

    def run(self, order: Order) -> End:
        """Run one process to its end."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asdict(order)) + "\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline()
        assert line, "the zygote died"
        return End(**json.loads(line))

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(60)
        if self._server.stdout is not None:
            self._server.stdout.close()


class Pool:
    """Several zygotes, as many as there are cores for."""

    def __init__(self, count: int, preload: Path | None = None) -> None:
        self.count = count
        self._idle: queue.Queue[Zygote] = queue.Queue()
        for _ in range(count):
            self._idle.put(Zygote(preload))

    def run(self, order: Order) -> End:
        """Run one process on whichever is idle."""
        zygote = self._idle.get()
        try:
            return zygote.run(order)
        finally:
            self._idle.put(zygote)

    def map(self, work: Callable[[T], Any], items: Sequence[T]) -> list[Any]:
        """Do something for every item, as many at a time as there are zygotes."""
        with ThreadPoolExecutor(self.count) as threads:
            return list(threads.map(work, items))

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Do the same, and yield what comes of it, in order, as it comes."""
        with ThreadPoolExecutor(self.count) as threads:
            yield from threads.map(work, items)

    def close(self) -> None:
        """End them all."""
        while not self._idle.empty():
            self._idle.get().close()


@contextmanager
def zygotes(count: int | None = None, preload: Path | None = None) -> Iterator[Pool]:
    """Give a pool of zygotes."""
    pool = Pool(count or min(4, os.cpu_count() or 1), preload)
    try:
        yield pool
    finally:
        pool.close()


def _serve() -> int | None:
    """Fork a child for every order; in the child, return its exit code."""
    for name in _WARM:
        importlib.import_module(name)
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for line in orders:
        order = json.loads(line)
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            for each in (orders, answers):
                os.close(each.fileno())
            os.close(heard)
            return _become(order, told)
        os.close(told)
        answers.write(json.dumps(_watched(child, order, heard)) + "\n")
        answers.flush()
    return None


def _become(order: dict[str, Any], told: int) -> int:
    os.setsid()
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.dup2(os.open(order["stdin"], os.O_RDONLY), 0)
    os.dup2(os.open(order["stdout"], writing, 0o600), 1)
    os.dup2(os.open(order["stderr"], writing, 0o600), 2)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for kind, most in order["limits"].items():
        resource.setrlimit(int(kind), (most, most))
    os.environ.update(order["env"])
    from blurcam.cli import main
    from tests.proof import inside

    if os.geteuid() != 0:
        # A process that is not dumpable cannot look at its own descriptors, which the faults need.
        sys.modules["blurcam.cli"].no_core_dump = lambda: None
    faulthandler.dump_traceback_later(order["patience"] * 0.8)  # where it hangs, if it does
    os.environ["PROOF_TOLD"] = str(told)
    if order["struck"] is None:
        inside.arm(order, lambda: os.write(told, b"x"))
    else:
        inside.pass_on(order)
    sys.argv = ["blurcam", *order["argv"]]
    try:
        main()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 1
    return 0


def _watched(child: int, order: dict[str, Any], heard: int) -> dict[str, Any]:
    started = time.monotonic()
    pidfd = os.pidfd_open(child)
    due = sorted((after, number) for after, number in order["signals"])
    deadline = started + order["patience"]
    hung = False
    while True:
        until = min([started + due[0][0]] if due else [deadline], default=deadline)
        ready, _, _ = select.select([pidfd], [], [], max(0.0, until - time.monotonic()))
        if ready:
            break
        if due:
            os.kill(child, due.pop(0)[1])
        elif time.monotonic() >= deadline:
            hung = True
            os.kill(child, signal.SIGKILL)
            deadline += 60
    _, status, usage = os.wait4(child, 0)
    os.close(pidfd)
    fired = bool(os.read(heard, 1))
    os.close(heard)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "hung": hung,
        "seconds": time.monotonic() - started,
        "peak_kb": usage.ru_maxrss,
        "fired": fired,
    }


if __name__ == "__main__":
    code = _serve()
    sys.exit(code or 0)
