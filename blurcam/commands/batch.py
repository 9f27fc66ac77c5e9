"""``batch``: a tree of recordings to a redacted tree."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from typer.core import TyperGroup

from blurcam.commands.batch_inputs import (
    Inputs,
    NullSeparated,
    OlderThan,
    Since,
    Until,
    paths_of,
    window_of,
)
from blurcam.commands.batch_progress import LogFormat, reporter
from blurcam.commands.batch_status import status
from blurcam.commands.catalogue import BriefCommand, with_more
from blurcam.commands.options import Quiet, taking
from blurcam.commands.terminal import DONE, INCOMPLETE, say, unfinished
from blurcam.errors import BlurcamError
from blurcam.runtime.counts import counted
from blurcam.settings.batch import Batch
from blurcam.settings.redaction import Detect

if TYPE_CHECKING:
    from blurcam.batch.events import JobCounts
    from blurcam.batch.inputs import InputFile, SkippedInput
    from blurcam.batch.job import Job, OpenJob
    from blurcam.batch.worker_pool import WorkerPool

EngineName = Literal["local", "ray"]
_WORK, _OUTPUT = "Work", "Output"
_EXAMPLES: Final = (
    "blurcam batch /mnt/cameras --out /mnt/redacted --verify",
    "blurcam batch /mnt/cameras --out /mnt/redacted --dry-run",
    "blurcam batch status /mnt/redacted",
)


class _BatchGroup(TyperGroup):
    """``batch IN… --out DIR`` is short for ``batch run IN… --out DIR``."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if not args or args[0] not in self.commands:
            args = ["run", *(args or ["--help"])]
        return super().parse_args(ctx, args)


class _BatchCommand(BriefCommand):
    """The command itself, with the options that ``batch --help`` shows."""

    common = (
        *("out", "verify", "profile", "effect", "jobs", "older_than", "retry_failed"),
        *("dry_run", "quiet"),
    )


batch_app = typer.Typer(cls=_BatchGroup, help="Redact a tree of recordings.")
batch_app.command("status")(status)

EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="ray: tasks of a cluster whose nodes all see the same paths.",
        rich_help_panel=_WORK,
    ),
]
Address = Annotated[
    str, typer.Option(help="Of the Ray cluster; auto: the one of this node.", rich_help_panel=_WORK)
]
SignKey = Annotated[
    Path | None,
    typer.Option(
        help="Ed25519 private key (PEM) to sign the report with.", rich_help_panel=_OUTPUT
    ),
]
LogFormatOption = Annotated[
    LogFormat,
    typer.Option("--log-format", help="json: one event a line.", rich_help_panel=_OUTPUT),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="List what would be done, what not, and why; estimate how long it takes.",
        rich_help_panel=_WORK,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print the counts as JSON on standard output.", rich_help_panel=_OUTPUT
    ),
]


@dataclass(frozen=True, slots=True)
class _Telling:
    """The options for a job's messages."""

    log_format: LogFormat
    quiet: bool
    as_json: bool
    sign_key: Path | None


@taking(without=("overwrite",))
def run_batch(
    inputs: Inputs,
    batch: Batch,
    since: Since = None,
    until: Until = None,
    older_than: OlderThan = None,
    null: NullSeparated = False,
    engine: EngineOption = "local",
    address: Address = "auto",
    dry_run: DryRun = False,
    log_format: LogFormatOption = "text",
    as_json: AsJson = False,
    sign_key: SignKey = None,
    quiet: Quiet = False,
) -> None:
    """Redact recordings, and mirror their folders below --out; run it again to go on.

    A finished recording is not redacted again, unless it or the settings changed. blurcam
    overwrites only its own earlier outputs. The state of a job: blurcam batch status DIR.
    """
    from blurcam.batch.inputs import refuse_nothing, refuse_overlap, select
    from blurcam.batch.job import Job

    window = window_of(since, until, older_than)
    paths = list(paths_of(inputs, null=null))
    refuse_overlap(paths, batch.out)
    job = Job(batch, _models(batch.detect))
    workers = _workers(batch, engine, address)
    found = list(select(paths, (batch.out, job.folder), window))
    refuse_nothing(found, paths)
    if dry_run:
        from blurcam.commands.batch_dry_run import rehearse

        raise typer.Exit(rehearse(job, found, workers if engine == "local" else None, log_format))
    telling = _Telling(log_format, quiet, as_json, sign_key)
    raise typer.Exit(_carry_out(job, found, workers, telling))


batch_app.command("run", cls=_BatchCommand, epilog="\n\n".join(["Examples:", *_EXAMPLES]))(
    with_more(run_batch)
)


def _workers(batch: Batch, engine: EngineName, address: str) -> Callable[[Path], WorkerPool]:
    """Return a function that makes the workers, which log to its argument."""
    from blurcam.batch.local_workers import LocalWorkers, suitable_jobs, suitable_memory
    from blurcam.batch.ray_workers import RayWorkers
    from blurcam.batch.task_work import refuse_encoder

    if engine == "ray":
        return lambda log: RayWorkers(address, jobs=batch.jobs, stall=batch.stall)
    refuse_encoder(batch.encode)  # the nodes of a cluster may have what this machine lacks
    jobs = batch.jobs or suitable_jobs()
    memory = batch.memory or suitable_memory(jobs)
    return lambda log: LocalWorkers(jobs, memory=memory, stall=batch.stall, log=log)


def _models(detect: Detect) -> dict[str, str]:
    """Return the SHA-256 of every model that these settings use."""
    from blurcam.detect.profiles import detector_of
    from blurcam.models.manifest import model

    named = [
        f"mediapipe-{detect.range}" if name == "mediapipe" else name
        for name in detector_of(detect).split("+")
    ]
    return {name: model(name).sha256 for name in named}


def _carry_out(
    job: Job,
    found: list[InputFile | SkippedInput],
    workers: Callable[[Path], WorkerPool],
    telling: _Telling,
) -> int:
    from blurcam.batch.job_folder import LOG

    out, verifies = job.batch.out, job.batch.verify
    began = False
    with job.opened() as running:
        try:
            with (
                unfinished(out, "; the same command goes on from there") as check_signals,
                reporter(telling.log_format, telling.quiet, verifies=verifies) as told,
                closing(running.run(found, lambda: workers(job.folder / LOG))) as events,
            ):
                for each in events:
                    began = True
                    told.tell(each)
                    check_signals()
        except Exception:  # typer's Exit, too: the work before it is reported all the same
            if began:
                with _told_alone():
                    _report(running, telling)
            raise
        _report(running, telling)
        return _conclude(running.counts(), out, telling)


def _report(running: OpenJob, telling: _Telling) -> None:
    from blurcam.batch.report.document import write_report

    report = write_report(running.ledger, running.output, telling.sign_key)
    if not telling.quiet and telling.log_format == "text":
        say(f"report: {report}")


@contextmanager
def _told_alone() -> Iterator[None]:
    """Log an error of writing the report, since the job ends with an error of its own.

    A full disk, for example, has no room for the report either.
    """
    try:
        yield
    except BlurcamError as exc:
        say(f"no report: {exc}")


def _conclude(counts: JobCounts, out: Path, telling: _Telling) -> int:
    """Report the result to people and programs; return the exit code.

    JSON goes to a log or a pipe, not to a terminal.
    """
    code = INCOMPLETE if counts.failed or counts.review or counts.left else DONE
    line = json.dumps({"command": "batch", "exit": code, **asdict(counts)})
    if telling.as_json:
        typer.echo(line)
    if telling.quiet:
        return code
    if telling.log_format == "text":
        say(
            f"{counted(counts.files, 'recording')}: {counts.done} done, {counts.review} to look "
            f"at, {counts.failed} failed; see: blurcam batch status {out}"
        )
    if telling.log_format == "json" or not sys.stderr.isatty():
        with suppress(OSError):  # a full disk behind a log
            typer.echo(line, err=True)
    return code
