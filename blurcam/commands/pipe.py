"""``pipe``: a stream redacted as it comes, between two programs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import typer

from blurcam.commands.options import Overwrite, Quiet, RedactionOptions, SummaryFile, redacting
from blurcam.commands.options_live import (
    AnyInput,
    AnyOutput,
    From,
    PixFmt,
    Rate,
    RegionsTo,
    ShowCommands,
    Size,
    Tee,
    To,
    WhenSlowOption,
)
from blurcam.commands.show_commands import connections
from blurcam.settings.pipe import PipeSettings, RawLayout
from blurcam.settings.redaction import LIVE_COVER

_PIPE = Path("-")


@redacting(LIVE_COVER)
def pipe(
    input: AnyInput = _PIPE,
    output: AnyOutput = _PIPE,
    source: From = None,
    to: To = "ts",
    size: Size = None,
    pix_fmt: PixFmt = "yuv420p",
    rate: Rate = None,
    when_slow: WhenSlowOption = None,
    *,
    how: RedactionOptions,
    tee: Tee = None,
    overwrite: Overwrite = False,
    regions: RegionsTo = None,
    summary: SummaryFile = None,
    show_commands: ShowCommands = False,
    quiet: Quiet = False,
) -> None:
    """Redact a live stream between two programs: standard input to standard output."""
    piping = PipeSettings(
        input=input,
        output=output,
        source=source,
        to=to,
        layout=RawLayout(size, pix_fmt, rate),
        when_slow=when_slow,
        effect=how.effect,
        detect=how.detect,
        cover=how.cover,
        encode=replace(how.encode, overwrite=overwrite),
        tee=tee,
        regions=regions,
        summary=summary,
    )
    if show_commands:
        own = sys.argv[sys.argv.index("pipe") :]
        for line in connections(piping, [word for word in own if word != "--show-commands"]):
            typer.echo(line, err=True)  # standard output is video or nothing
        return
    from blurcam.commands.run_pipe import stream

    raise typer.Exit(stream(piping, quiet=quiet))
