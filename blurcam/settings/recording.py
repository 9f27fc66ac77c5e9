"""The settings of redacting one recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from blurcam.errors import ConfigError
from blurcam.settings.addresses import Address, Place
from blurcam.settings.declaration import declared, refusal
from blurcam.settings.reading import RunMemory
from blurcam.settings.redaction import RecordingRedaction


@declared()
class Config(RecordingRedaction):
    """One recording to redact: where from, where to, and how."""

    input: Annotated[
        Place,
        Field(
            description="Recording to read: anything that FFmpeg reads; a file, or http://… of one "
            "that ends."
        ),
    ]
    output: Annotated[
        Path, Field(description="Video to write: .mp4, .mov, .mkv, .ts (H.264) or .webm (AV1).")
    ]
    regions: Annotated[
        Path | None,
        Field(description="Also write every covered region, one line of JSON a frame; see render."),
    ] = None
    summary: Annotated[Path | None, Field(description="Also write the summary as JSON.")] = None
    render_from: Annotated[
        Path | None, Field(description="Regions file to draw from, in place of any search.")
    ] = None
    memory: RunMemory = None
    profile_stages: Annotated[
        bool,
        Field(
            description="Also say what each stage took, in milliseconds a frame; in --summary too."
        ),
    ] = False

    def __post_init__(self) -> None:
        """Refuse one file for two purposes."""
        written = [p for p in (self.output, self.regions, self.summary) if p is not None]
        if len({path.absolute() for path in written}) < len(written):
            raise refusal(str(self.output), "video, regions and summary need files of their own")

    @property
    def input_file(self) -> Path:
        """The input as a file of this machine; raises ConfigError where it is not one."""
        if isinstance(self.input, Address):
            raise ConfigError(f"{self.input}: is not a file of this machine; fetch it first")
        return self.input
