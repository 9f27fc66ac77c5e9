"""``pipe``: a stream redacted as it comes, between two programs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from blurcam.commands.options import Json, Quiet, taking
from blurcam.commands.show_commands import connections
from blurcam.errors import ConfigError
from blurcam.settings.pipe import PipeSettings

_SETTINGS = PipeSettings()


@taking(without=("audio",))
def pipe(
    settings: PipeSettings = _SETTINGS,
    show_commands: Annotated[
        bool,
        typer.Option(
            "--show-commands",
            help="Say how to connect other programs to these options, and end.",
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Redact a stream between two programs: standard input to standard output."""
    if show_commands:
        start = next(n for n, word in enumerate(sys.argv) if word in ("pipe", "run"))
        own = [word for word in sys.argv[start:] if word != "--show-commands"]
        for line in connections(settings, own):
            typer.echo(line, err=True)  # standard output is video or nothing
        return
    if json and str(settings.output) == "-":
        raise ConfigError("json: standard output carries the video; name a file with --summary")
    from blurcam.commands.run_pipe import stream

    raise typer.Exit(stream(settings, json=json, quiet=quiet))
