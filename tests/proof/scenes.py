"""The scenes of ``make prove``: every one as a file and as a camera, and as a file with a break."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from benchmarks.scenes.catalogue import SCENES
from benchmarks.scenes.filemode import How
from benchmarks.scenes.rows import Mode, Row
from benchmarks.scenes.suite import rows

BREAK = "a cover on every eighth frame only"
BROKEN = How(command=(sys.executable, "-m", "tests.support.broken_loop"), asks=False)


def proved(wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Yield a row for each scene and mode whose name, such as ``live: night``, is wanted."""
    for mode in ("file", "live"):
        yield from _mode(mode, wanted)


def _mode(mode: Mode, wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    scenes = [
        scene
        for scene in SCENES.values()
        if (mode == "file" or scene.is_live) and wanted(f"{mode}: {scene.name}")
    ]
    jobs = 1 if mode == "live" else os.cpu_count() or 1
    # A camera is not played twice for its break: the judge is the same.
    broken = rows(scenes, mode, BROKEN, jobs) if mode == "file" else iter([None] * len(scenes))
    for row, lost in zip(rows(scenes, mode, How(), jobs), broken, strict=True):
        yield _values(row, lost)


def _values(row: Row, lost: Row | None) -> dict[str, Any]:
    values = asdict(replace(row, misses=()))
    noticed = lost is None or any("exposed" in miss for miss in lost.misses)
    return values | {"scene": row.name, "unsafe": list(row.misses), "noticed": noticed}
