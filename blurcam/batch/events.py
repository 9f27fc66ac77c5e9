"""What happens in a job, as values; and how the job stands."""

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
    """What becomes of a recording: is there something to do, and why."""

    row: RecordingRow
    is_done: bool
    why: str


@dataclass(frozen=True, slots=True)
class RecordingBegan:
    """A worker has begun on a recording, or on a part of it that is this ``share`` of it."""

    worker: int
    row: RecordingRow
    part: str = ""
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class RecordingProgressed:
    """A worker tells how far it is with a recording, or with a part of it."""

    worker: int
    row: RecordingRow
    step: TaskStep


@dataclass(frozen=True, slots=True)
class RecordingRetried:
    """An attempt failed; there will be another."""

    row: RecordingRow
    why: str


@dataclass(frozen=True, slots=True)
class RecordingFinished:
    """A recording is done, or has failed: its row says which."""

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
    """How a job stands, over the recordings it is about."""

    files: int
    done: int
    review: int
    failed: int
    left: int
    unchanged: int = 0


def counts_of(rows: Iterable[RecordingRow], unchanged: int = 0) -> JobCounts:
    """Return how these recordings stand."""
    every = list(rows)
    return JobCounts(
        files=len(every),
        done=sum(row.state == "done" and not row.needs_review for row in every),
        review=sum(row.needs_review for row in every),
        failed=sum(row.state == "failed" for row in every),
        left=sum(row.state not in ("done", "failed") for row in every),
        unchanged=unchanged,
    )
