"""``batch status``: the state of a job, and the reasons to review a recording."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from blurcam.commands.batch_events import duration
from blurcam.commands.terminal import DONE, INCOMPLETE
from blurcam.runtime.counts import counted

if TYPE_CHECKING:
    from blurcam.batch.ledger import Ledger, RecordingRow

# The text names this many moments of a reason; --json names all that the report does.
_NAMED: Final = 5


def status(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What was given as --out or --job.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Say it as one JSON object.")] = False,
) -> None:
    """Show a job's progress, rate and time to go; what failed, what needs review, and why."""
    from blurcam.batch.job_folder import LEDGER
    from blurcam.batch.ledger import Ledger
    from blurcam.batch.output_folder import PRIVATE

    path = folder / LEDGER
    if not path.exists():
        path = folder / PRIVATE / LEDGER
    with closing(Ledger(path, "read")) as ledger:
        facts = _facts(ledger)
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        for line in _lines(facts):
            typer.echo(line)
    raise typer.Exit(DONE if not facts["failed"] and not facts["review"] else INCOMPLETE)


def _facts(ledger: Ledger) -> dict[str, Any]:
    from dataclasses import asdict

    from blurcam.batch.events import counts_of

    rows = list(ledger.rows())
    left = [row for row in rows if row.state not in ("done", "failed")]
    bytes_left = sum(row.size for row in left)
    files, size, seconds = (
        float(ledger.noted(key) or 0) for key in ("run_files", "run_bytes", "run_seconds")
    )
    return asdict(counts_of(rows)) | {
        "bytes": sum(row.size for row in rows),
        "bytes_left": bytes_left,
        "files_a_minute": round(60 * files / seconds, 2) if seconds else 0.0,
        "seconds_to_go": round(bytes_left * seconds / size) if size and left else None,
        "recordings": [_recording(row, ledger) for row in rows if _is_told(row)],
    }


def _is_told(row: RecordingRow) -> bool:
    return row.state == "failed" or row.needs_review


def _recording(row: RecordingRow, ledger: Ledger) -> dict[str, Any]:
    """Return a recording that needs review, with its reasons and their moments."""
    from blurcam.batch.output_names import shown
    from blurcam.batch.review_reasons import as_values, doubts_of, reasons_of

    details = ledger.details(row.id)
    return {
        "source": shown(row.source),
        "output": shown(row.output),
        "state": row.state,
        "verdict": row.verdict,
        "reasons": as_values(reasons_of(row, details)),
        "doubts": as_values(doubts_of(details)) if row.state == "done" else [],
    }


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{facts['files'] - facts['left']} of {counted(facts['files'], 'recording')}: "
        f"{facts['done']} done, {facts['review']} to look at, {facts['failed']} failed"
    )
    if facts["files_a_minute"]:
        yield f"{facts['files_a_minute']:g} recordings a minute"
    if facts["seconds_to_go"] is not None:
        yield f"{duration(facts['seconds_to_go'])} to go"
    for each in facts["recordings"]:
        if each["state"] == "failed":
            yield from (f"{_failed(each, reason)}" for reason in each["reasons"])
            continue
        yield f"look at: {each['output']}"
        for reason in each["reasons"]:
            yield f"  {reason['text']}{_moments(reason['moments'])}"


def _failed(recording: dict[str, Any], reason: dict[str, Any]) -> str:
    return f"failed: {recording['source']}: {reason['text'].removeprefix('failed: ')}"


def _moments(moments: list[dict[str, Any]]) -> str:
    """Return the first moments of a reason as text."""
    from blurcam.batch.review_reasons import Moment

    if not moments:
        return ""
    told = "; ".join(str(Moment(**each)) for each in moments[:_NAMED])
    more = len(moments) - _NAMED
    return f": at {told}" + (f"; and {more} more" if more > 0 else "")
