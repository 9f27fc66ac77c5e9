"""Options that commands share, and the settings that they make together."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from blurcam.settings.redaction import (
    AudioPolicy,
    CodecName,
    Cover,
    Detect,
    DetectorName,
    EffectName,
    Encode,
    MediaPipeRange,
    Polygon,
    ProfileName,
    parse_polygon,
)

# What --help shows as defaults.
DETECT, COVERAGE = Detect(), Cover()
_LOOK, _COVER, _OUT = "Finding faces", "Covering them", "Output"

Input = Annotated[Path, typer.Argument(help="Recording to read: anything FFmpeg reads.")]
Output = Annotated[
    Path, typer.Argument(help="Video to write: .mp4, .mkv, .ts (H.264) or .webm (AV1).")
]
Profile = Annotated[
    ProfileName,
    typer.Option(
        help="How closely to look: near (faces fill the picture, milliseconds), balanced, or "
        "thorough (archives: the smallest faces, five times the time).",
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
Refresh = Annotated[
    float | None,
    typer.Option(
        help="Seconds after which the whole frame is looked at again, even where nothing changed.",
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
Tiles = Annotated[
    bool,
    typer.Option(
        "--tiles",
        help="Of the mediapipe detector: look at parts of the picture, too, for faces from 32 px; "
        "twenty times the time.",
        rich_help_panel=_LOOK,
    ),
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
ProfileStages = Annotated[
    bool,
    typer.Option(
        "--profile-stages",
        help="Also say what each stage took, in milliseconds a frame; in --summary too.",
        rich_help_panel=_OUT,
    ),
]
Mirror = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds the model files, for a box without internet.",
        envvar="BLURCAM_MODELS_MIRROR",
    ),
]


def polygons(texts: list[str] | None, key: str) -> tuple[Polygon, ...]:
    """Read the polygons of a repeatable option."""
    return tuple(parse_polygon(text, f"--{key}") for text in texts or ())


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """How faces are found, covered and written, as asked for on the command line."""

    detect: Detect
    effect: EffectName
    cover: Cover
    encode: Encode


def _redaction(
    profile: Profile = DETECT.profile,
    detector: DetectorOption = None,
    threshold: Threshold = None,
    scale: Scale = None,
    plan_for: PlanFor = None,
    refresh: Refresh = None,
    device: Device = DETECT.device,
    range: Range = DETECT.range,
    tiles: Tiles = False,
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
) -> RedactionOptions:
    return RedactionOptions(
        Detect(
            profile,
            detector,
            threshold,
            scale,
            plan_for,
            device,
            range,
            timeout,
            patience,
            tiles,
            refresh,
        ),
        effect,
        Cover(lead, hold, bridge, margin, polygons(mask, "mask"), polygons(ignore, "ignore")),
        Encode(codec, encoder, crf, preset),
    )


def redacting(usual: Cover = COVERAGE) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, in the place of its parameter ``how``, every option of a redaction.

    The command is called with the :class:`RedactionOptions` that they make. ``usual`` holds its
    defaults of lead, hold, bridge and margin.
    """
    taken = [
        each.replace(default=getattr(usual, each.name, each.default))
        for each in inspect.signature(_redaction, eval_str=True).parameters.values()
    ]

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        parameters: list[Parameter] = []
        for each in own.parameters.values():
            parameters += taken if each.name == "how" else [each]
        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]

        @wraps(command)
        def called(**given: Any) -> None:
            asked = {each.name: given.pop(each.name) for each in taken}
            command(how=_redaction(**asked), **given)

        # Typer reads both.
        called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return with_options
