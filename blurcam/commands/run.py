"""``run`` and ``render``: one recording to one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blurcam.commands.options import Json, Quiet, taking
from blurcam.commands.terminal import DONE, INCOMPLETE, say, unfinished, warn_of_cosmetic
from blurcam.settings.recording import Config

if TYPE_CHECKING:
    from blurcam.runs.recording import RecordingRun
    from blurcam.runs.summary import Summary

_RENDERED = (
    *("input", "output", "effect", "margin", "masks", "codec", "encoder", "crf", "preset"),
    *("audio", "overwrite", "summary"),
)


@taking(without=("render_from",))
def run(config: Config, json: Json = False, quiet: Quiet = False) -> None:
    """Redact a recording or a picture: find every face, cover it, write a new file.

    A folder of pictures, a quoted pattern or %03d.jpg goes to a folder. For a camera (rtsp://…,
    /dev/video0, --loop, http://… without an end) this is blurcam camera; for a stream (- or a
    FIFO) it is blurcam pipe, with as long a look-ahead as for a recording.
    """
    from blurcam.commands.run_pictures import are_pictures, redact_pictures

    if are_pictures(config):
        raise typer.Exit(redact_pictures(config, json=json, quiet=quiet))
    raise typer.Exit(_redact(config, json=json, quiet=quiet))


@taking(only=_RENDERED)
def render(
    config: Config,
    regions: Annotated[
        Path,
        typer.Option(
            "--regions",
            help="Regions file: from run, edited by hand, or made from another detector.",
        ),
    ],
    edits: Annotated[
        Path | None,
        typer.Option("--edits", help="Edits of these regions, as blurcam review saves them."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Redact again from a regions file: with another effect, or regions edited by hand."""
    from blurcam.commands.run_pictures import are_pictures, redact_pictures

    with _edited(regions, edits) as path:
        drawn = replace(config, render_from=path)
        if are_pictures(drawn):
            raise typer.Exit(redact_pictures(drawn, json=json, quiet=quiet))
        raise typer.Exit(_redact(drawn, json=json, quiet=quiet))


@contextmanager
def _edited(regions: Path, edits: Path | None) -> Iterator[Path]:
    """Give a regions file, as the edits have it where there are any."""
    if edits is None:
        yield regions
        return
    from blurcam.review.edits import read_edits
    from blurcam.review.redrawing import edited_file
    from blurcam.review.region_index import RegionIndex

    asked = read_edits(edits)
    with closing(RegionIndex(regions)) as index, edited_file(index, asked, regions) as path:
        yield path


def _redact(config: Config, *, json: bool, quiet: bool) -> int:
    """Run to the end, showing progress on a terminal; return the exit code."""
    from blurcam.runs.recording import open_run

    warn_of_cosmetic(config.effect)
    with unfinished(config.output) as check_signals, open_run(config) as under_way:
        for _ in _progress(under_way, shown=not quiet and sys.stderr.isatty()):
            check_signals()
        summary = under_way.finish()
    if not quiet:
        _tell(summary)
    if json:
        typer.echo(summary.to_json())
    return DONE if summary.complete else INCOMPLETE


def _tell(summary: Summary) -> None:
    for line in summary.lines():
        say(line)
    say(f"written: {summary.output}")


def _progress(under_way: RecordingRun, *, shown: bool) -> Iterator[None]:
    if not shown:
        for _ in under_way.steps():
            yield
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        name = Path(str(under_way.config.input)).name
        task = bar.add_task(name, total=under_way.info.frame_count, rate="")
        for _ in under_way.steps():
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "")
            yield
