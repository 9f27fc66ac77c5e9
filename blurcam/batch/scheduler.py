"""Hands tasks to the workers, and writes down what comes of them."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blurcam.batch.events import (
    JobEvent,
    RecordingBegan,
    RecordingFinished,
    RecordingProgressed,
    RecordingRetried,
)
from blurcam.batch.folder_handles import is_full
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import OutputFolder
from blurcam.batch.output_names import shown
from blurcam.batch.tasks import (
    JoinSpans,
    RecordingCut,
    RecordingRedacted,
    RedactRecording,
    RedactSpan,
    SpanRedacted,
    Task,
    TaskFailed,
)
from blurcam.batch.worker_pool import TaskEnded, TaskProgress, WorkerDied, WorkerPool
from blurcam.errors import JobError, SinkError
from blurcam.runs.span_cuts import Span
from blurcam.settings.batch import Batch
from blurcam.settings.recording import Config

# A recording that took its worker with it is tried so many times in all.
_ATTEMPTS: Final = 2
# Machines may go, without it being a recording's fault, so many times for one recording.
_BLAMELESS: Final = 10
_POLL: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Item:
    """Something to do: a recording, one span of it, or joining its spans."""

    file: int
    span: int | None = None
    is_join: bool = False


class Scheduler:
    """The work of one run: what waits, what is under way, and what came of it."""

    def __init__(self, batch: Batch, ledger: Ledger, output: OutputFolder, ids: list[int]) -> None:
        """Work on the recordings ``ids``."""
        self._batch = batch
        self._ledger = ledger
        self._output = output
        self._began = time.monotonic()
        self._ids = set(ids)
        self._engine: WorkerPool | None = None
        self._waiting: list[_Item] = []  # the next one is the last
        self._under_way: dict[int, Task] = {}
        self._blameless: dict[int, int] = {}
        self._uncut: set[int] = set()

    def run(self, engine: Callable[[], WorkerPool]) -> Iterator[JobEvent]:
        """Do all there is to do, telling what happens; raises JobError where that ends early."""
        self._sweep()
        for row in list(self._ledger.in_state("staged")):
            yield self._publish(row)
        self._waiting = [
            _Item(row.id) for row in self._ledger.in_state("pending") if row.id in self._ids
        ]
        self._waiting.reverse()
        for row in self._ledger.in_state("cut"):
            if row.id in self._ids:
                self._wait_for_spans(row.id)
        if not self._waiting:
            return
        self._engine = engine()
        while self._waiting or self._under_way:
            while self._waiting and len(self._under_way) < self._engine.workers:
                yield from self._begin(self._waiting.pop())
            for event in self._engine.events(_POLL):
                if isinstance(event, TaskProgress):
                    row = self._ledger.row(event.task.file)
                    yield RecordingProgressed(event.worker, row, event.step)
                else:
                    del self._under_way[event.worker]
                    yield from self._judge(event)

    def close(self) -> None:
        """End the workers."""
        if self._engine is not None:
            self._engine.close()

    def _sweep(self) -> None:
        kept = {row.staged for row in self._ledger.in_state("staged") if row.staged}
        for row in self._ledger.in_state("cut"):
            for span in self._ledger.spans.of(row.id):
                if span.spool is not None and self._output.holds(span.spool):
                    kept.add(span.spool)
                elif span.state == "done":
                    self._ledger.spans.pending(row.id, span.number)
        self._output.sweep(kept)

    def _wait_for_spans(self, number: int) -> None:
        """Have the spans that are not redacted wait, or the joining if all are."""
        left = [s.number for s in self._ledger.spans.of(number) if s.state == "pending"]
        if left:
            self._waiting += [_Item(number, index) for index in reversed(left)]
        elif all(span.state == "done" for span in self._ledger.spans.of(number)):
            self._waiting.append(_Item(number, is_join=True))

    # Beginning.

    def _begin(self, item: _Item) -> Iterator[JobEvent]:
        assert self._engine is not None
        row = self._ledger.row(item.file)
        try:
            self._output.prepare(row.output)
        except SinkError as exc:
            yield self._give_up(row, str(exc))
            return
        task, part = self._task(item, row)
        worker = self._engine.start(task)
        self._under_way[worker] = task
        yield RecordingBegan(worker, row, part)

    def _task(self, item: _Item, row: RecordingRow) -> tuple[Task, str]:
        """Return what to ask of a worker, written down as begun, and which part that is."""
        blameless = self._blameless.get(row.id, 0)
        name = f"{self._output.prefix}{row.id}-{row.attempts}-{blameless}"
        config = self._config(row, name)
        verify = self._batch.verify
        if item.span is None and not item.is_join:
            self._ledger.running(row.id)
            span = 0.0 if row.id in self._uncut else self._batch.span
            return RedactRecording(row.id, config, verify, span), ""
        spans = self._ledger.spans.of(row.id)
        values = [Span(**json.loads(each.span)) for each in spans]
        if item.span is None:
            self._ledger.spans.joining(row.id)
            spools = tuple(self._output.work / (each.spool or "") for each in spans)
            parts = tuple(each.result or "" for each in spans)
            join = JoinSpans(row.id, config, tuple(values), spools, parts, self._key(), verify)
            return join, ", joining"
        chosen = spans[item.span]
        self._ledger.spans.running(row.id, chosen.number)
        spool = self._output.work / f"{name}-{chosen.number}-{chosen.attempts}.spool"
        task = RedactSpan(row.id, config, values[item.span], spool, self._key())
        return task, f", span {chosen.number + 1} of {len(spans)}"

    def _config(self, row: RecordingRow, name: str) -> Config:
        return Config(
            input=row.source,
            output=self._output.work / f"{name}{row.output.suffix}",
            effect=self._batch.effect,
            detect=self._batch.detect,
            cover=self._batch.cover,
            encode=replace(self._batch.encode, overwrite=True),
        )

    def _key(self) -> str:
        """Return the key, in hex, that spans are signed with: known to this job alone."""
        key = self._ledger.noted("key")
        if key is None:
            key = secrets.token_hex(32)
            self._ledger.note("key", key)
        return key

    # Judging.

    def _judge(self, event: TaskEnded | WorkerDied) -> Iterator[JobEvent]:
        row = self._ledger.row(event.task.file)
        if isinstance(event.task, RedactSpan) and row.state != "cut":
            return  # given up meanwhile, or to be redacted in one piece
        if isinstance(event, WorkerDied):
            yield self._lost(row, event)
            return
        match event.outcome:
            case TaskFailed(fatal=True) as failed:
                error = self._told(failed.error, row)
                raise JobError(f"{error}; {failed.remedy}run the same command again")
            case TaskFailed() as failed:
                yield self._failed(row, event.task, failed)
            case RecordingCut() as cut:
                self._ledger.spans.cut(row.id, (json.dumps(span.to_values()) for span in cut.spans))
                self._wait_for_spans(row.id)
            case SpanRedacted() as spooled:
                assert isinstance(event.task, RedactSpan)
                span = event.task.span.number
                self._ledger.spans.done(row.id, span, event.task.spool.name, spooled.part)
                if all(each.state == "done" for each in self._ledger.spans.of(row.id)):
                    self._waiting.append(_Item(row.id, is_join=True))
            case RecordingRedacted() as redacted:
                yield self._redacted(row, redacted)

    def _lost(self, row: RecordingRow, event: WorkerDied) -> JobEvent:
        task = event.task
        item = _Item(row.id, is_join=isinstance(task, JoinSpans))
        if isinstance(task, RedactSpan):
            item = _Item(row.id, task.span.number)
        if event.blameless and self._blameless.get(row.id, 0) < _BLAMELESS:
            self._blameless[row.id] = self._blameless.get(row.id, 0) + 1
            if isinstance(task, RedactSpan):
                self._ledger.spans.pending(row.id, task.span.number)
            self._waiting.append(item)
            return RecordingRetried(row, event.why)
        attempts = row.attempts
        if isinstance(task, RedactSpan):
            attempts = self._ledger.spans.of(row.id)[task.span.number].attempts
        if attempts + 1 >= _ATTEMPTS:
            return self._give_up(row, f"{event.why}; tried {attempts + 1} times")
        if isinstance(task, RedactSpan):
            self._ledger.spans.again(row.id, task.span.number)
        else:
            state = "cut" if isinstance(task, JoinSpans) else "pending"
            self._ledger.again(row.id, event.why, state)
        self._waiting.append(item)
        return RecordingRetried(self._ledger.row(row.id), event.why)

    def _failed(self, row: RecordingRow, task: Task, outcome: TaskFailed) -> JobEvent:
        """Give a recording up; or, where only cutting it did not work, do it in one piece."""
        error = self._told(outcome.error, row)
        if isinstance(task, RedactRecording):
            return self._give_up(row, error)
        self._forget_spans(row)
        self._uncut.add(row.id)
        self._ledger.spans.uncut(row.id, error)
        self._waiting.append(_Item(row.id))
        return RecordingRetried(self._ledger.row(row.id), f"{error}; now in one piece")

    def _give_up(self, row: RecordingRow, error: str) -> JobEvent:
        self._forget_spans(row)
        self._ledger.failed(row.id, error)
        return RecordingFinished(self._ledger.row(row.id))

    def _forget_spans(self, row: RecordingRow) -> None:
        """Remove what there is of a recording in spans."""
        self._waiting = [each for each in self._waiting if each.file != row.id]
        for span in self._ledger.spans.of(row.id):
            if span.spool is not None:
                self._output.remove(span.spool)

    def _redacted(self, row: RecordingRow, outcome: RecordingRedacted) -> JobEvent:
        verification = outcome.verification
        if verification is not None and verification.problems:
            why = f"its output does not pass: {'; '.join(verification.problems)}"
            return self._give_up(row, self._told(why, row))
        self._ledger.staged(row.id, _columns(outcome), outcome.thumbnails)
        return self._publish(self._ledger.row(row.id))

    def _publish(self, row: RecordingRow) -> JobEvent:
        """Give a staged redaction its name; one that may not have it is a failure."""
        assert row.staged is not None
        assert row.output_sha256 is not None
        try:
            self._output.publish(row.staged, row.output, row.output_sha256, row.replaces)
        except SinkError as exc:
            if is_full(exc):  # the next run publishes it
                raise JobError(f"{exc}; make room and run the same command again") from exc
            return self._give_up(row, str(exc))
        self._forget_spans(row)
        with self._ledger.transaction():
            self._ledger.done(row.id)
            self._ledger.finished(row.size, time.monotonic() - self._began)
        return RecordingFinished(self._ledger.row(row.id))

    def _told(self, error: str, row: RecordingRow) -> str:
        """Return a worker's error in the names that the operator knows, on one line."""
        work = re.escape(str(self._output.work))
        own = rf"{work}/\.?{self._output.prefix}{row.id}-[0-9-]+\.\w+(\.part)?"
        return shown(re.sub(own, "the output", error).removeprefix(f"{row.source}: "))


def _columns(outcome: RecordingRedacted) -> dict[str, object]:
    summary, verification = outcome.summary, outcome.verification
    return {
        "staged": Path(summary.output).name,
        "input_sha256": summary.input_sha256,
        "output_sha256": summary.output_sha256,
        "output_size": outcome.size,
        "frames": summary.frames_in,
        "covered_whole": summary.frames_covered_whole,
        "lost": summary.frames_lost,
        "complete": int(summary.complete),
        "tracks": summary.tracks,
        "duration_s": summary.duration_s,
        "wall_s": summary.wall_s,
        "summary": summary.to_json(),
        "timeline": json.dumps(outcome.timeline.to_values()),
        "verdict": None if verification is None else verification.verdict.value,
        "exposure_s": None if verification is None else verification.exposure_s,
        "verification": None if verification is None else json.dumps(verification.to_values()),
    }
