"""The events of a job, and its counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blurcam.batch.inputs import SkippedInput
from blurcam.batch.ledger import RecordingRow
from blurcam.batch.tasks import TaskStep


@dataclass(frozen=True, slots=True)
class JobPlanned:
    """The recordings are known: how many there are, and how many were done before."""

    files: int
    done_before: int
    size: int
    size_before: int


@dataclass(frozen=True, slots=True)
class RecordingPlanned:
    """The plan for a recording: whether there is something to do, and why."""

    row: RecordingRow
    is_done: bool
    why: str


@dataclass(frozen=True, slots=True)
class RecordingBegan:
    """A worker has begun a recording, or a part that is this ``share`` of it."""

    worker: int
    row: RecordingRow
    part: str = ""
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class RecordingProgressed:
    """The progress of a recording, or of a part of it."""

    worker: int
    row: RecordingRow
    step: TaskStep


@dataclass(frozen=True, slots=True)
class RecordingRetried:
    """An attempt failed, and another will follow."""

    row: RecordingRow
    why: str


@dataclass(frozen=True, slots=True)
class RecordingFinished:
    """A recording is done or has failed; its row tells which."""

    row: RecordingRow


JobEvent = (
    SkippedInput
    | JobPlanned
    | RecordingPlanned
    | RecordingBegan
    | RecordingProgressed
    | RecordingRetried
    | RecordingFinished
)


@dataclass(frozen=True, slots=True)
class JobCounts:
    """The state of a job: counts over its recordings."""

    files: int
    done: int
    review: int
    failed: int
    left: int
    unchanged: int = 0


def counts_of(rows: Iterable[RecordingRow], unchanged: int = 0) -> JobCounts:
    """Return the counts over these recordings."""
    every = list(rows)
    return JobCounts(
        files=len(every),
        done=sum(row.state == "done" and not row.needs_review for row in every),
        review=sum(row.needs_review for row in every),
        failed=sum(row.state == "failed" for row in every),
        left=sum(row.state not in ("done", "failed") for row in every),
        unchanged=unchanged,
    )
