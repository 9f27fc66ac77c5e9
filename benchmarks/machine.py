"""Which machine gave the numbers, and whether it had anything else to do."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

# What inference runs at: half the time with bf16, twice with AVX2 alone.
_SETS: Final = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as it was when measuring began."""

    cpu: str
    cores: int
    instruction_sets: tuple[str, ...]
    memory_mb: int
    system: str
    load: float

    @property
    def is_quiet(self) -> bool:
        """Whether hardly anything else was running."""
        return self.load < 0.3

    def values(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)

    def __str__(self) -> str:
        sets = ", ".join(self.instruction_sets) or "no vector extensions known"
        noise = "quiet" if self.is_quiet else "NOT QUIET: take times with salt, ratios too"
        return (
            f"{self.cpu}, {self.cores} cores ({sets}), {self.memory_mb / 1024:.0f} GB, "
            f"{self.system}; load {self.load:.2f}, {noise}"
        )


def this_machine() -> Machine:
    """Return the machine that this runs on."""
    said = _text("/proc/cpuinfo")
    flags = set(re.findall(r"\w+", _field(said, "flags") or _field(said, "Features")))
    memory = int((_field(_text("/proc/meminfo"), "MemTotal") or "0 kB").split()[0])
    return Machine(
        cpu=_field(said, "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        instruction_sets=tuple(name for name in _SETS if name in flags),
        memory_mb=memory // 1024,
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        load=round(os.getloadavg()[0], 2),
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", text, re.M)
    return found.group(1).strip() if found else ""
