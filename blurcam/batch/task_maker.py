"""The task maker makes tasks from the ledger's rows, and notes them there as begun."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace

from blurcam.batch.kept_regions import regions_beside
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import OutputFolder
from blurcam.batch.tasks import JoinSpans, RedactRecording, RedactSpan, Task
from blurcam.runs.span_cuts import Span
from blurcam.settings.batch import Batch
from blurcam.settings.recording import Config
from blurcam.sinks.picture import SUFFIXES as PICTURES

# Joining copies packets: it takes about this share of the time for a recording in spans.
_JOINING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class TaskItem:
    """An item of work: a recording, one span of it, or joining its spans."""

    file: int
    span: int | None = None
    is_join: bool = False


@dataclass(frozen=True, slots=True)
class MadeTask:
    """A task, the part of its recording in words, and its share of the recording."""

    task: Task
    part: str = ""
    share: float = 1.0


class TaskMaker:
    """Makes tasks. Each attempt writes to a name that no other attempt of any run has."""

    def __init__(self, batch: Batch, ledger: Ledger, output: OutputFolder) -> None:
        """Make tasks for one run of a job."""
        self._batch = batch
        self._ledger = ledger
        self._output = output
        self._run = ledger.run()

    def make(self, item: TaskItem, row: RecordingRow, blameless: int, *, may_cut: bool) -> MadeTask:
        """Return a task for an item; ``blameless`` counts the machines lost with it."""
        name = f"{self._output.prefix}{self._run}-{row.id}-{row.attempts}-{blameless}"
        if item.is_join:
            return self._join(row, name)
        if item.span is not None:
            return self._span(row, name, item.span)
        self._ledger.running(row.id)
        span = self._batch.span if may_cut else 0.0
        return MadeTask(RedactRecording(row.id, self._config(row, name), self._batch.verify, span))

    def _join(self, row: RecordingRow, name: str) -> MadeTask:
        spans = self._ledger.spans.of(row.id)
        self._ledger.spans.joining(row.id)
        task = JoinSpans(
            row.id,
            self._config(row, name),
            tuple(Span(**json.loads(each.span)) for each in spans),
            tuple(self._output.work / (each.packets or "") for each in spans),
            tuple(each.result or "" for each in spans),
            self._key(),
            self._batch.verify,
        )
        return MadeTask(task, ", joining", _JOINING_SHARE)

    def _span(self, row: RecordingRow, name: str, index: int) -> MadeTask:
        spans = self._ledger.spans.of(row.id)
        values = [Span(**json.loads(each.span)) for each in spans]
        chosen = spans[index]
        self._ledger.spans.running(row.id, chosen.number)
        packets = self._output.work / f"{name}-{chosen.number}-{chosen.attempts}.packets"
        task = RedactSpan(row.id, self._config(row, name), values[index], packets, self._key())
        share = values[index].frames / sum(each.frames for each in values)
        return MadeTask(
            task, f", span {chosen.number + 1} of {len(spans)}", share * (1 - _JOINING_SHARE)
        )

    def _config(self, row: RecordingRow, name: str) -> Config:
        output = self._output.work / f"{name}{row.output.suffix}"
        is_picture = output.suffix.lower() in PICTURES
        return Config(
            input=row.source,
            output=output,
            regions=None if is_picture else regions_beside(output),
            effect=self._batch.effect,
            detect=self._batch.detect,
            cover=self._batch.cover,
            encode=replace(self._batch.encode, overwrite=True),
            mounting=self._batch.mounting,
            reading=self._batch.reading,
            rate=self._batch.rate,
            memory=self._batch.memory,
        )

    def _key(self) -> str:
        """Return the key, in hex, for signing spans; only this job knows it."""
        key = self._ledger.noted("key")
        if key is None:
            key = secrets.token_hex(32)
            self._ledger.note("key", key)
        return key
