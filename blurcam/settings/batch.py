"""The settings of redacting a tree of recordings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from blurcam.settings.redaction import (
    Cover,
    Detect,
    EffectName,
    Encode,
    check_between,
    check_choice,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """How a tree of recordings is redacted, whatever is in it.

    ``out`` is the root of the redacted tree; ``job`` the folder of the ledger, ``None`` for
    ``out/.blurcam``. ``name`` makes a recording's new name from ``{stem}``, ``{suffix}`` and
    ``{ext}``. ``jobs`` processes work at once, ``None`` for what suits cores and memory; each may
    take ``memory`` gigabytes, and is ended when it gives no sign for ``stall`` seconds. Recordings
    are cut into spans of about ``span`` seconds; 0 cuts none.
    """

    out: Path
    job: Path | None = None
    name: str = "{stem}{ext}"
    jobs: int | None = None
    memory: float | None = None
    stall: float = 600.0
    span: float = 600.0
    verify: bool = False
    retry_failed: bool = False
    effect: EffectName = "blur"
    detect: Detect = field(default_factory=Detect)
    cover: Cover = field(default_factory=Cover)
    encode: Encode = field(default_factory=Encode)

    def __post_init__(self) -> None:
        """Take strings for paths, and refuse what makes no sense, naming the key."""
        object.__setattr__(self, "out", Path(self.out))
        object.__setattr__(self, "job", Path(self.job or self.out / ".blurcam"))
        check_choice("effect", self.effect, EffectName)
        if self.jobs is not None:
            check_between("jobs", self.jobs, 1, 4096)
        if self.memory is not None:
            check_between("memory", self.memory, 0.1, 4096)
        check_between("stall", self.stall, 1, 86400)
        if self.span != 0:
            check_between("span", self.span, 2, 86400)
