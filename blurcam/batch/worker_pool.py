"""What carries tasks out: processes of this machine, or a cluster. The driver only sees this."""

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
    """A worker has carried its task out, with success or without."""

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
    """Carries tasks out, several at a time."""

    @property
    def workers(self) -> int:
        """How many tasks may be under way at once, as it stands."""

    def start(self, task: Task) -> int:
        """Begin a task on a free worker, and return which; raises JobError where none is."""

    def events(self, timeout: float) -> Iterator[Event]:
        """Yield what has happened, waiting for it at most ``timeout`` seconds."""

    def close(self) -> None:
        """End all workers at once, whatever they do; safe to call twice."""
