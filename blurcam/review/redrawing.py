"""An output drawn again from its regions with the saved edits, and verified again.

The whole recording is drawn. Packets of the output that is there are not taken over: a packet that
this process did not make of a redacted frame is never written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.batch.task_work import finish_redaction
from blurcam.batch.tasks import Outcome, RecordingRedacted, RedactRecording, TaskStep
from blurcam.errors import BlurcamError, ConfigError
from blurcam.review.edited_regions import EditPlan
from blurcam.review.edits import ReviewEdits
from blurcam.review.region_index import RegionIndex
from blurcam.runs.recording import open_run
from blurcam.runs.regions_header import config_of


class OutputRefused(BlurcamError):
    """What was drawn does not pass verification, and is not published."""


@dataclass(frozen=True, slots=True)
class RedrawTask:
    """What to draw: a recording with its regions, edits and the name that the result gets."""

    number: int
    source: Path
    target: Path
    regions: Path
    edits: ReviewEdits


def redraw(asked: RedrawTask) -> Iterator[TaskStep | RecordingRedacted]:
    """Draw a recording again and verify it: yield steps, and last what came of it.

    Raises BlurcamError where it cannot be drawn, or does not pass.
    """
    with (
        closing(RegionIndex(asked.regions)) as index,
        edited_file(index, asked.edits, asked.regions) as edited,
    ):
        config = replace(config_of(index.header, asked.source, asked.target), render_from=edited)
        timeline = CoverageBySecond()
        total = index.times[-1] - index.times[0] if len(index) else 0.0
        with open_run(config, watch=timeline.watch) as run:
            for time in run.steps():
                yield TaskStep("redacting", float(time) - index.times[0], total)
            summary = replace(run.finish(), detector=index.header.settings["detector"])
    task = RedactRecording(asked.number, config, verify=True)
    for made in finish_redaction(task, summary, timeline):
        yield _passed(made)


@contextmanager
def edited_file(index: RegionIndex, edits: ReviewEdits, name: Path) -> Iterator[Path]:
    """Give a file of the regions as the edits have them, for as long as the block lasts.

    Raises ConfigError for edits of other regions than those of ``name``.
    """
    if edits.regions_sha256 != index.sha256:
        raise ConfigError(f"{name}: the edits were made for other regions than these")
    plan = EditPlan(edits.edits, index.spans)
    with tempfile.NamedTemporaryFile(prefix="blurcam-", suffix=".jsonl") as file:
        file.writelines(index.edited_lines(plan))
        file.flush()
        yield Path(file.name)


def _passed(made: TaskStep | Outcome) -> TaskStep | RecordingRedacted:
    if isinstance(made, TaskStep):
        return made
    assert isinstance(made, RecordingRedacted)
    if made.verification is not None and made.verification.problems:
        raise OutputRefused(
            f"what was drawn does not pass: {'; '.join(made.verification.problems)}; the output "
            "stays as it was"
        )
    return made
