"""``attack``: whether people can be named under an effect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from blurcam.commands.options import EffectOption
from blurcam.commands.terminal import DONE, FAILED, INCOMPLETE, to_json, write
from blurcam.errors import ConfigError


def attack(
    effect: EffectOption = "blur",
    faces: Annotated[
        Path | None,
        typer.Option(help="Folder with a folder of pictures for each person, four or more each."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Also write the report as JSON.")
    ] = None,
) -> None:
    """Train machines on redacted faces, and tell how often they name the right person.

    Exit code 1 if any of them does better than guessing in 99 % of cases, 3 if there are too few
    people and pictures to tell.
    """
    if faces is None:
        known = os.environ.get("BLURCAM_EVAL_DATA")
        if known is None:
            raise ConfigError("faces: name a folder with a folder of pictures for each person")
        faces = Path(known) / "faces-orl"
    from blurcam.assess.attack.faces import load_people
    from blurcam.assess.attack.trial import attack as attacked

    report = attacked(load_people(faces), effect)
    for line in report.lines():
        typer.echo(line)
    if json is not None:
        write(json, to_json(report.values()))
    typer.echo(f"{effect}: {report.verdict}")
    raise typer.Exit(DONE if report.holds else FAILED if report.can_tell else INCOMPLETE)
