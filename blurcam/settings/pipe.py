"""The settings of redacting a stream as it comes."""

from __future__ import annotations

import stat
from dataclasses import KW_ONLY, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from blurcam.settings.addresses import Address, Place
from blurcam.settings.declaration import declared, refusal
from blurcam.settings.reading import Reading, ReadOptions, RunMemory
from blurcam.settings.redaction import LIVE_COVER, Cover, Redaction

FromName = Literal[
    "ts", "ps", "nut", "matroska", "mp4", "flv", "avi", "y4m", "h264", "h265", "mpeg2", "mpeg4",
    "mjpeg", "multipart", "raw",
]  # fmt: skip
ToName = Literal["ts", "nut", "matroska", "mp4", "flv", "y4m", "mjpeg", "raw"]
WhenSlow = Literal["block", "drop"]


@declared()
class RawLayout:
    """How raw frames lie in a stream that does not say."""

    size: Annotated[str | None, Field(description="Of raw frames: 1280x720.")] = None
    pix_fmt: Annotated[str, Field(description="Pixel format of raw frames, by FFmpeg's name.")] = (
        "yuv420p"
    )
    rate: Annotated[
        str | None,
        Field(
            description="Frames a second of raw frames, and of MJPEG and bare H.264, H.265 and the "
            "like that do not tell their rate. Default: 25."
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what is no size and no rate."""
        if self.size is not None:
            width, height = self.pixels
            if not (0 < width <= 16384 and 0 < height <= 16384):
                raise refusal("size", f"{self.size} is not between 1x1 and 16384x16384")
        if self.rate is not None and not Fraction(1, 10) <= self.frequency <= 1000:
            raise refusal("rate", f"{self.rate} is not between 0.1 and 1000")

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        try:
            width, height = (int(part) for part in (self.size or "").lower().split("x"))
        except ValueError as exc:
            raise refusal("size", f'"{self.size}" is not a size; write 1280x720') from exc
        return width, height

    @property
    def frequency(self) -> Fraction:
        """The rate as a number; 25 where nothing was said."""
        try:
            return Fraction(self.rate or 25)
        except (ValueError, ZeroDivisionError) as exc:
            raise refusal("rate", f'"{self.rate}" is no number; write 25 or 30000/1001') from exc


@declared()
class PipeSettings(Redaction):
    """One stream to redact as it comes: where from, where to, and how.

    ``input`` and ``output`` are ``-`` (standard input and output), FIFOs, or files.
    """

    input: Annotated[
        Place,
        Field(
            description="What to read: - for standard input, a FIFO, a file, or http://… of a "
            "recording that ends."
        ),
    ] = Path("-")
    output: Annotated[
        Path,
        Field(
            description="What to write: - for standard output, a FIFO, or a file: .mp4, .mov, "
            ".mkv, .ts (H.264) or .webm (AV1)."
        ),
    ] = Path("-")
    source: Annotated[
        FromName | None,
        Field(
            description="What comes in. Default: recognised by its first bytes. raw needs --size."
        ),
    ] = None
    to: Annotated[
        ToName,
        Field(
            description="What goes out. nut (unless --codec says otherwise), y4m and raw are "
            "lossless."
        ),
    ] = "ts"
    layout: RawLayout = field(default_factory=RawLayout)
    reading: Reading = field(default_factory=Reading)
    when_slow: Annotated[
        WhenSlow | None,
        Field(
            description="While frames come faster than they can be searched: block holds the "
            "producer up and loses nothing; drop leaves out the oldest frames, whole and before "
            "any search, and counts them. Default: drop where frames come at the pace of their own "
            "clock, as a camera's do, else block."
        ),
    ] = None
    tee: Annotated[
        Path | None, Field(description="Also record what goes out: .mp4, .mov, .mkv, .ts or .webm.")
    ] = None
    regions: Annotated[
        str | None,
        Field(
            description="Also write every covered region, one line of JSON a frame, to a file or "
            "to an open descriptor: fd:3."
        ),
    ] = None
    summary: Annotated[Path | None, Field(description="Also write the summary as JSON.")] = None
    memory: RunMemory = None
    _: KW_ONLY
    cover: Cover = LIVE_COVER

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.source == "raw" and self.layout.size is None:
            raise refusal("from", "raw frames do not say how large they are; add --size 1280x720")
        if self.encode.audio != "drop":
            raise refusal("audio", "a pipe carries no sound")
        for key in ("tee", "summary"):
            if str(getattr(self, key)) == "-":
                raise refusal(key, "standard output carries the video; name a file")
        if self.regions == "-":
            raise refusal(
                "regions",
                "standard output carries the video; name a file, or a descriptor: fd:3",
            )
        if self.regions is not None and self.regions.startswith("fd:"):
            self.regions_descriptor()

    @property
    def read_options(self) -> ReadOptions:
        """All that was asked for of how the stream is read."""
        rate = None if self.layout.rate is None else self.layout.frequency
        return ReadOptions(self.mounting, self.reading.track, self.reading.keep_start, rate)

    def regions_descriptor(self) -> int | None:
        """Return the descriptor that ``regions`` names, ``None`` where it names a file."""
        if self.regions is None or not self.regions.startswith("fd:"):
            return None
        number = self.regions.removeprefix("fd:")
        if not number.isdecimal() or int(number) < 2:
            raise refusal("regions", f"{self.regions} is no descriptor of yours; use fd:3 or so")
        return int(number)


def is_stream(path: Path | Address) -> bool:
    """Return whether a path is read and written as it comes: ``-``, a FIFO or a device."""
    if isinstance(path, Address):
        return False
    if str(path) == "-":
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
