"""The job: recordings into the ledger, tasks to the workers, what comes of them into the ledger."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from blurcam.batch.engine import Died, Ended, Engine, Step
from blurcam.batch.folder import LEDGER, locked, publish, settings_hash, sweep, work_folder
from blurcam.batch.ledger import Ledger, Row
from blurcam.batch.naming import CONTAINERS, check_template, inside, names_for, shown
from blurcam.batch.selection import Recording, Skipped
from blurcam.batch.tasks import Failed, Outcome, Redacted, Task, Whole
from blurcam.config import Batch, Config
from blurcam.errors import BlurcamError, ConfigError, JobError, SinkError

# A recording that took its worker with it is tried so many times in all.
_ATTEMPTS: Final = 2
# Machines may go, without it being a recording's fault, so many times for one recording.
_BLAMELESS: Final = 10
_POLL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Planned:
    """The recordings are known: how many there are in all, and how many were done before."""

    files: int
    done_before: int
    size: int
    size_before: int


@dataclass(frozen=True, slots=True)
class Began:
    """A worker has begun on a recording, or on a part of it."""

    worker: int
    row: Row
    part: str = ""


@dataclass(frozen=True, slots=True)
class Progressed:
    """A worker has come so many seconds of media time far."""

    worker: int
    row: Row
    seconds: float


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt came to nothing; there will be another."""

    row: Row
    why: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A recording is done, or given up: its row says which."""

    row: Row


News = Skipped | Planned | Began | Progressed | Retried | Finished


@dataclass(frozen=True, slots=True)
class Tally:
    """How a job stands, over the recordings it is about."""

    files: int
    done: int
    review: int
    failed: int
    left: int
    unchanged: int = 0


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
        self, found: Iterable[Recording | Skipped], engine: Callable[[], Engine]
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
            with closing(_Dispatch(self._batch, ledger, work, self._ids)) as dispatch:
                yield from dispatch.run(engine)

    def tally(self) -> Tally:
        """Return how the recordings of the last run stand."""
        with closing(Ledger(self.folder / LEDGER, read_only=True)) as ledger:
            rows = [ledger.row(number) for number in self._ids]
        return tally_of(rows, self._unchanged)

    def _plan(self, found: Iterable[Recording | Skipped], ledger: Ledger) -> Iterator[News]:
        size = size_before = 0
        recordings: list[Recording] = []
        for each in found:
            if isinstance(each, Recording):
                recordings.append(each)
            else:
                yield each
        # Those that keep their suffix keep their name, too, if it comes to that.
        for each in sorted(recordings, key=lambda r: r.place.suffix.lower() not in CONTAINERS):
            try:
                row, is_done = self._admit(each, ledger)
            except ConfigError as exc:
                yield Skipped(each.path, str(exc))
                continue
            self._ids.append(row.id)
            self._unchanged += is_done
            size += each.size
            size_before += each.size if is_done else 0
        yield Planned(len(self._ids), self._unchanged, size, size_before)

    def _admit(self, recording: Recording, ledger: Ledger) -> tuple[Row, bool]:
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

    def _still_holds(self, row: Row, recording: Recording) -> bool:
        return (row.size, row.modified_ns, row.settings) == (
            recording.size,
            recording.modified_ns,
            self._hash,
        )

    def _is_there(self, row: Row) -> bool:
        """Whether the output is where it was put, as long as it was."""
        try:
            return (self._batch.out / row.output).lstat().st_size == row.output_size
        except OSError:
            return False


def tally_of(rows: Iterable[Row], unchanged: int = 0) -> Tally:
    """Return how these recordings stand."""
    every = list(rows)
    return Tally(
        files=len(every),
        done=sum(row.state == "done" and not row.needs_review for row in every),
        review=sum(row.needs_review for row in every),
        failed=sum(row.state == "failed" for row in every),
        left=sum(row.state not in ("done", "failed") for row in every),
        unchanged=unchanged,
    )


class _Dispatch:
    """Hands out tasks while there are any, and judges what comes back."""

    def __init__(self, batch: Batch, ledger: Ledger, work: Path, ids: list[int]) -> None:
        self._batch = batch
        self._ledger = ledger
        self._work = work
        self._ids = set(ids)
        self._engine: Engine | None = None
        self._under_way: dict[int, Task] = {}
        self._blameless: dict[int, int] = {}

    def run(self, engine: Callable[[], Engine]) -> Iterator[News]:
        kept = {row.staged for row in self._ledger.in_state("staged") if row.staged}
        sweep(self._work, kept)
        for row in list(self._ledger.in_state("staged")):
            yield self._publish(row)
        waiting = [row.id for row in self._ledger.in_state("pending") if row.id in self._ids]
        waiting.reverse()
        if not waiting:
            return
        self._engine = engine()
        while waiting or self._under_way:
            while waiting and len(self._under_way) < self._engine.workers:
                yield from self._begin(waiting.pop())
            for event in self._engine.events(_POLL):
                if isinstance(event, Step):
                    row = self._ledger.row(event.task.file)
                    yield Progressed(event.worker, row, event.seconds)
                    continue
                del self._under_way[event.worker]
                for news in self._judge(event):
                    if isinstance(news, Retried):
                        waiting.append(news.row.id)
                    yield news

    def close(self) -> None:
        """End the workers."""
        if self._engine is not None:
            self._engine.close()

    def _begin(self, number: int) -> Iterator[News]:
        assert self._engine is not None
        row = self._ledger.row(number)
        try:
            inside(self._batch.out, row.output)
        except SinkError as exc:
            self._ledger.failed(number, str(exc))
            yield Finished(self._ledger.row(number))
            return
        name = f"{row.id}-{row.attempts}-{self._blameless.get(number, 0)}{row.output.suffix}"
        config = Config(
            input=row.source,
            output=self._work / name,
            effect=self._batch.effect,
            detect=self._batch.detect,
            cover=self._batch.cover,
            encode=replace(self._batch.encode, overwrite=True),
        )
        self._ledger.running(number)
        task = Whole(number, config, self._batch.verify)
        worker = self._engine.start(task)
        self._under_way[worker] = task
        yield Began(worker, self._ledger.row(number))

    def _judge(self, event: Ended | Died) -> Iterator[News]:
        number = event.task.file
        if isinstance(event, Died):
            yield self._lost(number, event)
            return
        yield self._settle(number, event.outcome)

    def _lost(self, number: int, event: Died) -> News:
        row = self._ledger.row(number)
        if event.blameless and self._blameless.get(number, 0) < _BLAMELESS:
            self._blameless[number] = self._blameless.get(number, 0) + 1
            return Retried(row, event.why)
        if row.attempts + 1 < _ATTEMPTS:
            self._ledger.again(number, event.why)
            return Retried(self._ledger.row(number), event.why)
        self._ledger.failed(number, f"{event.why}; tried {row.attempts + 1} times")
        return Finished(self._ledger.row(number))

    def _settle(self, number: int, outcome: Outcome) -> News:
        if isinstance(outcome, Failed):
            if outcome.fatal:
                error = _told(outcome.error, self._ledger.row(number), self._work)
                raise JobError(f"{error}; {outcome.remedy}run the same command again")
            row = self._ledger.row(number)
            self._ledger.failed(number, _told(outcome.error, row, self._work))
            return Finished(self._ledger.row(number))
        self._ledger.staged(number, _columns(outcome))
        return self._publish(self._ledger.row(number))

    def _publish(self, row: Row) -> News:
        """Give a staged redaction its name; one that may not have it is a failure."""
        assert row.staged is not None
        assert row.output_sha256 is not None
        try:
            final = inside(self._batch.out, row.output)
            publish(self._work / row.staged, final, row.output_sha256, row.replaces)
        except BlurcamError as exc:
            self._ledger.failed(row.id, str(exc))
        else:
            self._ledger.done(row.id)
        return Finished(self._ledger.row(row.id))


def _told(error: str, row: Row, work: Path) -> str:
    """Return an error of a worker in the names that the operator knows, on one line."""
    for ours in work.absolute(), work:
        error = error.replace(f"{ours}/.", f"{ours}/")
        error = re.sub(
            rf"{re.escape(str(ours))}/{row.id}-[0-9-]+\.\w+(\.part)?", "the output", error
        )
    return shown(error.removeprefix(f"{row.source}: "))


def _columns(outcome: Redacted) -> dict[str, object]:
    summary = outcome.summary
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
    }
