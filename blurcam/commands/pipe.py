"""``pipe``: a stream redacted as it comes, between two programs."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from blurcam.commands.connecting import connections
from blurcam.commands.options import (
    DETECT,
    AnyInput,
    AnyOutput,
    Bridge,
    Codec,
    Crf,
    DetectorOption,
    Device,
    EffectOption,
    EncoderOption,
    From,
    Hold,
    Ignore,
    Lead,
    Margin,
    Mask,
    Overwrite,
    Patience,
    PixFmt,
    PlanFor,
    Preset,
    Profile,
    Quiet,
    Range,
    Rate,
    RegionsTo,
    Scale,
    ShowCommands,
    Size,
    SummaryFile,
    Tee,
    Threshold,
    Timeout,
    To,
    WhenSlowOption,
    polygons,
)
from blurcam.config import Cover, Detect, Encode
from blurcam.piping import LIVE_COVER, Layout, Piping

_PIPE = Path("-")


def pipe(
    input: AnyInput = _PIPE,
    output: AnyOutput = _PIPE,
    source: From = None,
    to: To = "ts",
    size: Size = None,
    pix_fmt: PixFmt = "yuv420p",
    rate: Rate = None,
    when_slow: WhenSlowOption = None,
    profile: Profile = DETECT.profile,
    detector: DetectorOption = None,
    threshold: Threshold = None,
    scale: Scale = None,
    plan_for: PlanFor = None,
    device: Device = DETECT.device,
    range: Range = DETECT.range,
    ignore: Ignore = None,
    timeout: Timeout = DETECT.timeout,
    patience: Patience = DETECT.patience,
    effect: EffectOption = "blur",
    lead: Lead = LIVE_COVER.lead,
    hold: Hold = LIVE_COVER.hold,
    bridge: Bridge = LIVE_COVER.bridge,
    margin: Margin = LIVE_COVER.margin,
    mask: Mask = None,
    codec: Codec = None,
    encoder: EncoderOption = None,
    crf: Crf = None,
    preset: Preset = None,
    tee: Tee = None,
    overwrite: Overwrite = False,
    regions: RegionsTo = None,
    summary: SummaryFile = None,
    show_commands: ShowCommands = False,
    quiet: Quiet = False,
) -> None:
    """Redact a live stream between two programs: standard input to standard output."""
    piping = Piping(
        input=input,
        output=output,
        source=source,
        to=to,
        layout=Layout(size, pix_fmt, rate),
        when_slow=when_slow,
        effect=effect,
        detect=Detect(
            profile, detector, threshold, scale, plan_for, device, range, timeout, patience
        ),
        cover=Cover(lead, hold, bridge, margin, polygons(mask, "mask"), polygons(ignore, "ignore")),
        encode=Encode(codec, encoder, crf, preset, "drop", overwrite),
        tee=tee,
        regions=regions,
        summary=summary,
    )
    if show_commands:
        own = sys.argv[sys.argv.index("pipe") :]
        for line in connections(piping, [word for word in own if word != "--show-commands"]):
            typer.echo(line, err=True)  # standard output is video or nothing
        return
    from blurcam.commands.streaming import stream

    raise typer.Exit(stream(piping, quiet=quiet))
