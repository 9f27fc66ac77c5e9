"""The scheduler gives tasks to the workers, and writes their outcomes into the ledger."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from blurcam.batch.events import (
    JobEvent,
    RecordingBegan,
    RecordingFinished,
    RecordingProgressed,
    RecordingRetried,
)
from blurcam.batch.kept_regions import regions_beside, regions_name
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import OutputFolder
from blurcam.batch.output_names import shown
from blurcam.batch.task_maker import TaskItem, TaskMaker
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
from blurcam.runtime.files import is_full
from blurcam.settings.batch import Batch

# A recording whose worker died is tried this many times in all.
_ATTEMPTS: Final = 2
# This many machines may be lost with one recording before that counts as its fault.
_BLAMELESS: Final = 10
_POLL: Final = 0.5


class Scheduler:
    """The work of one run: the items that wait, and the tasks under way."""

    def __init__(self, batch: Batch, ledger: Ledger, output: OutputFolder, ids: list[int]) -> None:
        """Work on the recordings ``ids``."""
        self._batch = batch
        self._ledger = ledger
        self._output = output
        self._maker = TaskMaker(batch, ledger, output)
        self._began = time.monotonic()
        self._ids = set(ids)
        self._engine: WorkerPool | None = None
        self._waiting: list[TaskItem] = []  # the next one is the last
        self._under_way: dict[int, Task] = {}
        self._blameless: dict[int, int] = {}
        self._uncut: set[int] = set()

    def run(self, engine: Callable[[], WorkerPool]) -> Iterator[JobEvent]:
        """Do all the work, and yield the events; raises JobError if the job cannot go on."""
        self._sweep()
        for row in list(self._ledger.in_state("staged")):
            yield self._publish(row)
        self._waiting = [
            TaskItem(row.id) for row in self._ledger.in_state("pending") if row.id in self._ids
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
        kept |= {regions_beside(Path(each)).name for each in kept}
        for row in self._ledger.in_state("cut"):
            for span in self._ledger.spans.of(row.id):
                if span.packets is not None and self._output.holds(span.packets):
                    kept |= {span.packets, regions_beside(Path(span.packets)).name}
                elif span.state == "done":
                    self._ledger.spans.pending(row.id, span.number)
        self._output.sweep(kept)

    def _wait_for_spans(self, number: int) -> None:
        """Queue the spans that are not redacted yet; if all are, queue joining them."""
        left = [s.number for s in self._ledger.spans.of(number) if s.state == "pending"]
        if left:
            self._waiting += [TaskItem(number, index) for index in reversed(left)]
        elif all(span.state == "done" for span in self._ledger.spans.of(number)):
            self._waiting.append(TaskItem(number, is_join=True))

    # Beginning.

    def _begin(self, item: TaskItem) -> Iterator[JobEvent]:
        assert self._engine is not None
        row = self._ledger.row(item.file)
        try:
            self._output.prepare(row.output)
        except SinkError as exc:
            yield self._refused(row, exc)
            return
        blameless = self._blameless.get(row.id, 0)
        made = self._maker.make(item, row, blameless, may_cut=row.id not in self._uncut)
        worker = self._engine.start(made.task)
        self._under_way[worker] = made.task
        yield RecordingBegan(worker, row, made.part, made.share)

    # Judging.

    def _judge(self, event: TaskEnded | WorkerDied) -> Iterator[JobEvent]:
        row = self._ledger.row(event.task.file)
        if isinstance(event.task, RedactSpan) and row.state != "cut":
            return  # meanwhile the recording has failed, or is redacted in one piece
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
            case SpanRedacted() as redacted_span:
                assert isinstance(event.task, RedactSpan)
                span = event.task.span.number
                self._ledger.spans.done(row.id, span, event.task.packets.name, redacted_span.part)
                if all(each.state == "done" for each in self._ledger.spans.of(row.id)):
                    self._waiting.append(TaskItem(row.id, is_join=True))
            case RecordingRedacted() as redacted:
                yield self._redacted(row, redacted)

    def _lost(self, row: RecordingRow, event: WorkerDied) -> JobEvent:
        task = event.task
        item = TaskItem(row.id, is_join=isinstance(task, JoinSpans))
        if isinstance(task, RedactSpan):
            item = TaskItem(row.id, task.span.number)
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
        """Note that a recording failed; if a span of it failed, redact it in one piece."""
        error = self._told(outcome.error, row)
        if isinstance(task, RedactRecording):
            return self._give_up(row, error)
        self._forget_spans(row)
        self._uncut.add(row.id)
        self._ledger.spans.uncut(row.id, error)
        self._waiting.append(TaskItem(row.id))
        return RecordingRetried(self._ledger.row(row.id), f"{error}; now in one piece")

    def _give_up(self, row: RecordingRow, error: str) -> JobEvent:
        self._forget_spans(row)
        self._ledger.failed(row.id, error)
        return RecordingFinished(self._ledger.row(row.id))

    def _refused(self, row: RecordingRow, error: SinkError) -> JobEvent:
        """Note that a recording cannot have its place; on a full disk it keeps its state."""
        if is_full(error):
            raise JobError(f"{error}; make room and run the same command again") from error
        return self._give_up(row, str(error))

    def _forget_spans(self, row: RecordingRow) -> None:
        """Remove the packets of a recording's spans."""
        self._waiting = [each for each in self._waiting if each.file != row.id]
        for span in self._ledger.spans.of(row.id):
            if span.packets is not None:
                self._output.remove(span.packets)
                self._output.remove(regions_beside(Path(span.packets)).name)

    def _redacted(self, row: RecordingRow, outcome: RecordingRedacted) -> JobEvent:
        verification = outcome.verification
        if verification is not None and verification.problems:
            why = f"its output does not pass: {'; '.join(verification.problems)}"
            return self._give_up(row, self._told(why, row))
        self._ledger.staged(row.id, outcome.columns(), outcome.thumbnails)
        return self._publish(self._ledger.row(row.id))

    def _publish(self, row: RecordingRow) -> JobEvent:
        """Give a staged redaction its final name."""
        assert row.staged is not None
        assert row.output_sha256 is not None
        try:
            staged = regions_beside(Path(row.staged)).name
            self._output.regions.keep(staged, regions_name(row.id, row.output_sha256))
            self._output.publish(row.staged, row.output, row.output_sha256, row.replaces)
        except SinkError as exc:
            return self._refused(row, exc)
        if row.replaces not in (None, row.output_sha256):
            self._output.regions.remove(regions_name(row.id, row.replaces))
        self._forget_spans(row)
        with self._ledger.transaction():
            self._ledger.done(row.id)
            self._ledger.finished(row.size, time.monotonic() - self._began)
        return RecordingFinished(self._ledger.row(row.id))

    def _told(self, error: str, row: RecordingRow) -> str:
        """Return a worker's error on one line, without names of temporary files."""
        work = re.escape(str(self._output.work))
        own = rf"{work}/\.?{self._output.prefix}[0-9-]+\.\w+(\.part)?"
        return shown(re.sub(own, "the output", error).removeprefix(f"{row.source}: "))
