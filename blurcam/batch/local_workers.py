"""Local workers: processes of this machine that do tasks, watched, and ended if they hang."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from blurcam.batch.task_json import answer_from_json, message_to_json
from blurcam.batch.tasks import Task, TaskStep
from blurcam.batch.worker_pool import Event, TaskEnded, TaskProgress, WorkerDied
from blurcam.batch.worker_process import WorkerStart
from blurcam.errors import JobError
from blurcam.media.clock import SystemClock
from blurcam.runtime.child import Child, wait_for
from blurcam.runtime.json_values import to_json
from blurcam.runtime.memory import GIGABYTE, available_bytes

# Gigabytes that a worker takes at 1080p: models, decoder, waiting frames, encoder.
_USUAL: Final = 1.5
# The summary of a recording of a day, its coverage second by second.
_LONGEST_LINE: Final = 64 << 20


def suitable_jobs() -> int:
    """Return how many workers suit this machine: one for each core, if there is memory enough."""
    by_memory = int(available_bytes() / (_USUAL * GIGABYTE))
    return max(1, min(len(os.sched_getaffinity(0)), by_memory))


def suitable_memory(jobs: int) -> float:
    """Return how many gigabytes each of this many workers may take."""
    return max(1.0, 0.9 * available_bytes() / GIGABYTE / jobs)


class LocalWorkers:
    """An :class:`~blurcam.batch.worker_pool.WorkerPool` of processes that share the cores."""

    def __init__(self, count: int, *, memory: float, stall: float, log: Path) -> None:
        """Start nothing yet; a worker over ``memory`` gigabytes or quiet for ``stall`` s is ended.

        The workers' standard error goes to ``log``.
        """
        self.workers = count
        self._memory = memory * GIGABYTE
        self._stall = stall
        self._log = log
        cores = sorted(os.sched_getaffinity(0))
        each = max(1, len(cores) // count)
        self._cores = [
            tuple(cores[(n * each + i) % len(cores)] for i in range(each)) for n in range(count)
        ]
        self._children: dict[int, Child] = {}
        self._tasks: dict[int, Task] = {}

    def start(self, task: Task) -> int:
        """Give a task to a worker that has none; start one if necessary."""
        slot = next((n for n in range(self.workers) if n not in self._tasks), None)
        if slot is None:
            raise JobError("every worker has a task already")
        child = self._children.get(slot)
        if child is None or not child.is_running:
            if child is not None:
                child.close()
            child = self._children[slot] = self._started(slot)
        self._tasks[slot] = task
        child.tell(message_to_json(task))
        return slot

    def _started(self, slot: int) -> Child:
        log: int | None = None
        with suppress(OSError):
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = Child(
                "blurcam.batch.worker_process",
                SystemClock(),
                starts_within=self._stall,
                hangs_after=self._stall,
                longest_line=_LONGEST_LINE,
                stderr=log,
                expendable=True,
            )
        finally:
            if log is not None:
                os.close(log)
        child.tell(to_json(WorkerStart(self._cores[slot], os.getpid())))
        return child

    def events(self, timeout: float) -> Iterator[Event]:
        """Yield the workers' answers, and the workers that died."""
        wait_for(self._children.values(), timeout)
        for slot, child in list(self._children.items()):
            is_running = child.is_running  # checked first: its last line may be its answer
            for _, body in child.hear():
                yield from self._heard(slot, body)
            if not is_running:
                yield from self._lost(slot, None)
            elif slot in self._tasks:
                yield from self._watched(slot, child)

    def _heard(self, slot: int, body: bytes) -> Iterator[Event]:
        task = self._tasks.get(slot)
        if task is None:
            return
        answer = answer_from_json(body.decode())
        if isinstance(answer, TaskStep):
            yield TaskProgress(slot, task, answer)
        else:
            del self._tasks[slot]
            yield TaskEnded(slot, task, answer)

    def _watched(self, slot: int, child: Child) -> Iterator[Event]:
        """End a worker that hangs or takes too much memory."""
        child.watch()
        taken = _resident(child.pid)
        if child.is_hung:
            why = f"its worker gave no sign for {self._stall:g} s and was ended"
            yield from self._lost(slot, why)
        elif taken > self._memory:
            yield from self._lost(
                slot,
                f"its worker took {taken / GIGABYTE:.1f} GB of memory and was ended; "
                "give fewer --jobs or more --memory",
            )

    def _lost(self, slot: int, why: str | None) -> Iterator[Event]:
        child, task = self._children.pop(slot), self._tasks.pop(slot, None)
        child.close()
        if task is not None:
            why = why or f"its worker {child.how_it_ended()}; see {self._log}"
            yield WorkerDied(slot, task, why)

    def close(self) -> None:
        """End them all."""
        for child in self._children.values():
            child.close()
        self._children.clear()
        self._tasks.clear()


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process has in use."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):  # gone, or not Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
