"""``evaluate``: how many faces stay exposed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blurcam.commands.options import taking
from blurcam.commands.terminal import to_json, write
from blurcam.errors import ConfigError
from blurcam.settings.evaluation import Evaluation, parse_sweep
from blurcam.settings.redaction import Cover, Detect

if TYPE_CHECKING:
    from blurcam.assess.evaluate import EvaluationReport

_DETECT, _COVER = Detect(), Cover()
_MEASURED = (
    *(
        "profile",
        "detector",
        "threshold",
        "scale",
        "plan_for",
        "refresh",
        "rhythm",
        "range",
        "tiles",
    ),
    *("lead", "hold", "bridge", "margin"),
)


@taking(only=_MEASURED)
def evaluate(
    input: Annotated[
        Path, typer.Argument(help="Folder of labelled pictures, or a labelled recording.")
    ],
    labels: Annotated[
        Path | None,
        typer.Option(help="True faces: WIDER-style CSV, COCO JSON, video CSV, MOTChallenge."),
    ] = None,
    no_faces: Annotated[
        bool, typer.Option("--no-faces", help="In place of --labels: there is no face at all.")
    ] = False,
    detect: Detect = _DETECT,
    cover: Cover = _COVER,
    min_face: Annotated[
        int, typer.Option(help="Height in pixels from which faces are counted.")
    ] = 8,
    extra: Annotated[
        Path | None,
        typer.Option(help="Boxes that fit no label, judged: CSV headed image,x0,y0,x1,y1,kind."),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(help='Try many thresholds: "threshold=0.1:0.6:0.05".', metavar="RANGE"),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Also write the report as JSON.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw recall over needless cover of a sweep, as PNG."),
    ] = None,
) -> None:
    """Measure how many labelled faces stay exposed, by height, with the settings given."""
    from blurcam.assess.evaluate import evaluate as evaluated

    if (labels is None) != no_faces:
        raise ConfigError("labels: give --labels FILE, or --no-faces")
    if plot is not None:
        from blurcam.assess.sweep_plot import draw
    trial = Evaluation(input, labels, detect, cover, min_face, extra)
    trials = [trial, *(_with_threshold(trial, each) for each in parse_sweep(sweep))]
    reports = list(_shown(evaluated(trials), input.name))
    for line in reports[0].lines():
        typer.echo(line)
    for report in reports[1:]:
        typer.echo(report.summary())
    if json is not None:
        first, *others = [report.values() for report in reports]
        write(json, to_json(first | {"sweep": others} if others else first))
    if plot is not None:
        draw(plot, reports)


def _with_threshold(trial: Evaluation, threshold: float) -> Evaluation:
    return replace(trial, detect=replace(trial.detect, threshold=threshold))


def _shown(steps: Iterator[EvaluationReport | float], name: str) -> Iterator[EvaluationReport]:
    """Yield the reports, showing progress on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(name, total=1.0)
        for step in steps:
            if isinstance(step, float):
                bar.update(task, completed=step)
            else:
                yield step
