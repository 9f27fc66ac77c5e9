"""The settings of one live camera."""

from __future__ import annotations

from dataclasses import KW_ONLY, field
from typing import Annotated, Final, Literal, cast

from pydantic import Field

from blurcam.errors import ConfigError
from blurcam.settings.addresses import Address, parse_address
from blurcam.settings.amounts import Bytes, Seconds
from blurcam.settings.declaration import declared, refusal
from blurcam.settings.recording_names import NamePattern
from blurcam.settings.redaction import LIVE_COVER, Cover, Redaction

Transport = Literal["tcp", "udp"]
OnLoss = Literal["freeze", "cover"]
WhenFull = Literal["delete", "stop"]

LIVE: Final = Redaction(cover=LIVE_COVER)
"""How live video is redacted where nothing else is said."""


@declared()
class Receive:
    """How a live stream is read."""

    transport: Annotated[
        Transport,
        Field(
            description="How RTSP brings the video. Where the camera refuses it, or no packet "
            "comes, the other is tried."
        ),
    ] = "tcp"
    connect: Annotated[
        Seconds,
        Field(
            ge=0.5,
            le=120,
            description="Seconds that a connection may take until its first frame.",
        ),
    ] = 10.0
    stall: Annotated[
        Seconds,
        Field(
            ge=0.5,
            le=120,
            description="Seconds that a camera may send nothing before blurcam connects again.",
        ),
    ] = 4.0
    loop: Annotated[
        bool, Field(description="Play a file over and over as if it were a camera: for trials.")
    ] = False


@declared()
class RecordingOutput:
    """An output that keeps recordings.

    ``path`` is a file, or a strftime pattern for many. The live video goes on in any case.
    """

    path: str
    segment: Annotated[
        Seconds | None,
        Field(
            ge=1,
            le=86400,
            description="Seconds after which a new recording begins, at a key frame.",
        ),
    ] = None
    keep: Annotated[
        Seconds | None,
        Field(ge=60, le=10 * 366 * 86400, description="How long recordings are kept: 7d."),
    ] = None
    keep_bytes: Annotated[
        Bytes | None,
        Field(ge=0, description="How much disk the recordings may take; the oldest go: 50GB."),
    ] = None
    leave_free: Annotated[
        Bytes,
        Field(ge=0, description="How much of the disk is left to others; below that, when_full."),
    ] = 256 << 20
    when_full: Annotated[
        WhenFull,
        Field(
            description="When the disk is full: delete the oldest recordings, or stop recording "
            "until there is room."
        ),
    ] = "delete"

    def __post_init__(self) -> None:
        """Refuse one name for many recordings."""
        if self.segment is not None and "%" not in self.path:
            raise refusal(
                "segment",
                f"{self.path} is one name for many files; write the time into it: "
                "recordings/%Y-%m-%d/%H-%M-%S.mp4",
            )
        try:
            NamePattern(self.path)
        except ConfigError as exc:
            raise refusal("path", str(exc)) from exc


@declared()
class PublishOutput:
    """An output that is published to a server, by RTSP."""

    url: Address

    def __post_init__(self) -> None:
        """Refuse what cannot be published to."""
        if self.url.kind != "rtsp":
            raise refusal("publish", f"{self.url}: publishing is by rtsp:// or rtsps:// only")


@declared()
class StdoutOutput:
    """Standard output, as MPEG-TS."""


Output = RecordingOutput | PublishOutput | StdoutOutput


def output_of(text: str, segment: float | str | None = None) -> Output:
    """Read an output as it is given on the command line: a server's address, or a file."""
    if text == "-":
        if segment is not None:
            raise ConfigError("segment: is for recordings, not for standard output")
        return StdoutOutput()
    if "://" in text:
        if segment is not None:
            raise ConfigError("segment: is for recordings, not for a server")
        return PublishOutput(parse_address(text))
    return RecordingOutput(text, cast(float | None, segment))  # pydantic reads texts


@declared()
class Camera(Redaction):
    """One live camera to redact: where it is, where its video goes, and how."""

    name: str
    source: Address
    outputs: tuple[Output, ...]
    receive: Receive = field(default_factory=Receive)
    on_loss: Annotated[
        OnLoss,
        Field(
            description="What is shown while packets are known to be lost: freeze (the last "
            "redacted frame) or cover (grey)."
        ),
    ] = "freeze"
    _: KW_ONLY
    cover: Cover = LIVE_COVER

    def __post_init__(self) -> None:
        """Refuse what live video cannot have."""
        if self.encode.audio != "drop":
            raise refusal("audio", "live sound is never forwarded")
        if self.encode.codec == "av1":
            raise refusal("codec", "live video is written as h264 or h265")
