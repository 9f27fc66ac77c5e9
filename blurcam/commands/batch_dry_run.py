"""``batch --dry-run``: the plan for each recording, and an estimate of the time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from blurcam.commands.batch_events import duration, event_of
from blurcam.commands.batch_progress import LogFormat
from blurcam.commands.terminal import DONE
from blurcam.runtime.counts import counted

if TYPE_CHECKING:
    from blurcam.batch.events import JobEvent
    from blurcam.batch.inputs import InputFile, SkippedInput
    from blurcam.batch.job import Job
    from blurcam.batch.ledger import RecordingRow
    from blurcam.batch.worker_pool import WorkerPool


def rehearse(
    job: Job,
    found: Iterable[InputFile | SkippedInput],
    workers: Callable[[Path], WorkerPool] | None,
    log_format: LogFormat,
) -> int:
    """List what the job would do, and estimate how long it takes; return the exit code.

    Only samples are written, to a temporary folder that is removed at the end. ``workers`` makes
    the workers that redact them; its argument is the path of their log.
    """
    from blurcam.batch.estimate import estimate
    from blurcam.batch.events import RecordingPlanned

    events = list(job.planned(found))
    for event in events:
        line = json.dumps(event_of(event)) if log_format == "json" else _line_of(event)
        if line:
            typer.echo(line)
    to_do = [e.row for e in events if isinstance(e, RecordingPlanned) and not e.is_done]
    _tell_sum(events, to_do, log_format)
    if not to_do or workers is None:
        return DONE
    with tempfile.TemporaryDirectory(prefix="blurcam-sample-") as name:
        folder = Path(name)
        with closing(workers(folder / "workers.log")) as pool:
            found_out = estimate(job.batch, to_do, pool, folder)
            count = pool.workers
    if log_format == "json":
        seconds = None if found_out is None else round(found_out.seconds)
        typer.echo(json.dumps({"event": "estimate", "seconds": seconds}))
    elif found_out is None:
        typer.echo("no estimate: the samples could not be redacted")
    else:
        besides = job.batch.verify and not found_out.with_verifying
        typer.echo(
            f"about {duration(found_out.seconds)} with {counted(count, 'worker')}, by "
            f"{counted(found_out.samples, 'sample')}" + ("; verifying comes on top" * besides)
        )
    return DONE


def _line_of(event: JobEvent) -> str | None:
    from blurcam.batch.events import RecordingPlanned
    from blurcam.batch.inputs import SkippedInput
    from blurcam.batch.output_names import shown

    if isinstance(event, SkippedInput):
        return f"skip: {shown(event.path)}: {event.why}"
    if not isinstance(event, RecordingPlanned):
        return None
    row = event.row
    if event.is_done:
        return f"leave: {shown(row.source)}: {event.why}"
    return f"redact: {shown(row.source)} to {shown(row.output)}: {event.why}"


def _tell_sum(events: list[JobEvent], to_do: list[RecordingRow], log_format: LogFormat) -> None:
    from blurcam.batch.events import RecordingPlanned
    from blurcam.batch.inputs import SkippedInput

    if log_format == "json":
        return
    left = sum(isinstance(each, RecordingPlanned) and each.is_done for each in events)
    skipped = sum(isinstance(each, SkippedInput) for each in events)
    size = sum(row.size for row in to_do) / 1e6
    typer.echo(
        f"{counted(len(to_do), 'recording')} of {size:.1f} MB to redact, {left} to leave, "
        f"{skipped} skipped"
    )
