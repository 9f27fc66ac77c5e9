"""The settings of redacting one recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from blurcam.errors import ConfigError
from blurcam.settings.redaction import (
    Cover,
    Detect,
    EffectName,
    Encode,
    check_choice,
)


@dataclass(frozen=True, slots=True)
class Config:
    """All there is to say about redacting one recording.

    ``regions`` and ``summary`` are files to write beside the video. ``render_from`` is a regions
    file to draw from instead of detecting. ``profile_stages`` adds to the summary
    what each stage took.
    """

    input: Path
    output: Path
    effect: EffectName = "blur"
    detect: Detect = field(default_factory=Detect)
    cover: Cover = field(default_factory=Cover)
    encode: Encode = field(default_factory=Encode)
    regions: Path | None = None
    summary: Path | None = None
    render_from: Path | None = None
    profile_stages: bool = False

    def __post_init__(self) -> None:
        """Take strings for paths, and refuse what makes no sense, naming the key."""
        for key in ("input", "output", "regions", "summary", "render_from"):
            value = getattr(self, key)
            if value is not None:
                object.__setattr__(self, key, Path(value))
        check_choice("effect", self.effect, EffectName)
        written = [p for p in (self.output, self.regions, self.summary) if p is not None]
        if len({path.absolute() for path in written}) < len(written):
            raise ConfigError(f"{self.output}: video, regions and summary need files of their own")
