"""The job: recordings into the ledger, and from there to the workers."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from blurcam.batch.events import JobCounts, JobEvent, JobPlanned, counts_of
from blurcam.batch.inputs import InputFile, SkippedInput
from blurcam.batch.job_folder import LEDGER, locked
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import OutputFolder, open_output
from blurcam.batch.output_names import CONTAINERS, check_template, names_for, shown
from blurcam.batch.scheduler import Scheduler
from blurcam.batch.worker_pool import WorkerPool
from blurcam.errors import ConfigError
from blurcam.settings.batch import Batch


class Job:
    """One job over a tree of recordings: what is asked for, before its folders are taken."""

    def __init__(self, batch: Batch, models: dict[str, str]) -> None:
        """Take the settings; ``models`` are the SHA-256 of the models that they use, by name."""
        check_template(batch.name)
        assert batch.job is not None
        self.batch = batch
        self.folder: Path = batch.job
        self.settings: dict[str, object] = {
            "effect": batch.effect,
            "detect": asdict(batch.detect),
            "cover": asdict(batch.cover),
            "encode": asdict(batch.encode),
            "models": models,
        }

    @contextmanager
    def opened(self) -> Iterator[OpenJob]:
        """Give the job its folders, to itself alone until the block ends.

        Raises :class:`~blurcam.errors.JobError` where another job has one of them.
        """
        batch = self.batch
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder, batch.out))
            ledger = stack.enter_context(closing(Ledger(self.folder / LEDGER)))
            output = stack.enter_context(open_output(batch.out, ledger.job(), self.folder))
            ledger.recover(os.fspath(batch.out.absolute()))
            ledger.note("settings", json.dumps(self.settings, default=str))
            yield OpenJob(self, ledger, output)


class OpenJob:
    """A job that has its folders: exhaust :meth:`run`, then ask for :meth:`counts`."""

    def __init__(self, job: Job, ledger: Ledger, output: OutputFolder) -> None:
        """Use :meth:`Job.opened`."""
        self._batch = job.batch
        self._hash = settings_hash(job.settings)
        self.ledger = ledger
        self.output = output
        self._ids: list[int] = []
        self._unchanged = 0

    def run(
        self, found: Iterable[InputFile | SkippedInput], engine: Callable[[], WorkerPool]
    ) -> Generator[JobEvent, None, None]:
        """Redact what was found, and yield what happens.

        Raises :class:`~blurcam.errors.JobError` where the job cannot go on. Closed early, it leaves
        a ledger from which the next run goes on.
        """
        yield from self.plan(found)
        scheduler = Scheduler(self._batch, self.ledger, self.output, self._ids)
        with closing(scheduler):
            yield from scheduler.run(engine)

    def counts(self) -> JobCounts:
        """Return how the recordings of this run stand."""
        rows = (self.ledger.row(number) for number in self._ids)
        return counts_of(rows, self._unchanged)

    def plan(self, found: Iterable[InputFile | SkippedInput]) -> Iterator[JobEvent]:
        """Write down what must be done, and yield what is skipped, and last the plan."""
        ledger = self.ledger
        size = size_before = 0
        recordings: list[InputFile] = []
        for each in found:
            if isinstance(each, InputFile):
                recordings.append(each)
            else:
                yield each
        # Those that keep their suffix keep their name, too, if it comes to that.
        recordings.sort(key=lambda each: each.place.suffix.lower() not in CONTAINERS)
        with ledger.transaction():
            for recording in recordings:
                try:
                    row, is_done = self._admit(recording)
                except ConfigError as exc:
                    yield SkippedInput(recording.path, str(exc))
                    continue
                self._ids.append(row.id)
                self._unchanged += is_done
                size += recording.size
                size_before += recording.size if is_done else 0
        yield JobPlanned(len(self._ids), self._unchanged, size, size_before)

    def _admit(self, recording: InputFile) -> tuple[RecordingRow, bool]:
        """Return the row of a recording, and whether nothing is left to do for it."""
        ledger, names = self.ledger, names_for(self._batch.name, recording.place)
        row = ledger.of(recording.path)
        if row is not None and row.output in names and self._still_holds(row, recording):
            if row.state == "done" and self._is_there(row):
                return row, True
            if row.state == "failed" and not self._batch.retry_failed:
                return row, True
            if row.state not in ("done", "failed"):
                return row, False  # go on from where it was
        free = (n for n in names if not ledger.is_taken(n, by_other_than=recording.path))
        output = next(free, None)
        if output is None:
            raise ConfigError(
                f'name: "{self._batch.name}" gives {shown(recording.place)} a name that another '
                "recording has; add {suffix} to it"
            )
        return ledger.plan(recording, output, self._hash), False

    def _still_holds(self, row: RecordingRow, recording: InputFile) -> bool:
        return (row.size, row.modified_ns, row.settings) == (
            recording.size,
            recording.modified_ns,
            self._hash,
        )

    def _is_there(self, row: RecordingRow) -> bool:
        """Whether the output is where it was put, as long as it was."""
        try:
            return (self._batch.out / row.output).lstat().st_size == row.output_size
        except OSError:
            return False


def settings_hash(settings: dict[str, object]) -> str:
    """Return a hash that changes with any setting."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
