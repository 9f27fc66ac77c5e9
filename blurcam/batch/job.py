"""The job: it puts recordings into the ledger, and gives them to workers from there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from blurcam.batch.events import JobCounts, JobEvent, counts_of
from blurcam.batch.inputs import InputFile, SkippedInput
from blurcam.batch.job_folder import LEDGER, locked
from blurcam.batch.job_plan import JobPlan
from blurcam.batch.ledger import Ledger
from blurcam.batch.output_folder import OutputFolder, open_output
from blurcam.batch.output_names import check_template
from blurcam.batch.scheduler import Scheduler
from blurcam.batch.worker_pool import WorkerPool
from blurcam.settings.batch import Batch


class Job:
    """One job over a tree of recordings, before it has locked its folders."""

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
            "mounting": asdict(batch.mounting),
            "reading": asdict(batch.reading) | {"rate": batch.rate},
            "models": models,
        }

    @contextmanager
    def opened(self) -> Iterator[OpenJob]:
        """Lock the job's folders until the block ends.

        Raises :class:`~blurcam.errors.JobError` if another job has one of them.
        """
        batch = self.batch
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder, batch.out))
            ledger = stack.enter_context(closing(Ledger(self.folder / LEDGER)))
            output = stack.enter_context(open_output(batch.out, ledger.job(), self.folder))
            ledger.recover(os.fspath(batch.out.absolute()))
            ledger.note("settings", json.dumps(self.settings, default=str))
            yield OpenJob(self, ledger, output)

    def planned(self, found: Iterable[InputFile | SkippedInput]) -> Iterator[JobEvent]:
        """Yield what the job would do, and why; write nothing."""
        with closing(Ledger(self.folder / LEDGER, "copy")) as ledger:
            yield from JobPlan(self.batch, self.settings, ledger).events(found)


class OpenJob:
    """A job that has locked its folders: exhaust :meth:`run`, then ask for :meth:`counts`."""

    def __init__(self, job: Job, ledger: Ledger, output: OutputFolder) -> None:
        """Use :meth:`Job.opened`."""
        self._batch = job.batch
        self._plan = JobPlan(job.batch, job.settings, ledger)
        self.ledger = ledger
        self.output = output

    def run(
        self, found: Iterable[InputFile | SkippedInput], engine: Callable[[], WorkerPool]
    ) -> Generator[JobEvent, None, None]:
        """Redact the recordings that were found, and yield the events.

        Raises :class:`~blurcam.errors.JobError` if the job cannot go on. If it is closed early, the
        next run goes on from the ledger.
        """
        yield from self._plan.events(found)
        scheduler = Scheduler(self._batch, self.ledger, self.output, self._plan.ids)
        with closing(scheduler):
            yield from scheduler.run(engine)

    def counts(self) -> JobCounts:
        """Return the counts over the recordings of this run."""
        rows = (self.ledger.row(number) for number in self._plan.ids)
        return counts_of(rows, self._plan.unchanged)
