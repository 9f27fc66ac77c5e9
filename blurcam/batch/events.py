"""What happens in a job, for whoever tells it; and how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blurcam.batch.inputs import Skipped
from blurcam.batch.ledger import Row


@dataclass(frozen=True, slots=True)
class Planned:
    """The recordings are known: how many there are in all, and how many were done before."""

    files: int
    done_before: int
    size: int
    size_before: int


@dataclass(frozen=True, slots=True)
class Began:
    """A worker has begun on a recording, or on a part of it."""

    worker: int
    row: Row
    part: str = ""


@dataclass(frozen=True, slots=True)
class Progressed:
    """A worker has come so many seconds of media time far."""

    worker: int
    row: Row
    seconds: float


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt came to nothing; there will be another."""

    row: Row
    why: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A recording is done, or given up: its row says which."""

    row: Row


News = Skipped | Planned | Began | Progressed | Retried | Finished


@dataclass(frozen=True, slots=True)
class Tally:
    """How a job stands, over the recordings it is about."""

    files: int
    done: int
    review: int
    failed: int
    left: int
    unchanged: int = 0


def tally_of(rows: Iterable[Row], unchanged: int = 0) -> Tally:
    """Return how these recordings stand."""
    every = list(rows)
    return Tally(
        files=len(every),
        done=sum(row.state == "done" and not row.needs_review for row in every),
        review=sum(row.needs_review for row in every),
        failed=sum(row.state == "failed" for row in every),
        left=sum(row.state not in ("done", "failed") for row in every),
        unchanged=unchanged,
    )
