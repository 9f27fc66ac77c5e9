"""Workers of a Ray cluster: the only importer of Ray.

Every node must have blurcam and its models, and the recordings and the output folder under the same
paths. Only the driver writes the ledger and names outputs, and each attempt has a name of its own.
So a node that was given up and works on does no harm.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from blurcam.batch.local_workers import LocalWorkers
from blurcam.batch.task_json import answer_from_json, message_to_json, task_from_json
from blurcam.batch.tasks import Task, TaskFailed, TaskStep
from blurcam.batch.worker_pool import Event, TaskEnded, TaskProgress, WorkerDied
from blurcam.errors import ConfigError, JobError
from blurcam.runtime.no_core_dump import no_core_dump

# A task reports at most this often, in seconds.
_REPORT: Final = 2.0
# The start of what a task reports if its worker died; the reason follows.
_DIED: Final = "died: "
# After the loss of a worker, Ray notices the loss of its node within this many seconds.
_NODE_NOTICED: Final = 10.0
# Ray itself tries for ten minutes or more to reach a cluster that does not exist.
_THERE: Final = 10.0

# By default Ray reports its use to its makers.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def _refuse_nothing_at(address: str) -> None:
    """Raise JobError if nothing listens at ``[ray://]HOST:PORT``; Ray itself resolves "auto"."""
    place = re.fullmatch(r"(?:ray://)?\[?([^/\[\]]+)\]?:(\d+)", address)
    if place is None:
        return
    try:
        socket.create_connection((place[1], int(place[2])), timeout=_THERE).close()
    except (OSError, OverflowError) as exc:
        raise JobError(f"engine: no Ray cluster at {address}: {exc}") from exc


def _ray() -> Any:
    try:
        import ray
    except ImportError as exc:
        raise ConfigError(
            "engine: ray is not installed; install it with: pip install blurcam[ray]"
        ) from exc
    return ray


@dataclass(slots=True)
class _UnderWay:
    """A task on the cluster: its node, once that is known, and the time of its last message."""

    task: Task
    stream: Any
    node: str | None = None
    heard: float | None = None


class RayWorkers:
    """An :class:`~blurcam.batch.worker_pool.WorkerPool` of Ray tasks, one CPU each."""

    def __init__(self, address: str, *, jobs: int | None, stall: float) -> None:
        """Join the cluster at ``address``; run at most ``jobs`` tasks at once, else one a CPU.

        Raises :class:`~blurcam.errors.JobError` if there is no cluster.
        """
        self._ray = _ray()
        self._jobs = jobs
        self._stall = stall
        self._slots: dict[int, _UnderWay] = {}
        _refuse_nothing_at(address)
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError) as exc:
            text = " ".join(str(exc).split())[:200]
            raise JobError(f"engine: no Ray cluster at {address}: {text}") from exc
        # Ray must not retry by itself: the ledger counts the attempts.
        self._remote = self._ray.remote(num_cpus=1, max_retries=0)(_carry_out)

    @property
    def workers(self) -> int:
        """How many tasks may run at once: one for each CPU of the present nodes."""
        cpus = int(self._ray.cluster_resources().get("CPU", 0))
        return max(1, cpus if self._jobs is None else min(cpus, self._jobs))

    def start(self, task: Task) -> int:
        """Give a task to the cluster."""
        slot = next(n for n in range(len(self._slots) + 1) if n not in self._slots)
        stream = self._remote.options(num_returns="streaming").remote(
            message_to_json(task), self._stall
        )
        self._slots[slot] = _UnderWay(task, stream)
        return slot

    def events(self, timeout: float) -> Iterator[Event]:
        """Yield the tasks' messages, and the tasks that were lost."""
        by_stream = {each.stream: slot for slot, each in self._slots.items()}
        ready, _ = self._ray.wait(list(by_stream), num_returns=1, timeout=timeout)
        for stream in ready:
            yield from self._heard(by_stream[stream])
        for slot, each in list(self._slots.items()):
            if each.heard is not None and time.monotonic() - each.heard > self._stall:
                with suppress(self._ray.exceptions.RayError):
                    self._ray.cancel(each.stream, force=True)
                del self._slots[slot]
                yield WorkerDied(slot, each.task, f"its task gave no sign for {self._stall:g} s")

    def _heard(self, slot: int) -> Iterator[Event]:
        each = self._slots[slot]
        errors = self._ray.exceptions
        try:
            said = self._ray.get(next(each.stream))
        except StopIteration:
            del self._slots[slot]
            yield WorkerDied(slot, each.task, "its task ended without an answer", blameless=True)
            return
        except errors.RayError as exc:
            del self._slots[slot]
            yield self._lost(slot, each, exc)
            return
        each.heard = time.monotonic()
        if each.node is None:
            each.node = str(said)
            return
        if said.startswith(_DIED):
            del self._slots[slot]
            yield WorkerDied(slot, each.task, said.removeprefix(_DIED))
            return
        answer = answer_from_json(said)
        if isinstance(answer, TaskStep):
            yield TaskProgress(slot, each.task, answer)
        else:
            del self._slots[slot]
            yield TaskEnded(slot, each.task, answer)

    def _lost(self, slot: int, each: _UnderWay, error: Exception) -> WorkerDied:
        """Return why a task was lost: with its node, or because its recording ended the worker."""
        errors = self._ray.exceptions
        text = " ".join(str(error).split())[:200]
        if isinstance(error, errors.OutOfMemoryError):
            return WorkerDied(slot, each.task, f"ran out of memory on its node: {text}")
        if isinstance(error, errors.RayTaskError):
            return WorkerDied(slot, each.task, f"internal error: {text}")
        if each.node is None or self._is_gone(each.node):
            return WorkerDied(slot, each.task, "its node was lost", blameless=True)
        return WorkerDied(slot, each.task, f"its worker died: {text}")

    def _is_gone(self, node: str) -> bool:
        """Whether Ray reports that a node is gone, now or within a few seconds."""
        end = time.monotonic() + _NODE_NOTICED
        while time.monotonic() < end:
            alive = {each["NodeID"] for each in self._ray.nodes() if each["Alive"]}
            if node not in alive:
                return True
            time.sleep(0.5)
        return False

    def close(self) -> None:
        """Cancel all tasks, and leave the cluster."""
        for each in self._slots.values():
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(each.stream, force=True)
        self._slots.clear()
        self._ray.shutdown()


@cache
def _workers(stall: float) -> LocalWorkers:
    """Return this process's worker, which keeps its detector; Ray uses a process for many tasks."""
    return LocalWorkers(1, memory=float("inf"), stall=stall, log=Path(os.devnull))


def _carry_out(text: str, stall: float) -> Iterator[str]:
    """Have a task carried out on a node: yield the node's id, then the task's answers as JSON.

    The work is done by a worker process as on a single machine. So a native library that aborts
    ends that process alone, and the driver gets the reason in words.
    """
    no_core_dump()
    ray = _ray()
    yield str(ray.get_runtime_context().get_node_id())
    task = task_from_json(text)
    if not task.config.output.parent.is_dir():
        failed = TaskFailed(
            f"{task.config.output.parent}: node {ray.util.get_node_ip_address()} does not see it",
            fatal=True,
            remedy="put it where every node has it under this path, and ",
        )
        yield message_to_json(failed)
        return
    workers, told = _workers(stall), time.monotonic()
    workers.start(task)
    while True:
        for event in workers.events(_REPORT):
            match event:
                case TaskEnded(outcome=outcome):
                    yield message_to_json(outcome)
                    return
                case WorkerDied(why=why):
                    yield f"{_DIED}{why}"
                    return
                case TaskProgress(step=step) if time.monotonic() - told >= _REPORT:
                    told = time.monotonic()
                    yield message_to_json(step)
