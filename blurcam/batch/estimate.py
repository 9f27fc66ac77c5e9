"""The estimate of how long a job takes, from the first seconds of some of its recordings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blurcam.batch.ledger import RecordingRow
from blurcam.batch.tasks import RecordingRedacted, RedactRecording
from blurcam.batch.worker_pool import TaskEnded, TaskProgress, WorkerPool
from blurcam.settings.batch import Batch
from blurcam.settings.recording import Config

# This many recordings are sampled, each for this many seconds after its first frame.
_SAMPLES: Final = 3
_SECONDS: Final = 10.0
# A recording without a frame for this long gives no sample.
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """How long the job takes, by how many samples, and whether that includes verifying."""

    seconds: float
    samples: int
    with_verifying: bool


@dataclass(frozen=True, slots=True)
class SampledRate:
    """The work on one recording: its bytes, the seconds they took, and whether it was all."""

    size: float
    seconds: float
    is_whole: bool


def estimate(
    batch: Batch, rows: Sequence[RecordingRow], pool: WorkerPool, folder: Path
) -> JobEstimate | None:
    """Return how long these recordings take, ``None`` if no sample succeeds.

    Samples of middling size are redacted into ``folder``, which the caller removes.
    """
    by_size = sorted(rows, key=lambda row: row.size)
    count = min(_SAMPLES, len(by_size))
    chosen = [by_size[(2 * n + 1) * len(by_size) // (2 * count)] for n in range(count)]
    rates = [rate for row in chosen if (rate := _sample(batch, row, pool, folder)) is not None]
    size, seconds = sum(each.size for each in rates), sum(each.seconds for each in rates)
    if not size or not seconds:
        return None
    workers = min(pool.workers, len(rows)) if batch.span == 0 else pool.workers
    total = sum(row.size for row in rows) * seconds / size / workers
    return JobEstimate(total, len(rates), batch.verify and all(each.is_whole for each in rates))


def _sample(batch: Batch, row: RecordingRow, pool: WorkerPool, folder: Path) -> SampledRate | None:
    """Redact the beginning of a recording, and end the worker."""
    config = Config(
        input=row.source,
        output=folder / f"sample-{row.id}{row.output.suffix}",
        effect=batch.effect,
        detect=batch.detect,
        cover=batch.cover,
        encode=replace(batch.encode, overwrite=True),
        mounting=batch.mounting,
        reading=batch.reading,
        rate=batch.rate,
        memory=batch.memory,
    )
    pool.start(RedactRecording(row.id, config, batch.verify))
    began = time.monotonic()
    first: float | None = None
    try:
        while time.monotonic() - began < (_PATIENCE if first is None else _PATIENCE + _SECONDS):
            for event in pool.events(0.5):
                now = time.monotonic()
                if isinstance(event, TaskEnded):
                    return _whole(event, row, now - (first or now))
                if not isinstance(event, TaskProgress):
                    return None
                first = first or now
                step = event.step
                if now - first >= _SECONDS and step.doing == "redacting" and step.total:
                    return SampledRate(row.size * step.seconds / step.total, now - first, False)
        return None
    finally:
        pool.close()


def _whole(event: TaskEnded, row: RecordingRow, since_first: float) -> SampledRate | None:
    if not isinstance(event.outcome, RecordingRedacted):
        return None
    # The worker's start is not counted: it happens once, not for each recording.
    return SampledRate(row.size, max(event.outcome.summary.wall_s, since_first), True)
