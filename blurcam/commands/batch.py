"""``batch``: a tree of recordings to a redacted tree; and how a job stands."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from blurcam.commands.batch_progress import LogFormat, duration, teller
from blurcam.commands.options import Quiet, taking
from blurcam.commands.terminal import DONE, INCOMPLETE, say, unfinished
from blurcam.errors import BlurcamError, ConfigError
from blurcam.settings.batch import Batch
from blurcam.settings.redaction import Detect, Redaction

if TYPE_CHECKING:
    from blurcam.batch.events import JobCounts
    from blurcam.batch.inputs import AgeWindow
    from blurcam.batch.job import OpenJob
    from blurcam.batch.ledger import RecordingRow

EngineName = Literal["local", "ray"]
_WHICH, _WORK = "Which recordings", "Work"
_USUAL = Redaction()


class _RunsByDefault(TyperGroup):
    """``batch IN… --out DIR`` is short for ``batch run IN… --out DIR``."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


batch_app = typer.Typer(
    cls=_RunsByDefault,
    help="Redact a tree of recordings: blurcam batch IN… --out DIR.",
    no_args_is_help=True,
)

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="IN…",
        help='Recordings, folders (with all below them), quoted patterns; "-": a list of them on '
        "standard input, one a line.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Root of the redacted tree; made if need be.")]
Name = Annotated[
    str,
    typer.Option(
        help="How a redacted recording is called, from {stem}, {suffix} (the input's) and {ext} "
        "(the output's).",
        rich_help_panel="Output",
    ),
]
JobFolder = Annotated[
    Path | None,
    typer.Option(
        "--job",
        help="Folder for the ledger, on a disk of this machine; default: .blurcam in --out.",
        rich_help_panel=_WORK,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        help="Only recordings last written to from then on: 2026-11-01, or 2026-11-01T08:00.",
        rich_help_panel=_WHICH,
    ),
]
Until = Annotated[
    str | None, typer.Option(help="Only those written to before then.", rich_help_panel=_WHICH)
]
OlderThan = Annotated[
    str | None,
    typer.Option(
        help="Only those last written to so long ago: 30d, 12h, 90m.", rich_help_panel=_WHICH
    ),
]
NullSeparated = Annotated[
    bool,
    typer.Option(
        "--null", "-0", help="The list on standard input ends names in NUL, as find -print0 does.",
        rich_help_panel=_WHICH,
    ),
]  # fmt: skip
RetryFailed = Annotated[
    bool,
    typer.Option(
        "--retry-failed", help="Also try again what failed before.", rich_help_panel=_WHICH
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        help="Workers at once; default: one a core, as far as memory goes.", rich_help_panel=_WORK
    ),
]
Memory = Annotated[
    float | None,
    typer.Option(
        help="Gigabytes that a worker may take before it is ended; default: its share of 90 %.",
        rich_help_panel=_WORK,
    ),
]
Stall = Annotated[
    float,
    typer.Option(
        help="Seconds without a sign after which a worker is ended.", rich_help_panel=_WORK
    ),
]
SpanSeconds = Annotated[
    float,
    typer.Option(
        help="Cut longer recordings into spans of so many seconds, for several workers; 0: never.",
        rich_help_panel=_WORK,
    ),
]
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
Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="Verify each output before it gets its name, as blurcam verify does.",
        rich_help_panel="Output",
    ),
]
SignKey = Annotated[
    Path | None,
    typer.Option(
        help="Ed25519 private key (PEM) to sign the report with.", rich_help_panel="Output"
    ),
]
LogFormatOption = Annotated[
    LogFormat,
    typer.Option("--log-format", help="json: one event a line.", rich_help_panel="Output"),
]


@batch_app.command("run")
@taking(without=("overwrite",))
def run_batch(
    inputs: Inputs,
    out: Out,
    name: Name = "{stem}{ext}",
    job: JobFolder = None,
    since: Since = None,
    until: Until = None,
    older_than: OlderThan = None,
    null: NullSeparated = False,
    retry_failed: RetryFailed = False,
    jobs: Jobs = None,
    memory: Memory = None,
    stall: Stall = 600.0,
    span: SpanSeconds = 600.0,
    engine: EngineOption = "local",
    address: Address = "auto",
    log_format: LogFormatOption = "text",
    *,
    how: Redaction = _USUAL,
    verify: Verify = False,
    sign_key: SignKey = None,
    quiet: Quiet = False,
) -> None:
    """Redact recordings, mirroring their folders below --out; run it again to go on.

    What is done is not done again, unless the recording or the settings changed. Nothing is
    overwritten but blurcam's own earlier output.
    """
    batch = Batch(
        out=out,
        job=job,
        name=name,
        jobs=jobs,
        memory=memory,
        stall=stall,
        span=span,
        retry_failed=retry_failed,
        verify=verify,
        effect=how.effect,
        detect=how.detect,
        cover=how.cover,
        encode=how.encode,
    )
    window = _window(since, until, older_than)
    paths = list(_paths(inputs, b"\0" if null else b"\n"))
    raise typer.Exit(_carry_out(batch, paths, window, log_format, quiet, sign_key, engine, address))


def _carry_out(
    batch: Batch,
    paths: list[Path],
    window: AgeWindow,
    log_format: LogFormat,
    quiet: bool,
    sign_key: Path | None,
    engine: EngineName,
    address: str,
) -> int:
    from blurcam.batch.inputs import refuse_overlap, select
    from blurcam.batch.job import Job
    from blurcam.batch.local_workers import LocalWorkers, suitable_jobs, suitable_memory
    from blurcam.batch.ray_workers import RayWorkers
    from blurcam.batch.task_work import refuse_encoder
    from blurcam.batch.worker_pool import WorkerPool

    if engine == "local":  # the nodes of a cluster may have what this machine lacks
        refuse_encoder(batch.encode)
    jobs = batch.jobs or suitable_jobs()
    memory = batch.memory or suitable_memory(jobs)
    job = Job(batch, _models(batch.detect))

    def run_by() -> WorkerPool:
        if engine == "ray":
            return RayWorkers(address, jobs=batch.jobs, stall=batch.stall)
        return LocalWorkers(jobs, memory=memory, stall=batch.stall, log=job.folder / "workers.log")

    refuse_overlap(paths, batch.out)
    found = list(select(paths, (batch.out, job.folder), window))
    began = False
    with job.opened() as running:
        try:
            with (
                unfinished(batch.out, "; the same command goes on from there") as check_signals,
                teller(log_format, quiet) as tell,
                closing(running.run(found, run_by)) as happening,
            ):
                for each in happening:
                    began = True
                    tell.tell(each)
                    check_signals()
        except Exception:  # typer's Exit too: what was done before is to be reported all the same
            if began:
                with _told_alone():
                    _report(running, sign_key, quiet)
            raise
        _report(running, sign_key, quiet)
        return _conclude(running.counts(), batch.out)


def _report(running: OpenJob, sign_key: Path | None, quiet: bool) -> None:
    from blurcam.batch.report.document import write_report

    report = write_report(running.ledger, running.output, sign_key)
    if not quiet:
        say(f"report: {report}")


@contextmanager
def _told_alone() -> Iterator[None]:
    """Say what keeps a report from being written, since the job has an error of its own to end in.

    A full disk, for one, has no room for the report either.
    """
    try:
        yield
    except BlurcamError as exc:
        say(f"no report: {exc}")


def _models(detect: Detect) -> dict[str, str]:
    """Return the SHA-256 of every model that these settings use."""
    from blurcam.detect.profiles import detector_of
    from blurcam.models.manifest import model

    named = [
        f"mediapipe-{detect.range}" if name == "mediapipe" else name
        for name in detector_of(detect).split("+")
    ]
    return {name: model(name).sha256 for name in named}


def _conclude(counts: JobCounts, out: Path) -> int:
    """Say how it went, for people and, in the last line, for programs; return the exit code."""
    from dataclasses import asdict

    code = INCOMPLETE if counts.failed or counts.review or counts.left else DONE
    say(
        f"{counts.files} recordings: {counts.done} done, {counts.review} to look at, "
        f"{counts.failed} failed; see: blurcam batch status {out}"
    )
    typer.echo(json.dumps({"command": "batch", "exit": code, **asdict(counts)}), err=True)
    return code


@batch_app.command("status")
def status(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What was given as --out or --job.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Say it as one JSON object.")] = False,
) -> None:
    """Say how a job stands: progress, rate, time to go, and failures with their reason."""
    from blurcam.batch.job_folder import LEDGER
    from blurcam.batch.ledger import Ledger

    path = folder / LEDGER
    if not path.exists():
        path = folder / ".blurcam" / LEDGER
    with closing(Ledger(path, read_only=True)) as ledger:
        rows = list(ledger.rows())
        started = float(ledger.noted("started_at") or 0)
    facts = _facts(rows, started)
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        for line in _status_lines(rows, facts):
            typer.echo(line)
    raise typer.Exit(DONE if not facts["failed"] and not facts["review"] else INCOMPLETE)


def _facts(rows: list[RecordingRow], started: float) -> dict[str, Any]:
    from dataclasses import asdict

    from blurcam.batch.events import counts_of
    from blurcam.batch.output_names import shown

    now = time.time()
    done = [row for row in rows if row.finished_at is not None and row.finished_at >= started]
    last = max((row.finished_at or 0.0 for row in done), default=now)
    left = [row for row in rows if row.state not in ("done", "failed")]
    elapsed = max(1e-6, (now if left else last) - started)
    rate = sum(row.size for row in done) / elapsed
    return asdict(counts_of(rows)) | {
        "bytes": sum(row.size for row in rows),
        "bytes_left": sum(row.size for row in left),
        "files_a_minute": round(60 * len(done) / elapsed, 2),
        "seconds_to_go": round(sum(row.size for row in left) / rate) if rate and left else None,
        "failures": {shown(row.source): row.error for row in rows if row.state == "failed"},
        "look_at": [shown(row.output) for row in rows if row.needs_review],
    }


def _status_lines(rows: list[RecordingRow], facts: dict[str, Any]) -> Iterator[str]:
    total = len(rows)
    yield (
        f"{total - facts['left']} of {total} recordings: {facts['done']} done, "
        f"{facts['review']} to look at, {facts['failed']} failed"
    )
    yield f"{facts['files_a_minute']:g} recordings a minute"
    if facts["seconds_to_go"] is not None:
        yield f"{duration(facts['seconds_to_go'])} to go"
    for source, error in facts["failures"].items():
        yield f"failed: {source}: {error}"
    for output in facts["look_at"]:
        yield f"look at: {output}"


def _paths(inputs: list[str], end: bytes) -> Iterator[Path]:
    """Yield the inputs; "-" stands for those listed on standard input."""
    for each in inputs:
        if each != "-":
            yield Path(each)
            continue
        for line in sys.stdin.buffer.read().split(end):
            if line:
                yield Path(os.fsdecode(line))


def _window(since: str | None, until: str | None, older_than: str | None) -> AgeWindow:
    from blurcam.batch.inputs import AgeWindow

    start = float("-inf") if since is None else _moment(since, "since")
    end = float("inf") if until is None else _moment(until, "until")
    if older_than is not None:
        end = min(end, time.time() - _length(older_than))
    return AgeWindow(start, end)


def _moment(text: str, key: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError as exc:
        raise ConfigError(
            f'{key}: "{text}" is no date; write 2026-11-01 or 2026-11-01T08:00'
        ) from exc


def _length(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([dhm])", text.strip())
    if found is None:
        raise ConfigError(f'older-than: "{text}" is no length of time; write 30d, 12h or 90m')
    return float(found[1]) * {"d": 86400, "h": 3600, "m": 60}[found[2]]
