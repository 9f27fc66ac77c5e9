"""Options of pipes and of live cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blurcam.settings.camera import OnLoss, Receive, Transport
from blurcam.settings.pipe import FromName, ToName, WhenSlow

# What --help shows as defaults.
RECEIVE = Receive()
_OUT, _LIVE, _PIPES = "Output", "Cameras", "Pipes"

AnyInput = Annotated[
    Path, typer.Argument(help="What to read: anything FFmpeg reads, - for standard input, a FIFO.")
]
AnyOutput = Annotated[
    Path,
    typer.Argument(
        help="What to write: .mp4, .mkv, .ts (H.264) or .webm (AV1), - for standard output, a FIFO."
    ),
]
RunInput = Annotated[
    str,
    typer.Argument(
        help="What to read: anything FFmpeg reads, - for standard input, a FIFO; a camera: "
        "rtsp://…, http://…, /dev/video0."
    ),
]
RunOutput = Annotated[
    str,
    typer.Argument(
        help="What to write: .mp4, .mkv, .ts (H.264) or .webm (AV1), - for standard output, a "
        "FIFO; of a camera also rtsp://…, or names with the time in them: %Y-%m-%d/%H-%M-%S.mp4."
    ),
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
Realtime = Annotated[
    bool,
    typer.Option(
        "--realtime",
        help="Play a recording as if it were a camera: for trying things.",
        rich_help_panel=_LIVE,
    ),
]
Loop = Annotated[
    bool,
    typer.Option(
        "--loop", help="Like --realtime, over and over until stopped.", rich_help_panel=_LIVE
    ),
]
TransportOption = Annotated[
    Transport,
    typer.Option(
        "--transport",
        help="How RTSP brings the video; where the camera refuses it, the other is tried.",
        rich_help_panel=_LIVE,
    ),
]
Connect = Annotated[
    float,
    typer.Option(
        help="Seconds that a connection may take to its first picture.", rich_help_panel=_LIVE
    ),
]
Stall = Annotated[
    float,
    typer.Option(
        help="Seconds that a camera may be silent before it is connected to anew.",
        rich_help_panel=_LIVE,
    ),
]
OnLossOption = Annotated[
    OnLoss,
    typer.Option(
        "--on-loss",
        help="While packets are known lost: freeze (show the last redacted picture) or cover.",
        rich_help_panel=_LIVE,
    ),
]
Segment = Annotated[
    float | None,
    typer.Option(
        help="Seconds after which a new recording begins, at a key frame.", rich_help_panel=_LIVE
    ),
]
