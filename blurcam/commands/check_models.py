"""``check`` and ``models``: whether blurcam can work here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blurcam.commands.options import Mirror
from blurcam.commands.terminal import DONE, FAILED, USAGE


def check(
    input: Annotated[Path | None, typer.Argument(help="Also try to read this recording.")] = None,
) -> None:
    """Check whether blurcam can work here, and tell what to do if not."""
    from blurcam.assess.check_install import examine

    worst = DONE
    for finding in examine(input):
        typer.echo(str(finding))
        worst = worst if finding.good else FAILED
    raise typer.Exit(worst)


models_app = typer.Typer(help="List, fetch and check the detectors' models.", no_args_is_help=True)


@models_app.command("list")
def models_list() -> None:
    """List every model, its size, its licence, and whether it is here."""
    from blurcam.models.fetch import listing

    for line in listing():
        typer.echo(str(line))


@models_app.command("pull")
def models_pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; default: those the defaults need.")
    ] = None,
    mirror: Mirror = None,
) -> None:
    """Fetch models, and refuse each whose SHA-256 is not the pinned one."""
    from blurcam.models.fetch import pull

    for line in pull(names or (), mirror=mirror):
        typer.echo(str(line), err=True)


@models_app.command("check")
def models_check() -> None:
    """Check every model that is here against its pinned SHA-256."""
    from blurcam.models.fetch import listing

    worst = DONE
    for state in listing():
        missing = state.model.default and not state.present
        worst = USAGE if state.wrong or missing else worst
        typer.echo(f"{state.model.name}: {state.text}")
    raise typer.Exit(worst)
