"""Options that several commands share, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blurcam.config import (
    AudioPolicy,
    CodecName,
    Cover,
    Detect,
    DetectorName,
    EffectName,
    MediaPipeRange,
    Polygon,
    ProfileName,
    parse_polygon,
)
from blurcam.piping import FromName, ToName, WhenSlow

# What --help shows as defaults.
DETECT, COVERAGE = Detect(), Cover()
_LOOK, _COVER, _OUT, _PIPES = "Finding faces", "Covering them", "Output", "Pipes"

Input = Annotated[Path, typer.Argument(help="Recording to read: anything FFmpeg reads.")]
Output = Annotated[
    Path, typer.Argument(help="Video to write: .mp4, .mkv, .ts (H.264) or .webm (AV1).")
]
AnyInput = Annotated[
    Path, typer.Argument(help="What to read: anything FFmpeg reads, - for standard input, a FIFO.")
]
AnyOutput = Annotated[
    Path,
    typer.Argument(
        help="What to write: .mp4, .mkv, .ts (H.264) or .webm (AV1), - for standard output, a FIFO."
    ),
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
From = Annotated[
    FromName | None,
    typer.Option(
        "--from",
        help="What comes in; default: recognised by its first bytes. raw wants --size.",
        rich_help_panel=_PIPES,
    ),
]
To = Annotated[
    ToName,
    typer.Option(
        help="What goes out, to a pipe. nut (unless --codec says otherwise), y4m and raw are "
        "lossless.",
        rich_help_panel=_PIPES,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(help="Of raw frames: 1280x720.", metavar="WxH", rich_help_panel=_PIPES),
]
PixFmt = Annotated[
    str,
    typer.Option("--pix-fmt", help="Of raw frames, by FFmpeg's name.", rich_help_panel=_PIPES),
]
Rate = Annotated[
    str | None,
    typer.Option(
        help="Frames a second of raw frames and MJPEG, which do not say; default: 25.",
        rich_help_panel=_PIPES,
    ),
]
WhenSlowOption = Annotated[
    WhenSlow | None,
    typer.Option(
        "--when-slow",
        help="While pictures come faster than they are searched: block holds the producer up and "
        "loses nothing; drop leaves out the oldest, whole and before any search, and counts them. "
        "Default: block for run and for files, drop for pipes.",
        rich_help_panel=_PIPES,
    ),
]
Tee = Annotated[
    Path | None,
    typer.Option(help="Also record what goes out: .mp4, .mkv, .ts or .webm.", rich_help_panel=_OUT),
]
RegionsTo = Annotated[
    str | None,
    typer.Option(
        "--regions",
        help="Also write every covered region, one JSON line a frame, to a file or to an open "
        "descriptor: fd:3.",
        metavar="FILE|fd:N",
        rich_help_panel=_OUT,
    ),
]
ShowCommands = Annotated[
    bool,
    typer.Option(
        "--show-commands", help="Say how to connect other programs to these options, and end."
    ),
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
