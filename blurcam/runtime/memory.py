"""How much memory this process may take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

GIGABYTE: Final = 1 << 30
# Where nothing is known.
_USUAL: Final = 4 * GIGABYTE
_MEMINFO: Final = Path("/proc/meminfo")
_GROUP: Final = Path("/proc/self/cgroup")
_GROUPS: Final = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Return what can be had without swapping, and without leaving the limits of a container."""
    known = [each for each in (_of_machine(), _of_group()) if each is not None]
    return min(known, default=_USUAL)


def _of_machine() -> int | None:
    with suppress(OSError, ValueError):  # not Linux
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_group() -> int | None:
    """Return what the control group (version 2) leaves, ``None`` where there is no limit."""
    with suppress(OSError, ValueError):
        for line in _GROUP.read_text(encoding="ascii").splitlines():
            if line.startswith("0::"):
                folder = _GROUPS / line[3:].strip().lstrip("/")
                for place in (folder, *folder.parents):
                    limit = place / "memory.max"
                    if limit.exists() and (text := limit.read_text().strip()) != "max":
                        taken = int((place / "memory.current").read_text())
                        return max(0, int(text) - taken)
                    if place == _GROUPS:
                        break
    return None
