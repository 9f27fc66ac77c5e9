"""How a job is told while it runs: bars on a terminal, lines in a log, events for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, Protocol

import typer

from blurcam.commands.terminal import say

if TYPE_CHECKING:
    from rich.progress import TaskID

    from blurcam.batch.events import JobEvent
    from blurcam.batch.ledger import RecordingRow

LogFormat = Literal["text", "json"]
# Where there is no terminal, how far the job is is told this often, in seconds.
_EVERY = 30.0
# What programs that read --log-format json know events by.
_EVENT_NAMES = {
    "SkippedInput": "skipped",
    "JobPlanned": "planned",
    "RecordingBegan": "began",
    "RecordingProgressed": "progressed",
    "RecordingRetried": "retried",
    "RecordingFinished": "finished",
}


class ProgressReporter(Protocol):
    """Tells what happens in a job."""

    def tell(self, news: JobEvent) -> None:
        """Tell one thing, or not, if it is too small to tell."""


@contextmanager
def teller(log_format: LogFormat, quiet: bool) -> Iterator[ProgressReporter]:
    """Give what suits stderr and the options."""
    if log_format == "json":
        yield JsonProgress()
    elif quiet:
        yield LineProgress(quiet=True)
    elif sys.stderr.isatty():
        with BarProgress() as bars:
            yield bars
    else:
        yield LineProgress()


class LineProgress:
    """One line for each thing worth telling, and how far the job is twice a minute."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Tell only what went wrong, if ``quiet``."""
        self._quiet = quiet
        self._progress = JobProgress()
        self._told = time.monotonic()

    def tell(self, news: JobEvent) -> None:
        """Tell one thing."""
        self._progress.learn(news)
        text = line_of(news)
        if text is not None and (not self._quiet or is_trouble(news)):
            self.say(text)
        if not self._quiet and time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self.say(str(self._progress))

    def say(self, text: str) -> None:
        """Say one line."""
        say(text)


class JsonProgress:
    """One JSON object a line, for a program to read."""

    def tell(self, news: JobEvent) -> None:
        """Tell one thing."""
        typer.echo(json.dumps(event_of(news)), err=True)


class BarProgress(LineProgress):
    """One bar for the job and one for each worker; lines for what is worth keeping above them."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__()
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
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
        """Take the bars away."""
        self._bars.stop()

    def say(self, text: str) -> None:
        """Say one line, above the bars."""
        self._console.print(f"blurcam: {text}", markup=False, highlight=False, soft_wrap=True)

    def tell(self, news: JobEvent) -> None:
        """Tell one thing, and draw the bars anew."""
        super().tell(news)
        progress = self._progress
        self._bars.update(
            self._overall, total=progress.size or None, completed=progress.size_done,
            note=str(progress),
        )  # fmt: skip
        from blurcam.batch.events import RecordingBegan, RecordingProgressed
        from blurcam.batch.output_names import shown

        if isinstance(news, RecordingBegan | RecordingProgressed):
            task = self._of_worker.get(news.worker)
            if task is None:
                task = self._bars.add_task(f"worker {news.worker + 1}", total=None, note="")
                self._of_worker[news.worker] = task
            name = shown(news.row.output)
            seconds = news.step.seconds if isinstance(news, RecordingProgressed) else 0.0
            self._bars.update(task, note=f"{name[-48:]}  {seconds:.0f} s")


class JobProgress:
    """How far a job is, how fast it goes, and how long it will take."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.files = self.files_done = 0
        self.size = self.size_done = 0
        self._size_before = 0
        self._began = time.monotonic()

    def learn(self, news: JobEvent) -> None:
        """Take note of one thing."""
        from blurcam.batch.events import JobPlanned, RecordingFinished

        if isinstance(news, JobPlanned):
            self.files, self.files_done = news.files, news.done_before
            self.size, self.size_done = news.size, news.size_before
            self._size_before = news.size_before
            self._began = time.monotonic()
        elif isinstance(news, RecordingFinished):
            self.files_done += 1
            self.size_done += news.row.size

    def __str__(self) -> str:
        """Return it as text."""
        elapsed = time.monotonic() - self._began
        done = self.size_done - self._size_before
        text = f"{self.files_done} of {self.files} recordings"
        if done and elapsed:
            left = (self.size - self.size_done) * elapsed / done
            text += f", {done / elapsed / 1e6:.1f} MB a second, {duration(left)} to go"
        return text


def duration(seconds: float) -> str:
    """Return a length of time, coarsely: "2 h 5 min"."""
    minutes = round(seconds / 60)
    if minutes >= 2880:
        return f"{minutes // 1440} days"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def is_trouble(news: JobEvent) -> bool:
    """Whether something went wrong, so that it is told in any case."""
    from blurcam.batch.events import RecordingFinished, RecordingRetried

    return isinstance(news, RecordingRetried) or (
        isinstance(news, RecordingFinished)
        and (news.row.state == "failed" or news.row.needs_review)
    )


def line_of(news: JobEvent) -> str | None:
    """Return the line that tells it, ``None`` for what is too small."""
    from blurcam.batch.events import JobPlanned, RecordingBegan, RecordingFinished, RecordingRetried
    from blurcam.batch.inputs import SkippedInput
    from blurcam.batch.output_names import shown

    match news:
        case SkippedInput():
            return f"skipped: {shown(news.path)}: {news.why}"
        case JobPlanned():
            return (
                f"{news.files} recordings of {news.size / 1e6:.1f} MB, {news.done_before} of them "
                "done before"
            )
        case RecordingRetried():
            return f"again: {shown(news.row.source)}: {news.why}"
        case RecordingFinished():
            return _finished(news.row)
        case RecordingBegan():
            return f"begun: {shown(news.row.source)}{news.part}"
    return None


def _finished(row: RecordingRow) -> str:
    from blurcam.batch.output_names import shown

    if row.state == "failed":
        return f"failed: {shown(row.source)}: {row.error}"
    text = f"done: {shown(row.output)}: {row.frames} frames, {row.tracks} tracks"
    if row.verdict:
        text += f", {row.verdict}"
    if not row.complete:
        text += f"; look at it: {row.covered_whole} covered whole, {row.lost} lost"
    return text


def event_of(news: JobEvent) -> dict[str, Any]:
    """Return it as values for JSON."""
    from blurcam.batch.events import JobPlanned, RecordingProgressed
    from blurcam.batch.inputs import SkippedInput
    from blurcam.batch.output_names import shown

    event: dict[str, Any] = {
        "event": _EVENT_NAMES[type(news).__name__],
        "at": round(time.time(), 3),
    }
    if isinstance(news, JobPlanned):
        event |= {"files": news.files, "done_before": news.done_before, "bytes": news.size}
        return event
    if isinstance(news, SkippedInput):
        return event | {"source": shown(news.path), "why": news.why}
    row = news.row
    event |= {"source": shown(row.source), "output": shown(row.output), "state": row.state}
    for key in ("worker", "why"):
        if hasattr(news, key):
            event[key] = getattr(news, key)
    if isinstance(news, RecordingProgressed):
        event |= asdict(news.step)
    if event["event"] == "finished":
        for key in ("frames", "tracks", "covered_whole", "lost", "complete", "verdict", "error"):
            event[key] = getattr(row, key)
    return event
