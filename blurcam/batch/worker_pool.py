"""The processes that carry tasks out, of this machine or of a cluster, as the driver sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from blurcam.batch.tasks import Outcome, Task, TaskStep


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """A worker tells how far it is with its task."""

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

    ``blameless``: the machine went, or was taken away, which says nothing about the recording.
    """

    worker: int
    task: Task
    why: str
    blameless: bool = False


Event = TaskProgress | TaskEnded | WorkerDied


class WorkerPool(Protocol):
    """Workers that carry tasks out, several at a time."""

    @property
    def workers(self) -> int:
        """How many tasks may be under way at once, just now."""

    def start(self, task: Task) -> int:
        """Begin a task on a free worker, and return its number; raises JobError if none is free."""

    def events(self, timeout: float) -> Iterator[Event]:
        """Yield what has happened; wait for it at most ``timeout`` seconds."""

    def close(self) -> None:
        """End all workers at once, also in the middle of a task; safe to call twice."""
