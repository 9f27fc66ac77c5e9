"""``run`` and ``render``: one recording to one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from blurcam.commands.options import (
    Audio,
    Codec,
    Crf,
    EffectOption,
    EncoderOption,
    Input,
    Mask,
    Output,
    Overwrite,
    Preset,
    ProfileStages,
    Quiet,
    RedactionOptions,
    RegionsIn,
    RegionsOut,
    SummaryFile,
    polygons,
    redacting,
)
from blurcam.commands.options_live import (
    RECEIVE,
    Connect,
    From,
    Loop,
    OnLossOption,
    PixFmt,
    Rate,
    Realtime,
    RunInput,
    RunOutput,
    Segment,
    Size,
    Stall,
    To,
    TransportOption,
    WhenSlowOption,
)
from blurcam.commands.run_camera import watch_camera
from blurcam.commands.run_pipe import stream
from blurcam.commands.terminal import DONE, INCOMPLETE, say, unfinished, warn_of_cosmetic
from blurcam.errors import ConfigError
from blurcam.settings.addresses import is_live, parse_address
from blurcam.settings.camera import Camera, Receive, output_of
from blurcam.settings.pipe import PipeSettings, RawLayout, is_stream
from blurcam.settings.recording import Config
from blurcam.settings.redaction import LIVE_COVER, Cover, Encode

if TYPE_CHECKING:
    from blurcam.runs.recording import RecordingRun
    from blurcam.runs.summary import Summary


@redacting()
def run(
    context: typer.Context,
    input: RunInput,
    output: RunOutput,
    how: RedactionOptions,
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
    realtime: Realtime = False,
    loop: Loop = False,
    transport: TransportOption = RECEIVE.transport,
    connect: Connect = RECEIVE.connect,
    stall: Stall = RECEIVE.stall,
    on_loss: OnLossOption = "freeze",
    segment: Segment = None,
) -> None:
    """Redact a recording, or a camera until it is stopped: find the faces, cover them."""
    encode = replace(how.encode, audio=audio, overwrite=overwrite)
    if is_live(input) or realtime or loop:
        camera = Camera(
            name="camera",
            source=parse_address(input),
            outputs=(output_of(output, segment),),
            receive=Receive(transport, connect, stall, loop),
            effect=how.effect,
            detect=how.detect,
            cover=_live(how.cover, context),
            encode=encode,
            on_loss=on_loss,
        )
        if regions is not None or summary is not None:
            raise ConfigError("regions, summary: are written of recordings, not of cameras")
        raise typer.Exit(watch_camera(camera, quiet=quiet))
    if segment is not None:
        raise ConfigError("segment: is for cameras; a recording becomes one file")
    if is_stream(Path(input)) or is_stream(Path(output)):
        piping = PipeSettings(
            input=Path(input),
            output=Path(output),
            source=source,
            to=to,
            layout=RawLayout(size, pix_fmt, rate),
            when_slow=when_slow,
            effect=how.effect,
            detect=how.detect,
            cover=how.cover,
            encode=encode,
            regions=None if regions is None else str(regions),
            summary=summary,
        )
        raise typer.Exit(stream(piping, quiet=quiet))
    config = Config(
        input=Path(input),
        output=Path(output),
        effect=how.effect,
        detect=how.detect,
        cover=how.cover,
        encode=encode,
        regions=regions,
        summary=summary,
        profile_stages=profile_stages,
    )
    raise typer.Exit(_redact(config, quiet))


def _live(cover: Cover, context: typer.Context) -> Cover:
    """Return the coverage asked for, with what is usual of cameras where nothing was said."""
    sources = {key: context.get_parameter_source(key) for key in ("lead", "hold", "bridge")}
    unsaid = [key for key, each in sources.items() if each is not None and each.name == "DEFAULT"]
    return replace(cover, **{key: getattr(LIVE_COVER, key) for key in unsaid})


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
    from blurcam.runs.recording import open_run

    warn_of_cosmetic(config.effect)
    with unfinished(config.output) as check_signals, open_run(config) as under_way:
        for _ in _progress(under_way, shown=not quiet and sys.stderr.isatty()):
            check_signals()
        summary = under_way.finish()
    if not quiet:
        _tell(summary)
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
        task = bar.add_task(under_way.config.input.name, total=under_way.info.frame_count, rate="")
        for _ in under_way.steps():
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "")
            yield
