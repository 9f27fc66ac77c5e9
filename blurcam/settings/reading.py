"""How a video is read where it does not say so itself, or is not to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from blurcam.media.orientation import Orientation
from blurcam.settings.declaration import declared


def _check_turn(degrees: int) -> int:
    if degrees not in (0, 90, 180, 270):
        raise ValueError(f"{degrees} is not 0, 90, 180 or 270")
    return degrees


RunMemory = Annotated[
    float | None,
    Field(
        ge=0.1,
        le=4096,
        description="Gigabytes that the run may take. If fewer frames fit, it looks ahead less "
        "far. Default: from the machine.",
    ),
]
"""The memory of a run."""


@declared()
class Mounting:
    """How a camera hangs, where its video does not say so."""

    rotate: Annotated[
        int,
        AfterValidator(_check_turn),
        Field(
            description="Degrees clockwise by which frames have to be turned to be upright, beyond "
            "what the video says: 0, 90, 180 or 270. They are searched and shown so."
        ),
    ] = 0
    mirror: Annotated[
        bool,
        Field(description="Mirror the frames left to right, after turning them."),
    ] = False

    @property
    def orientation(self) -> Orientation:
        """How frames are shown that the video itself shows as they are stored."""
        return Orientation(self.rotate, self.mirror)


AS_MOUNTED: Final = Mounting()
"""Frames are shown the way that the video itself says."""


@declared()
class Reading:
    """Which part of a recording is read, and when it begins."""

    track: Annotated[
        int | None,
        Field(
            ge=1,
            le=1000,
            description="Video track to redact, counted from 1. Default: the one that players "
            "show: the default track, then the largest.",
        ),
    ] = None
    keep_start: Annotated[
        bool,
        Field(
            description="Keep the time stamp of the first frame. Without it a video that begins at "
            "the time of a clock (24 h, 1970) begins at zero."
        ),
    ] = False


def _check_rate(text: str | None) -> str | None:
    if text is not None and not Fraction(1, 10) <= read_rate(text) <= 1000:
        raise ValueError(f"{text} is not between 0.1 and 1000")
    return text


def read_rate(text: str) -> Fraction:
    """Read frames a second, such as 30000/1001; raises ValueError."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as exc:
        raise ValueError(f'"{text}" is no number; write 25 or 30000/1001') from exc


Rate = Annotated[
    str | None,
    AfterValidator(_check_rate),
    Field(
        description="Frames a second of a bare stream (.h264, .h265, .obu, .mjpeg) that does not "
        "tell its rate. Default: 25."
    ),
]
"""A rate as it is written, ``None`` for none."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """All that was asked for of how a video is read."""

    mounting: Mounting = AS_MOUNTED
    track: int | None = None
    keep_start: bool = False
    rate: Fraction | None = None


READ_PLAINLY: Final = ReadOptions()
"""A video is read as it says itself."""
