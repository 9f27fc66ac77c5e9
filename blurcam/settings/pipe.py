"""Every setting of a pipe with its default, frozen and checked."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from blurcam.errors import ConfigError
from blurcam.settings.redaction import (
    LIVE_COVER,
    Cover,
    Detect,
    EffectName,
    Encode,
    check_between,
    check_choice,
)

FromName = Literal["ts", "nut", "matroska", "mp4", "flv", "y4m", "mjpeg", "raw"]
ToName = Literal["ts", "nut", "matroska", "mp4", "flv", "y4m", "mjpeg", "raw"]
WhenSlow = Literal["block", "drop"]


@dataclass(frozen=True, slots=True)
class RawLayout:
    """How raw frames lie in a stream that does not say: ``rate`` in frames a second."""

    size: str | None = None
    pix_fmt: str = "yuv420p"
    rate: str | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        if self.size is not None:
            width, height = self.pixels
            if not (0 < width <= 16384 and 0 < height <= 16384):
                raise ConfigError(f"size: {self.size} is not between 1x1 and 16384x16384")
        if self.rate is not None:
            check_between("rate", float(self.frequency), 0.1, 1000)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        try:
            width, height = (int(part) for part in (self.size or "").lower().split("x"))
        except ValueError as exc:
            raise ConfigError(f'size: "{self.size}" is not a size; write 1280x720') from exc
        return width, height

    @property
    def frequency(self) -> Fraction:
        """The rate as a number; 25 where nothing was said."""
        try:
            return Fraction(self.rate or 25)
        except (ValueError, ZeroDivisionError) as exc:
            raise ConfigError(f'rate: "{self.rate}" is no number; write 25 or 30000/1001') from exc


@dataclass(frozen=True, slots=True)
class PipeSettings:
    """All there is to say about redacting a stream as it comes.

    ``input`` and ``output`` are ``-`` (standard input and output), FIFOs, or files. ``source`` is
    the kind of stream that comes in, ``None`` to recognise it; ``to`` what goes out.
    ``when_slow`` says what happens while pictures come faster than they can be searched: "block"
    holds the producer up, "drop" leaves the oldest out; ``None`` blocks where a file is read, and
    else drops. ``tee`` records what goes out;
    ``regions`` is a file, or ``fd:N``, for a line of JSON a frame.
    """

    input: Path = Path("-")
    output: Path = Path("-")
    source: FromName | None = None
    to: ToName = "ts"
    layout: RawLayout = field(default_factory=RawLayout)
    when_slow: WhenSlow | None = None
    effect: EffectName = "blur"
    detect: Detect = field(default_factory=Detect)
    cover: Cover = LIVE_COVER
    encode: Encode = field(default_factory=Encode)
    tee: Path | None = None
    regions: str | None = None
    summary: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        if self.source is not None:
            check_choice("from", self.source, FromName)
        check_choice("to", self.to, ToName)
        if self.when_slow is not None:
            check_choice("when-slow", self.when_slow, WhenSlow)
        check_choice("effect", self.effect, EffectName)
        if self.source == "raw" and self.layout.size is None:
            raise ConfigError("from: raw frames do not say how large they are; add --size 1280x720")
        if self.encode.audio != "drop":
            raise ConfigError("audio: a pipe carries no sound")
        for key in ("tee", "summary"):
            if str(getattr(self, key)) == "-":
                raise ConfigError(f"{key}: standard output carries the video; name a file")
        if self.regions == "-":
            raise ConfigError(
                "regions: standard output carries the video; name a file, or a descriptor: fd:3"
            )
        if self.regions is not None and self.regions.startswith("fd:"):
            self.regions_descriptor()

    def regions_descriptor(self) -> int | None:
        """Return the descriptor that ``regions`` names, ``None`` where it names a file."""
        if self.regions is None or not self.regions.startswith("fd:"):
            return None
        number = self.regions.removeprefix("fd:")
        if not number.isdecimal() or int(number) < 2:
            raise ConfigError(f"regions: {self.regions} is no descriptor of yours; use fd:3 or so")
        return int(number)


def is_stream(path: Path) -> bool:
    """Whether a path is read and written as it comes: ``-``, a FIFO or a device."""
    if str(path) == "-":
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
