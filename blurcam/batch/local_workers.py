"""Processes of this machine that carry tasks out, each watched, and ended when it goes astray."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from blurcam.batch.task_json import (
    answer_from_json,
    answer_to_json,
    task_from_json,
    task_to_json,
)
from blurcam.batch.task_work import WorkerState, perform
from blurcam.batch.tasks import Outcome, Task, TaskStep
from blurcam.batch.worker_pool import Event, TaskEnded, TaskProgress, WorkerDied
from blurcam.errors import JobError

_GIGABYTE: Final = 1 << 30
# What a worker takes for 1080p: models, decoder, a look-ahead of frames, encoder.
_USUAL: Final = 1.5
# A worker reports at most this often, in seconds.
_REPORT: Final = 0.5
_PR_SET_PDEATHSIG: Final = 1


def suitable_jobs() -> int:
    """Return how many workers suit this machine: a core each, as far as memory goes."""
    by_memory = int(_available() / (_USUAL * _GIGABYTE))
    return max(1, min(len(os.sched_getaffinity(0)), by_memory))


def suitable_memory(jobs: int) -> float:
    """Return how many gigabytes each of so many workers may take."""
    return max(1.0, 0.9 * _available() / _GIGABYTE / jobs)


def _available() -> int:
    """Return the bytes of memory that can be had without swapping."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    return 4 * _GIGABYTE


class LocalWorkers:
    """An :class:`~blurcam.batch.worker_pool.WorkerPool` of processes that share the cores."""

    def __init__(self, count: int, *, memory: float, stall: float, log: Path) -> None:
        """Start nothing yet; ``memory`` in gigabytes and ``stall`` in seconds end a worker.

        What workers write to stderr goes to ``log``.
        """
        self.workers = count
        self._memory = memory * _GIGABYTE
        self._stall = stall
        self._log = log
        cores = sorted(os.sched_getaffinity(0))
        each = max(1, len(cores) // count)
        self._cores = [
            [cores[(n * each + i) % len(cores)] for i in range(each)] for n in range(count)
        ]
        self._slots: dict[int, _Worker] = {}

    def start(self, task: Task) -> int:
        """Give a task to a worker that has none, started if need be."""
        for slot in range(self.workers):
            worker = self._slots.get(slot)
            if worker is not None and worker.task is None and not worker.process.is_alive():
                worker.end()
                worker = None
            if worker is None:
                worker = self._slots[slot] = _Worker(self._cores[slot], self._log)
            if worker.task is None:
                worker.begin(task)
                return slot
        raise JobError("every worker has a task already")

    def events(self, timeout: float) -> Iterator[Event]:
        """Yield what the workers have said, and which have died."""
        by_pipe = {worker.pipe: slot for slot, worker in self._slots.items()}
        for pipe in wait(list(by_pipe), timeout):
            assert isinstance(pipe, Connection)
            slot = by_pipe[pipe]
            yield from self._heard(slot, self._slots[slot])
        for slot, worker in list(self._slots.items()):
            why = worker.astray(self._stall, self._memory)
            if why is not None:
                yield from self._lost(slot, worker, why)

    def _heard(self, slot: int, worker: _Worker) -> Iterator[Event]:
        try:
            said = worker.hear()
        except (EOFError, OSError):
            yield from self._lost(slot, worker, None)
            return
        task = worker.task
        if task is None:
            return
        if isinstance(said, TaskStep):
            yield TaskProgress(slot, task, said)
        else:
            worker.task = None
            yield TaskEnded(slot, task, said)

    def _lost(self, slot: int, worker: _Worker, why: str | None) -> Iterator[Event]:
        task = worker.task
        del self._slots[slot]
        ended = worker.end()
        if task is not None:
            yield WorkerDied(slot, task, why or f"its worker {ended}; see {self._log}")

    def close(self) -> None:
        """End them all."""
        for worker in self._slots.values():
            worker.end()
        self._slots.clear()


class _Worker:
    """One process, from the driver's side."""

    def __init__(self, cores: list[int], log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_work, args=(theirs, cores, log, os.getpid()), name="blurcam-worker", daemon=True
        )
        self.process.start()
        theirs.close()
        self.task: Task | None = None
        self._heard = time.monotonic()

    def begin(self, task: Task) -> None:
        self.task = task
        self._heard = time.monotonic()
        with suppress(OSError):  # it has died: the next look at its pipe tells
            self.pipe.send_bytes(task_to_json(task).encode())

    def hear(self) -> TaskStep | Outcome:
        """Return what it says; raises EOFError where it is gone."""
        said = answer_from_json(self.pipe.recv_bytes().decode())
        self._heard = time.monotonic()
        return said

    def astray(self, stall: float, memory: float) -> str | None:
        """Return why the worker has to be ended, if it has to."""
        if self.task is None:
            return None
        if time.monotonic() - self._heard > stall:
            return f"its worker gave no sign for {stall:g} s and was ended"
        taken = _resident(self.process.pid)
        if taken > memory:
            return (
                f"its worker took {taken / _GIGABYTE:.1f} GB of memory and was ended; "
                "give fewer --jobs or more --memory"
            )
        return None

    def end(self) -> str:
        """Kill the process if it lives, and say how it ended."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"


def _resident(pid: int | None) -> int:
    """Return the bytes of memory that a process has in use."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):  # gone, or not Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _work(pipe: Connection, cores: list[int], log: Path, driver: int) -> None:
    """Carry tasks out until the driver is gone: the life of a worker."""
    _settle(cores, log, driver)
    kept = WorkerState()
    while True:
        try:
            task = task_from_json(pipe.recv_bytes().decode())
        except EOFError:
            return
        told = float("-inf")
        for said in perform(task, kept):
            if isinstance(said, TaskStep):
                if time.monotonic() - told < _REPORT:
                    continue
                told = time.monotonic()
            pipe.send_bytes(answer_to_json(said).encode())


def _settle(cores: list[int], log: Path, driver: int) -> None:
    """Make a good citizen of a new process, before anything heavy is loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to judge
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != driver:  # it died in between
            os._exit(1)
    # Libraries start a thread for every core that they may use.
    os.sched_setaffinity(0, cores)
    with suppress(OSError):
        # Where memory runs out, the kernel shall take a worker and not the driver.
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    with suppress(OSError):
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, 2)
        os.close(handle)
