"""The progress of a job: bars on a terminal, lines in a log, events for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

import typer

from blurcam.commands.batch_events import duration, event_of, is_trouble, line_of
from blurcam.commands.terminal import say
from blurcam.runtime.counts import counted

if TYPE_CHECKING:
    from rich.progress import TaskID

    from blurcam.batch.events import JobEvent, RecordingBegan, RecordingProgressed
    from blurcam.batch.tasks import TaskStep

LogFormat = Literal["text", "json"]
# Without a terminal the progress is logged this often, in seconds.
_EVERY: Final = 30.0
# Redacting takes about this share of a task that also verifies.
_REDACTING: Final = 0.75


class ProgressReporter(Protocol):
    """Shows the events of a job."""

    def tell(self, event: JobEvent) -> None:
        """Show an event, unless it is too minor."""


@contextmanager
def reporter(log_format: LogFormat, quiet: bool, *, verifies: bool) -> Iterator[ProgressReporter]:
    """Give the reporter that suits stderr and the options."""
    progress = JobProgress(verifies=verifies)
    if log_format == "json":
        yield JsonProgress(quiet=quiet)
    elif quiet or not sys.stderr.isatty():
        yield LineProgress(progress, quiet=quiet)
    else:
        with BarProgress(progress) as bars:
            yield bars


@dataclass(slots=True)
class _Part:
    """A task under way: its recording, its bytes, and its progress."""

    file: int
    size: float
    share: float = 0.0


class JobProgress:
    """The progress of a job, its rate and the time to go, in bytes of its input."""

    def __init__(self, *, verifies: bool = False) -> None:
        """Begin; ``verifies`` if each recording is verified after it is redacted."""
        self.files = self.files_done = 0
        self.size = 0
        self._size_finished = self._size_before = 0
        self._verifies = verifies
        self._under_way: dict[int, _Part] = {}
        self._parts_done: dict[int, float] = {}
        self._began = time.monotonic()

    def learn(self, event: JobEvent) -> None:
        """Note one event."""
        from blurcam.batch.events import (
            JobPlanned,
            RecordingBegan,
            RecordingFinished,
            RecordingProgressed,
            RecordingRetried,
        )

        match event:
            case JobPlanned():
                self.files, self.files_done = event.files, event.done_before
                self.size = event.size
                self._size_finished = self._size_before = event.size_before
                self._began = time.monotonic()
            case RecordingBegan():
                self._settle(event.worker)
                self._under_way[event.worker] = _Part(event.row.id, event.row.size * event.share)
            case RecordingProgressed():
                if event.worker in self._under_way:
                    self._under_way[event.worker].share = self._share(event.step)
            case RecordingRetried():
                self._drop(event.row.id)
            case RecordingFinished():
                self._drop(event.row.id)
                self._parts_done.pop(event.row.id, None)
                self.files_done += 1
                self._size_finished += event.row.size

    def _settle(self, worker: int) -> None:
        """Count the last part of a worker, which has begun another one."""
        part = self._under_way.pop(worker, None)
        if part is not None:
            self._parts_done[part.file] = self._parts_done.get(part.file, 0.0) + part.size

    def _drop(self, file: int) -> None:
        kept = {worker: part for worker, part in self._under_way.items() if part.file != file}
        self._under_way = kept

    def _share(self, step: TaskStep) -> float:
        share = min(1.0, step.seconds / step.total) if step.total else 0.0
        if step.doing == "verifying":
            return _REDACTING + (1 - _REDACTING) * share
        return _REDACTING * share if self._verifies else share

    @property
    def size_done(self) -> float:
        """Bytes of the input that are done, including parts of unfinished recordings."""
        parts = sum(part.size * part.share for part in self._under_way.values())
        return min(self.size, self._size_finished + sum(self._parts_done.values()) + parts)

    def __str__(self) -> str:
        """Return it as text: how much is done, the rate, the time to go."""
        elapsed = time.monotonic() - self._began
        done = self.size_done
        text = f"{self.files_done} of {counted(self.files, 'recording')}"
        if self.size:
            text += f", {done / 1e6:.1f} of {self.size / 1e6:.1f} MB"
        worked = done - self._size_before
        if worked > 0 and elapsed > 0 and done < self.size:
            left = (self.size - done) * elapsed / worked
            text += f", {duration(left)} to go"
        return text


class LineProgress:
    """A line for each event that is not minor, and the progress twice a minute."""

    def __init__(self, progress: JobProgress, *, quiet: bool = False) -> None:
        """Tell only what went wrong, if ``quiet``."""
        self._quiet = quiet
        self.progress = progress
        self._told = time.monotonic()

    def tell(self, event: JobEvent) -> None:
        """Tell one thing."""
        self.progress.learn(event)
        text = line_of(event)
        if text is not None and (not self._quiet or is_trouble(event)):
            self.say(text)
        if not self._quiet and time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self.say(str(self.progress))

    def say(self, text: str) -> None:
        """Say one line."""
        say(text)


class JsonProgress:
    """One JSON object a line, for a program to read."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Tell only what went wrong, if ``quiet``."""
        self._quiet = quiet

    def tell(self, event: JobEvent) -> None:
        """Tell one thing."""
        from blurcam.batch.events import RecordingPlanned
        from blurcam.batch.inputs import SkippedInput

        is_small = isinstance(event, RecordingPlanned) or (
            isinstance(event, SkippedInput) and event.is_by_age
        )
        if not is_small and (not self._quiet or is_trouble(event)):
            with suppress(OSError):  # a full disk behind a log
                typer.echo(json.dumps(event_of(event)), err=True)


class BarProgress(LineProgress):
    """A bar for the job and one for each worker, with the lines of events above them."""

    def __init__(self, progress: JobProgress) -> None:
        """Draw nothing yet."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__(progress)
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._overall = self._bars.add_task("all", total=None, note="")
        self._of_worker: dict[int, TaskID] = {}

    def __enter__(self) -> BarProgress:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Remove the bars."""
        self._bars.stop()

    def say(self, text: str) -> None:
        """Say one line, above the bars."""
        self._console.print(f"blurcam: {text}", markup=False, highlight=False, soft_wrap=True)

    def tell(self, event: JobEvent) -> None:
        """Show an event, and draw the bars anew."""
        from blurcam.batch import events

        super().tell(event)
        progress = self.progress
        self._bars.update(
            self._overall, total=progress.size or None, completed=progress.size_done,
            note=str(progress),
        )  # fmt: skip
        if isinstance(event, events.RecordingBegan | events.RecordingProgressed):
            self._draw(event)

    def _draw(self, event: RecordingBegan | RecordingProgressed) -> None:
        from blurcam.batch import events
        from blurcam.batch.output_names import shown

        bar = self._of_worker.get(event.worker)
        if bar is None:
            bar = self._bars.add_task(f"worker {event.worker + 1}", total=None, note="")
            self._of_worker[event.worker] = bar
        name = shown(event.row.output)[-48:]
        if isinstance(event, events.RecordingBegan):
            self._bars.update(bar, total=None, completed=0, note=f"{name}{event.part}")
            return
        step = event.step
        of_all = f" of {step.total:.0f}" if step.total else ""
        self._bars.update(
            bar, total=step.total or None, completed=step.seconds,
            note=f"{step.doing} {name}: {step.seconds:.0f}{of_all} s",
        )  # fmt: skip
