"""``run`` and ``render``: one recording to one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from blurcam.config import (
    Config,
    Cover,
    Detect,
    Encode,
)
from blurcam.piping import Layout, Piping, is_stream

if TYPE_CHECKING:
    from blurcam.assembly.recordings import Run
    from blurcam.summary import Summary
from blurcam.commands.options import (
    COVERAGE,
    DETECT,
    AnyInput,
    AnyOutput,
    Audio,
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
    Input,
    Lead,
    Margin,
    Mask,
    Output,
    Overwrite,
    Patience,
    PixFmt,
    PlanFor,
    Preset,
    Profile,
    ProfileStages,
    Quiet,
    Range,
    Rate,
    RegionsIn,
    RegionsOut,
    Scale,
    Size,
    SummaryFile,
    Threshold,
    Timeout,
    To,
    WhenSlowOption,
    polygons,
)
from blurcam.commands.streaming import stream
from blurcam.commands.terminal import DONE, INCOMPLETE, say, unfinished


def run(
    input: AnyInput,
    output: AnyOutput,
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
    lead: Lead = COVERAGE.lead,
    hold: Hold = COVERAGE.hold,
    bridge: Bridge = COVERAGE.bridge,
    margin: Margin = COVERAGE.margin,
    mask: Mask = None,
    codec: Codec = None,
    encoder: EncoderOption = None,
    crf: Crf = None,
    preset: Preset = None,
    audio: Audio = "drop",
    overwrite: Overwrite = False,
    regions: RegionsOut = None,
    summary: SummaryFile = None,
    profile_stages: ProfileStages = False,
    source: From = None,
    to: To = "ts",
    size: Size = None,
    pix_fmt: PixFmt = "yuv420p",
    rate: Rate = None,
    when_slow: WhenSlowOption = "block",
    quiet: Quiet = False,
) -> None:
    """Redact a recording: find the faces, cover them, write a video that holds none."""
    detect = Detect(profile, detector, threshold, scale, plan_for, device, range, timeout, patience)
    cover = Cover(lead, hold, bridge, margin, polygons(mask, "mask"), polygons(ignore, "ignore"))
    encode = Encode(codec, encoder, crf, preset, audio, overwrite)
    if is_stream(input) or is_stream(output):
        piping = Piping(
            input=input,
            output=output,
            source=source,
            to=to,
            layout=Layout(size, pix_fmt, rate),
            when_slow=when_slow,
            effect=effect,
            detect=detect,
            cover=cover,
            encode=encode,
            regions=None if regions is None else str(regions),
            summary=summary,
        )
        raise typer.Exit(stream(piping, quiet=quiet))
    config = Config(
        input=input,
        output=output,
        effect=effect,
        detect=detect,
        cover=cover,
        encode=encode,
        regions=regions,
        summary=summary,
        profile_stages=profile_stages,
    )
    raise typer.Exit(_redact(config, quiet))


def render(
    input: Input,
    output: Output,
    regions: RegionsIn,
    effect: EffectOption = "blur",
    mask: Mask = None,
    codec: Codec = None,
    encoder: EncoderOption = None,
    crf: Crf = None,
    preset: Preset = None,
    audio: Audio = "drop",
    overwrite: Overwrite = False,
    summary: SummaryFile = None,
    quiet: Quiet = False,
) -> None:
    """Redraw a redaction from its regions file: another effect, or regions edited by hand."""
    config = Config(
        input=input,
        output=output,
        effect=effect,
        cover=Cover(masks=polygons(mask, "mask")),
        encode=Encode(codec, encoder, crf, preset, audio, overwrite),
        summary=summary,
        render_from=regions,
    )
    raise typer.Exit(_redact(config, quiet))


def _redact(config: Config, quiet: bool) -> int:
    """Run to the end, showing progress on a terminal; return the exit code."""
    from blurcam.assembly.recordings import open_run
    from blurcam.config import COSMETIC

    if config.effect in COSMETIC:
        say(
            f"warning: {config.effect} is cosmetic: machines recognise most faces under it; "
            "blur, solid and mosaic read no pixel of the face"
        )
    with unfinished(config.output), open_run(config) as under_way:
        for _ in _progress(under_way, shown=not quiet and sys.stderr.isatty()):
            pass
        summary = under_way.finish()
    if not quiet:
        _tell(summary)
    return DONE if summary.complete else INCOMPLETE


def _tell(summary: Summary) -> None:
    for line in summary.lines():
        say(line)
    say(f"written: {summary.output}")


def _progress(under_way: Run, *, shown: bool) -> Iterator[None]:
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
        task = bar.add_task(under_way.config.input.name, total=under_way.info.frame_count, rate="")
        for _ in under_way.steps():
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "")
            yield
