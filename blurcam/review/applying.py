"""Saved edits become the output: drawn, verified, published over it, and put on record."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from blurcam.batch.job_folder import LEDGER, locked
from blurcam.batch.kept_regions import regions_name
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import OutputFolder, open_output
from blurcam.batch.report.document import write_report
from blurcam.batch.tasks import RecordingRedacted, TaskStep
from blurcam.errors import ConfigError, JobError
from blurcam.review.edits import ReviewEdits
from blurcam.review.judging import judged_by_person
from blurcam.review.redrawing import RedrawTask, redraw
from blurcam.review.review_queue import ReviewItem
from blurcam.review.review_words import steps_of


def apply_to_job(
    job: Path, out: Path, item: ReviewItem, edits: ReviewEdits, key: Path | None
) -> Iterator[TaskStep]:
    """Apply saved edits to an output of a job, and write its report anew; yield steps.

    Raises BlurcamError; then the output is as it was.
    """
    with ExitStack() as stack:
        stack.enter_context(locked(job, out))
        ledger = stack.enter_context(closing(Ledger(job / LEDGER)))
        output = stack.enter_context(open_output(out, ledger.job(), job))
        row = ledger.row(item.number)
        if row.state != "done" or row.output_sha256 != item.digest:
            raise JobError(f"{item.name}: was redacted again meanwhile; open it again")
        if _is_drawn(row, ledger, edits):
            _judge(row, ledger, item, edits)
        else:
            yield from _draw(row, ledger, output, item, edits)
        write_report(ledger, output, key)


def _is_drawn(row: RecordingRow, ledger: Ledger, edits: ReviewEdits) -> bool:
    """Whether the output shows these edits already, and was verified."""
    digest, _, drawn = (ledger.noted(f"drawn {row.id}") or "").partition(" ")
    shown = drawn if digest == row.output_sha256 else ""
    return shown == edits.drawn_sha256 and row.verdict is not None


def _judge(row: RecordingRow, ledger: Ledger, item: ReviewItem, edits: ReviewEdits) -> None:
    """Let the verdict follow from what a person said of it."""
    digest = row.output_sha256 or ""
    found = ledger.details(row.id)["verification"]
    ledger.reviewed(row.id, steps_of(edits, digest, digest))
    ledger.judged(row.id, judged_by_person(found, item, edits))


def _draw(
    row: RecordingRow, ledger: Ledger, output: OutputFolder, item: ReviewItem, edits: ReviewEdits
) -> Iterator[TaskStep]:
    if item.source is None or item.regions is None or row.output_sha256 is None:
        raise ConfigError(f"{item.name}: has no input or no regions on file")
    staged = f"{output.prefix}review-{row.id}-{secrets.token_hex(4)}{row.output.suffix}"
    asked = RedrawTask(row.id, item.source, output.work / staged, item.regions, edits)
    try:
        for made in redraw(asked):
            if isinstance(made, TaskStep):
                yield made
            else:
                _publish(row, ledger, output, item, made, edits)
    finally:
        output.remove(staged)


def _publish(
    row: RecordingRow,
    ledger: Ledger,
    output: OutputFolder,
    item: ReviewItem,
    made: RecordingRedacted,
    edits: ReviewEdits,
) -> None:
    """Give what was drawn the name of the output, on record before it has it."""
    before, after = row.output_sha256 or "", made.summary.output_sha256
    output.regions.link(regions_name(row.id, before), regions_name(row.id, after))
    ledger.reviewed(row.id, steps_of(edits, before, after))
    ledger.note(f"drawn {row.id}", f"{after} {edits.drawn_sha256}")
    columns = made.columns() | {"replaces": before}
    if made.verification is not None:
        columns["verdict"] = judged_by_person(made.verification.to_values(), item, edits)
    ledger.staged(row.id, columns, made.thumbnails)
    output.publish(str(columns["staged"]), row.output, after, before)
    if after != before:
        output.regions.remove(regions_name(row.id, before))
    with ledger.transaction():
        ledger.done(row.id)
