"""Every setting of a live camera with its default, frozen and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from blurcam.errors import ConfigError
from blurcam.settings.addresses import Address, parse_address
from blurcam.settings.redaction import (
    LIVE_COVER,
    Cover,
    Detect,
    EffectName,
    Encode,
    check_between,
    check_choice,
)

Transport = Literal["tcp", "udp"]
OnLoss = Literal["freeze", "cover"]


@dataclass(frozen=True, slots=True)
class Receive:
    """How a live stream is read.

    ``transport`` is RTSP's; where the camera refuses it, or no packet comes, the other is tried.
    ``connect`` is how many seconds a connection may take until its first picture, ``stall`` how
    many a connected camera may be silent. ``loop`` plays a file over and over.
    """

    transport: Transport = "tcp"
    connect: float = 10.0
    stall: float = 4.0
    loop: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        check_choice("transport", self.transport, Transport)
        check_between("connect", self.connect, 0.5, 120)
        check_between("stall", self.stall, 0.5, 120)


@dataclass(frozen=True, slots=True)
class RecordingOutput:
    """An output that keeps recordings.

    ``path`` is a file, or a strftime pattern for many; a new one begins every ``segment`` seconds.
    Recordings go after ``keep`` seconds, and the oldest where they take more than ``keep_bytes``.
    ``leave_free`` bytes of the disk are left to others: below that the oldest recordings go, or
    with ``when_full`` "stop" recording waits for room. The feed goes on in any case.
    """

    path: str
    segment: float | None = None
    keep: float | None = None
    keep_bytes: int | None = None
    leave_free: int = 256 << 20
    when_full: Literal["delete", "stop"] = "delete"

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        if self.segment is not None:
            check_between("segment", self.segment, 1, 86400)
            if "%" not in self.path:
                raise ConfigError(
                    f"segment: {self.path} is one name for many files; write the time into it: "
                    "recordings/%Y-%m-%d/%H-%M-%S.mp4"
                )
        if self.keep is not None:
            check_between("keep", self.keep, 60, 10 * 366 * 86400)
        check_choice("when_full", self.when_full, Literal["delete", "stop"])


@dataclass(frozen=True, slots=True)
class PublishOutput:
    """An output that is published to a server, by RTSP."""

    url: Address

    def __post_init__(self) -> None:
        """Refuse what cannot be published to."""
        if self.url.kind != "rtsp":
            raise ConfigError(f"outputs: {self.url}: publishing is by rtsp:// or rtsps:// only")


@dataclass(frozen=True, slots=True)
class StdoutOutput:
    """Standard output, as MPEG-TS."""


Output = RecordingOutput | PublishOutput | StdoutOutput


def output_of(text: str, segment: float | None = None) -> Output:
    """Read an output as it is given on the command line: a server's address, or a file."""
    if text == "-":
        if segment is not None:
            raise ConfigError("segment: is for recordings, not for standard output")
        return StdoutOutput()
    if "://" in text:
        if segment is not None:
            raise ConfigError("segment: is for recordings, not for a server")
        return PublishOutput(parse_address(text))
    return RecordingOutput(text, segment)


@dataclass(frozen=True, slots=True)
class Camera:
    """All there is to say about one live camera: where it is, and where its pictures go."""

    name: str
    source: Address
    outputs: tuple[Output, ...]
    receive: Receive = field(default_factory=Receive)
    effect: EffectName = "blur"
    detect: Detect = field(default_factory=Detect)
    cover: Cover = LIVE_COVER
    encode: Encode = field(default_factory=Encode)
    on_loss: OnLoss = "freeze"

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        check_choice("effect", self.effect, EffectName)
        check_choice("on_loss", self.on_loss, OnLoss)
        if self.encode.audio != "drop":
            raise ConfigError("audio: live sound is never forwarded")
        if self.encode.codec == "av1":
            raise ConfigError("codec: live video is written as h264 or h265")
