"""The events of a job, as lines for people and as JSON for programs."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from blurcam.runtime.counts import counted

if TYPE_CHECKING:
    from blurcam.batch.events import JobEvent
    from blurcam.batch.ledger import RecordingRow

# The stable names of the events for programs that read --log-format json.
_NAMES: Final = {
    "SkippedInput": "skipped",
    "RecordingPlanned": "recording",
    "JobPlanned": "planned",
    "RecordingBegan": "began",
    "RecordingProgressed": "progressed",
    "RecordingRetried": "retried",
    "RecordingFinished": "finished",
}
_FINISHED: Final = ("frames", "tracks", "covered_whole", "lost", "complete", "verdict", "error")


def duration(seconds: float) -> str:
    """Return a rounded length of time: "2 h 5 min"."""
    minutes = round(seconds / 60)
    if minutes >= 2880:
        return f"{minutes // 1440} days"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def is_trouble(event: JobEvent) -> bool:
    """Whether an event tells of trouble, so that --quiet shows it, too."""
    from blurcam.batch.events import RecordingFinished, RecordingRetried

    return isinstance(event, RecordingRetried) or (
        isinstance(event, RecordingFinished)
        and (event.row.state == "failed" or event.row.needs_review)
    )


def line_of(event: JobEvent) -> str | None:
    """Return the line for an event, ``None`` if it is too minor."""
    from blurcam.batch.events import JobPlanned, RecordingBegan, RecordingFinished, RecordingRetried
    from blurcam.batch.inputs import SkippedInput
    from blurcam.batch.output_names import shown

    match event:
        case SkippedInput() if not event.is_by_age:
            return f"skipped: {shown(event.path)}: {event.why}"
        case JobPlanned():
            of_them = f", {event.done_before} of them done before" if event.done_before else ""
            return f"{counted(event.files, 'recording')} of {event.size / 1e6:.1f} MB{of_them}"
        case RecordingRetried():
            return f"again: {shown(event.row.source)}: {event.why}"
        case RecordingFinished():
            return _finished(event.row)
        case RecordingBegan():
            return f"begun: {shown(event.row.source)}{event.part}"
    return None


def _finished(row: RecordingRow) -> str:
    from blurcam.batch.output_names import shown

    if row.state == "failed":
        return f"failed: {shown(row.source)}: {row.error}"
    frames, tracks = counted(row.frames or 0, "frame"), counted(row.tracks or 0, "track")
    text = f"done: {shown(row.output)}: {frames}, {tracks}"
    if row.verdict:
        text += f", {row.verdict}"
    if not row.complete:
        text += f"; look at it: {row.covered_whole} fully covered, {row.lost} lost"
    return text


def event_of(event: JobEvent) -> dict[str, Any]:
    """Return an event as values for JSON."""
    from blurcam.batch.events import JobPlanned, RecordingPlanned, RecordingProgressed
    from blurcam.batch.inputs import SkippedInput
    from blurcam.batch.output_names import shown

    name = _NAMES[type(event).__name__]
    values: dict[str, Any] = {"event": name, "at": round(time.time(), 3)}
    if isinstance(event, JobPlanned):
        values |= {"files": event.files, "done_before": event.done_before, "bytes": event.size}
        return values
    if isinstance(event, SkippedInput):
        return values | {"source": shown(event.path), "why": event.why}
    row = event.row
    values |= {"source": shown(row.source), "output": shown(row.output), "state": row.state}
    for key in ("worker", "why"):
        if hasattr(event, key):
            values[key] = getattr(event, key)
    if isinstance(event, RecordingPlanned):
        values["to_do"] = not event.is_done
    if isinstance(event, RecordingProgressed):
        values |= asdict(event.step)
    if name == "finished":
        values |= {key: getattr(row, key) for key in _FINISHED}
    return values
