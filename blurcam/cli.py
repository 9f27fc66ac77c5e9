"""The command line: parse, build a configuration, call, map errors to exit codes; nothing else."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from blurcam import __version__
from blurcam.config import (
    AudioPolicy,
    CodecName,
    Config,
    Cover,
    Detect,
    DetectorName,
    EffectName,
    Encode,
    MediaPipeRange,
    ProfileName,
    Trial,
    parse_polygon,
    parse_sweep,
)
from blurcam.errors import BlurcamError, ConfigError, ModelError

if TYPE_CHECKING:
    from blurcam.assembly import Run
    from blurcam.summary import Summary
    from blurcam.trials import Report

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
# The base of typer's usage errors, which typer (carrying its own click) does not name in public.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)

# What --help shows as defaults.
_DETECT, _COVERAGE = Detect(), Cover()
_LOOK, _COVER, _OUT = "Finding faces", "Covering them", "Output"

Input = Annotated[Path, typer.Argument(help="Recording to read: anything FFmpeg reads.")]
Output = Annotated[
    Path, typer.Argument(help="Video to write: .mp4, .mkv, .ts (H.264) or .webm (AV1).")
]
Profile = Annotated[
    ProfileName,
    typer.Option(
        help="How closely to look: near (faces fill the picture, milliseconds), balanced, or "
        "thorough (archives: the smallest faces, ten times the time).",
        rich_help_panel=_LOOK,
    ),
]
DetectorOption = Annotated[
    DetectorName | None,
    typer.Option(
        "--detector", help="Another face detector than the profile's.", rich_help_panel=_LOOK
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Confidence from which a face counts; default: the profile's, chosen for recall.",
        rich_help_panel=_LOOK,
    ),
]
Scale = Annotated[
    float | None,
    typer.Option(
        help="Size of the searched picture over that of the frame; 2 finds faces half as small. "
        "Default: as suits the frame.",
        rich_help_panel=_LOOK,
    ),
]
PlanFor = Annotated[
    float | None,
    typer.Option(
        "--plan-for",
        help="Height in pixels of the smallest faces to look for, in place of --scale.",
        rich_help_panel=_LOOK,
    ),
]
Device = Annotated[
    str, typer.Option(help="OpenVINO device: CPU, GPU, NPU or AUTO.", rich_help_panel=_LOOK)
]
Range = Annotated[
    MediaPipeRange,
    typer.Option(help="Of the mediapipe detector: up to 2 m or 5 m.", rich_help_panel=_LOOK),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        help='Look for no faces in this polygon (a poster): "x,y x,y x,y" as fractions of the '
        "frame. Repeatable.",
        metavar="POLYGON",
        rich_help_panel=_LOOK,
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        help="Seconds after which an unanswered search covers its frame whole.",
        rich_help_panel=_LOOK,
    ),
]
Patience = Annotated[
    int,
    typer.Option(
        help="Frames in a row that may fail to be searched before the run ends.",
        rich_help_panel=_LOOK,
    ),
]
Lead = Annotated[
    float,
    typer.Option(help="Seconds covered before a face is first seen.", rich_help_panel=_COVER),
]
Hold = Annotated[
    float,
    typer.Option(help="Seconds covered after a face was last seen.", rich_help_panel=_COVER),
]
Bridge = Annotated[
    float,
    typer.Option(
        help="Longest gap, in seconds, bridged between two sightings of a face.",
        rich_help_panel=_COVER,
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        help="Size of the covering ellipse over that of the face's box.", rich_help_panel=_COVER
    ),
]
EffectOption = Annotated[
    EffectName,
    typer.Option(
        "--effect",
        help="blur, solid and mosaic read no pixel of the face. gaussian and pixelate are "
        "COSMETIC: faces under them can be recognised by machine.",
        rich_help_panel=_COVER,
    ),
]
Mask = Annotated[
    list[str] | None,
    typer.Option(
        help='Cover this polygon on every frame: "x,y x,y x,y" as fractions of the frame. '
        "Repeatable.",
        metavar="POLYGON",
        rich_help_panel=_COVER,
    ),
]
Codec = Annotated[
    CodecName | None,
    typer.Option(
        help="Video codec; same: the input's. Default: h264, in .webm av1.", rich_help_panel=_OUT
    ),
]
EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="One encoder by FFmpeg's name, such as h264_qsv; tried first, software if it fails.",
        rich_help_panel=_OUT,
    ),
]
Crf = Annotated[
    int | None,
    typer.Option(help="Quality, the encoder's own scale; less is better.", rich_help_panel=_OUT),
]
Preset = Annotated[
    str | None, typer.Option(help="Speed, in the encoder's own words.", rich_help_panel=_OUT)
]
Audio = Annotated[
    AudioPolicy,
    typer.Option(help="A voice is personal too: dropped unless copied.", rich_help_panel=_OUT),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=_OUT)
]
SummaryFile = Annotated[
    Path | None,
    typer.Option("--summary", help="Also write the summary as JSON.", rich_help_panel=_OUT),
]
RegionsOut = Annotated[
    Path | None,
    typer.Option(
        "--regions",
        help="Also write every covered region, one JSON line a frame; see render.",
        rich_help_panel=_OUT,
    ),
]
RegionsIn = Annotated[
    Path, typer.Option("--regions", help="Regions file, from run, perhaps edited by hand.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=_OUT)
]
Mirror = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds the model files, for a box without internet.",
        envvar="BLURCAM_MODELS_MIRROR",
    ),
]

app = typer.Typer(
    name="blurcam",
    help="Finds the faces in recordings and covers them before anything is stored.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="List, fetch and check the detectors' models.", no_args_is_help=True)
app.add_typer(models_app, name="models")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"blurcam {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log in detail, and show where an error came from.")
    ] = False,
) -> None:
    del version
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="blurcam: %(levelname)s: %(message)s" if not debug else logging.BASIC_FORMAT,
        stream=sys.stderr,
    )


@app.command()
def run(
    input: Input,
    output: Output,
    profile: Profile = _DETECT.profile,
    detector: DetectorOption = None,
    threshold: Threshold = None,
    scale: Scale = None,
    plan_for: PlanFor = None,
    device: Device = _DETECT.device,
    range: Range = _DETECT.range,
    ignore: Ignore = None,
    timeout: Timeout = _DETECT.timeout,
    patience: Patience = _DETECT.patience,
    effect: EffectOption = "blur",
    lead: Lead = _COVERAGE.lead,
    hold: Hold = _COVERAGE.hold,
    bridge: Bridge = _COVERAGE.bridge,
    margin: Margin = _COVERAGE.margin,
    mask: Mask = None,
    codec: Codec = None,
    encoder: EncoderOption = None,
    crf: Crf = None,
    preset: Preset = None,
    audio: Audio = "drop",
    overwrite: Overwrite = False,
    regions: RegionsOut = None,
    summary: SummaryFile = None,
    quiet: Quiet = False,
) -> None:
    """Redact a recording: find the faces, cover them, write a video that holds none."""
    config = Config(
        input=input,
        output=output,
        effect=effect,
        detect=Detect(
            profile, detector, threshold, scale, plan_for, device, range, timeout, patience
        ),
        cover=Cover(
            lead, hold, bridge, margin, _polygons(mask, "mask"), _polygons(ignore, "ignore")
        ),
        encode=Encode(codec, encoder, crf, preset, audio, overwrite),
        regions=regions,
        summary=summary,
    )
    raise typer.Exit(_redact(config, quiet))


@app.command()
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
        cover=Cover(masks=_polygons(mask, "mask")),
        encode=Encode(codec, encoder, crf, preset, audio, overwrite),
        summary=summary,
        render_from=regions,
    )
    raise typer.Exit(_redact(config, quiet))


@app.command()
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
    profile: Profile = _DETECT.profile,
    detector: DetectorOption = None,
    threshold: Threshold = None,
    scale: Scale = None,
    plan_for: PlanFor = None,
    lead: Lead = _COVERAGE.lead,
    hold: Hold = _COVERAGE.hold,
    bridge: Bridge = _COVERAGE.bridge,
    margin: Margin = _COVERAGE.margin,
    min_face: Annotated[
        int, typer.Option(help="Height in pixels from which faces are counted.")
    ] = 8,
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
    from blurcam.trials import evaluate as evaluated

    if (labels is None) != no_faces:
        raise ConfigError("labels: give --labels FILE, or --no-faces")
    detect = Detect(profile, detector, threshold, scale, plan_for)
    trial = Trial(input, labels, detect, Cover(lead, hold, bridge, margin), min_face)
    trials = [trial, *(_with_threshold(trial, each) for each in parse_sweep(sweep))]
    reports = list(_shown(evaluated(trials), input.name))
    for line in reports[0].lines():
        typer.echo(line)
    for report in reports[1:]:
        typer.echo(report.summary())
    if json is not None:
        first, *others = [report.values() for report in reports]
        _write(json, _to_json(first | {"sweep": others} if others else first))
    if plot is not None:
        from blurcam.plots import draw

        draw(plot, reports)


@app.command()
def check(
    input: Annotated[Path | None, typer.Argument(help="Also try to read this recording.")] = None,
) -> None:
    """Say whether blurcam can work here, and what to do if not."""
    from blurcam.checkup import examine

    worst = DONE
    for finding in examine(input):
        typer.echo(str(finding))
        worst = worst if finding.good else FAILED
    raise typer.Exit(worst)


@models_app.command("list")
def models_list() -> None:
    """List every model, its size, its licence, and whether it is here."""
    from blurcam.models import listing

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
    from blurcam.models import pull

    for line in pull(names or (), mirror=mirror):
        typer.echo(str(line), err=True)


@models_app.command("check")
def models_check() -> None:
    """Check every model that is here against its pinned SHA-256."""
    from blurcam.models import listing

    worst = DONE
    for state in listing():
        missing = state.model.default and not state.present
        worst = USAGE if state.wrong or missing else worst
        typer.echo(f"{state.model.name}: {state.text}")
    raise typer.Exit(worst)


def _with_threshold(trial: Trial, threshold: float) -> Trial:
    return replace(trial, detect=replace(trial.detect, threshold=threshold))


def _shown(steps: Iterator[Report | float], name: str) -> Iterator[Report]:
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


def _to_json(values: dict[str, Any]) -> str:
    import json

    return json.dumps(values, indent=2, default=str) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be written: {exc.strerror}") from exc


def _polygons(texts: list[str] | None, key: str) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(parse_polygon(text, f"--{key}") for text in texts or ())


def _redact(config: Config, quiet: bool) -> int:
    """Run to the end, showing progress on a terminal; return the exit code."""
    from blurcam.assembly import open_run
    from blurcam.config import COSMETIC

    if config.effect in COSMETIC:
        _say(
            f"warning: {config.effect} is cosmetic: machines recognise most faces under it; "
            "blur, solid and mosaic read no pixel of the face"
        )
    with _unfinished(config.output), open_run(config) as under_way:
        for _ in _progress(under_way, shown=not quiet and sys.stderr.isatty()):
            pass
        summary = under_way.finish()
    if not quiet:
        _tell(summary)
    return DONE if summary.complete else INCOMPLETE


def _tell(summary: Summary) -> None:
    for line in summary.lines():
        _say(line)
    _say(f"written: {summary.output}")


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


class _Terminated(BaseException):
    """SIGTERM arrived."""


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise _Terminated


@contextmanager
def _unfinished(output: Path) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into their exit codes, nothing being under the final name."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt:
        _say(f"interrupted; {output} was not finished")
        raise typer.Exit(128 + signal.SIGINT) from None
    except _Terminated:
        _say(f"terminated; {output} was not finished")
        raise typer.Exit(128 + signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    typer.echo(f"blurcam: {text}", err=True)


def main() -> None:
    """Run the command line and exit with its code."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = app(standalone_mode=False)
    except BlurcamError as exc:
        code = _failed(str(exc), debug)
        code = USAGE if isinstance(exc, ConfigError | ModelError) else FAILED
    except _UsageError as exc:
        code = _failed(f"{_usage(exc)}", debug)
        code = USAGE
    except Exception as exc:  # noqa: BLE001 - a bug: one line, unless asked for more
        code = _failed(
            f"internal error: {type(exc).__name__}: {exc}; nothing more was written. "
            "Run it again as: blurcam --debug …",
            debug,
        )
    sys.exit(code if isinstance(code, int) else DONE)


def _usage(error: Any) -> str:
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "blurcam"
    return f"{text.rstrip('.')}; see: {path} --help"


def _failed(text: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    _say(" ".join(text.splitlines()))
    return FAILED
