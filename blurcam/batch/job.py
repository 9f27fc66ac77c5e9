"""The job: recordings into the ledger, and from there to the workers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from blurcam.batch.events import JobCounts, JobPlanned, News, tally_of
from blurcam.batch.inputs import InputFile, SkippedInput
from blurcam.batch.job_folder import LEDGER, locked, settings_hash, work_folder
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_names import CONTAINERS, check_template, names_for, shown
from blurcam.batch.scheduler import Scheduler
from blurcam.batch.worker_pool import WorkerPool
from blurcam.errors import ConfigError
from blurcam.settings.batch import Batch


class Job:
    """One job: exhaust :meth:`run`, then ask for its :attr:`tally`."""

    def __init__(self, batch: Batch, models: dict[str, str]) -> None:
        """Take the settings; ``models`` are the SHA-256 of the models that they use, by name."""
        check_template(batch.name)
        self._batch = batch
        assert batch.job is not None
        self.folder: Path = batch.job
        self._settings: dict[str, object] = {
            "effect": batch.effect,
            "detect": asdict(batch.detect),
            "cover": asdict(batch.cover),
            "encode": asdict(batch.encode),
            "models": models,
        }
        self._hash = settings_hash(self._settings)
        self._ids: list[int] = []
        self._unchanged = 0

    def run(
        self, found: Iterable[InputFile | SkippedInput], engine: Callable[[], WorkerPool]
    ) -> Generator[News, None, None]:
        """Redact what was found, telling what happens; afterwards the job is released.

        Raises :class:`~blurcam.errors.JobError` where it cannot go on. Closed early, it leaves a
        ledger from which the next run goes on.
        """
        work = work_folder(self._batch.out)
        with locked(self.folder), closing(Ledger(self.folder / LEDGER)) as ledger:
            ledger.recover()
            ledger.note("settings", json.dumps(self._settings, default=str))
            ledger.note("out", os.fspath(self._batch.out.absolute()))
            yield from self._plan(found, ledger)
            ledger.note("started_at", repr(time.time()))
            with closing(Scheduler(self._batch, ledger, work, self._ids)) as dispatch:
                yield from dispatch.run(engine)

    def tally(self) -> JobCounts:
        """Return how the recordings of the last run stand."""
        with closing(Ledger(self.folder / LEDGER, read_only=True)) as ledger:
            rows = [ledger.row(number) for number in self._ids]
        return tally_of(rows, self._unchanged)

    def _plan(self, found: Iterable[InputFile | SkippedInput], ledger: Ledger) -> Iterator[News]:
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
                    row, is_done = self._admit(recording, ledger)
                except ConfigError as exc:
                    yield SkippedInput(recording.path, str(exc))
                    continue
                self._ids.append(row.id)
                self._unchanged += is_done
                size += recording.size
                size_before += recording.size if is_done else 0
        yield JobPlanned(len(self._ids), self._unchanged, size, size_before)

    def _admit(self, recording: InputFile, ledger: Ledger) -> tuple[RecordingRow, bool]:
        """Return the row of a recording, and whether nothing is left to do for it."""
        names = names_for(self._batch.name, recording.place)
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
