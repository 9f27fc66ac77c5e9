"""The interface of a worker pool, local or of a cluster, for the driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from blurcam.batch.tasks import Outcome, Task, TaskStep


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """The progress of a worker's task."""

    worker: int
    task: Task
    step: TaskStep


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A worker has ended its task, successfully or not."""

    worker: int
    task: Task
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """A worker is gone, and its task with it.

    It is ``blameless`` if the machine was lost, so that the recording is not the cause.
    """

    worker: int
    task: Task
    why: str
    blameless: bool = False


Event = TaskProgress | TaskEnded | WorkerDied


class WorkerPool(Protocol):
    """Workers that do several tasks at a time."""

    @property
    def workers(self) -> int:
        """How many tasks may run at once now."""

    def start(self, task: Task) -> int:
        """Begin a task on a free worker, and return its number; raises JobError if none is free."""

    def events(self, timeout: float) -> Iterator[Event]:
        """Yield what has happened; wait for it at most ``timeout`` seconds."""

    def close(self) -> None:
        """End all workers immediately, even within a task; safe to call twice."""
