"""The settings of redacting a tree of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from blurcam.settings.amounts import Seconds
from blurcam.settings.declaration import declared, refusal
from blurcam.settings.redaction import RecordingRedaction


@declared()
class Batch(RecordingRedaction):
    """How a tree of recordings is redacted, whatever is in it."""

    out: Annotated[Path, Field(description="Root of the redacted tree; made if need be.")]
    job: Annotated[
        Path | None,
        Field(
            description="Folder of the ledger, on a disk of this machine. Default: .blurcam in "
            "--out."
        ),
    ] = None
    name: Annotated[
        str,
        Field(
            description="Name of a redacted recording, made from {stem}, {suffix} (the input's) "
            "and {ext} (the output's)."
        ),
    ] = "{stem}{ext}"
    jobs: Annotated[
        int | None,
        Field(
            ge=1,
            le=4096,
            description="Workers at once. Default: one for each core, as far as memory allows.",
        ),
    ] = None
    memory: Annotated[
        float | None,
        Field(
            ge=0.1,
            le=4096,
            description="Gigabytes that a worker may take before it is ended. Default: its share "
            "of 90 %.",
        ),
    ] = None
    stall: Annotated[
        Seconds,
        Field(ge=1, le=86400, description="Seconds without a sign after which a worker is ended."),
    ] = 600.0
    span: Annotated[
        Seconds,
        Field(
            ge=0,
            le=86400,
            description="Cut longer recordings into spans of this many seconds, for several "
            "workers; 0: never.",
        ),
    ] = 600.0
    verify: Annotated[
        bool,
        Field(description="Verify each output before it gets its name, as blurcam verify does."),
    ] = False
    retry_failed: Annotated[bool, Field(description="Also try again what failed before.")] = False

    def __post_init__(self) -> None:
        """Put the ledger below the output where nothing else was said."""
        object.__setattr__(self, "job", self.job or self.out / ".blurcam")
        if 0 < self.span < 2:
            raise refusal("span", f"{self.span:g} is not between 2 and 86400, nor 0")
