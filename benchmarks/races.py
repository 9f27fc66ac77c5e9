"""Races: contenders take turns on a clip; and what the turns say together."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contenders import TRANSCODE, Contender
from benchmarks.footage import Clip
from benchmarks.processes import Failed, spend

Result = dict[str, Any]
"""A race as JSON takes it: the clip, and for each contender a list of what each turn cost."""


def race(clip: Clip, contenders: Sequence[Contender], runs: int) -> Result:
    """Let each contender have ``runs`` turns on the clip, in alternating order.

    A contender that fails is out, and the reason is kept.
    """
    result: Result = {
        "frames": clip.frames,
        "seconds": round(clip.seconds, 3),
        "size": list(clip.size),
        "contenders": {},
        "failed": {},
    }
    with tempfile.TemporaryDirectory(prefix="blurcam-bench-") as folder:
        for turn in range(runs):
            order = contenders if turn % 2 == 0 else list(reversed(contenders))
            for each in order:
                if each.name not in result["failed"]:
                    _turn(each, clip, Path(folder), result)
    return result


def _turn(contender: Contender, clip: Clip, folder: Path, result: Result) -> None:
    target = folder / "out.mp4"
    target.unlink(missing_ok=True)
    try:
        spent = spend(contender.command(clip.path, target), log=folder / "log")
    except Failed as exc:
        result["failed"][contender.name] = str(exc)
        result["contenders"].pop(contender.name, None)
        print(f"  {clip.name}: {contender.name}: {exc}", flush=True)
        return
    turns = result["contenders"].setdefault(contender.name, [])
    size = target.stat().st_size if target.exists() else 0
    turns.append({key: round(value, 4) for key, value in asdict(spent).items()} | {"bytes": size})
    print(
        f"  {clip.name}: {contender.name}: {spent.wall:.2f} s, {spent.cpu:.2f} s of CPU, "
        f"{spent.memory:.0f} MB",
        flush=True,
    )


def middle(result: Result, contender: str, key: str) -> float | None:
    """Return the median over a contender's turns, ``None`` where it took none."""
    turns = result["contenders"].get(contender)
    return median(turn[key] for turn in turns) if turns else None


def ratio(
    result: Result, contender: str, key: str, start_up: Result | None = None, to: str = TRANSCODE
) -> float | None:
    """Return the median over rounds of a contender's cost over that of the bare transcode.

    With ``start_up``, a race on one frame, what starting costs is taken off both.
    """
    own, base = (result["contenders"].get(name) for name in (contender, to))
    if not own or not base:
        return None
    off, base_off = 0.0, 0.0
    if start_up is not None:
        off, base_off = (middle(start_up, name, key) or 0.0 for name in (contender, to))
    pairs = zip(own, base, strict=False)
    ratios = [(a[key] - off) / (b[key] - base_off) for a, b in pairs if b[key] > base_off]
    return median(ratios) if ratios else None


def stages(clip: Clip, profile: str) -> Result | None:
    """Return blurcam's own account of what each stage took on a clip."""
    from benchmarks.contenders import blurcam

    with tempfile.TemporaryDirectory(prefix="blurcam-bench-") as folder:
        summary = Path(folder) / "summary.json"
        timed = blurcam(profile, "--profile-stages", "--summary", str(summary))
        try:
            spend(timed.command(clip.path, Path(folder) / "out.mp4"), log=Path(folder) / "log")
        except Failed as exc:
            print(f"  {clip.name}: {exc}", flush=True)
            return None
        said: Result = json.loads(summary.read_text(encoding="utf-8"))
    return {"wall_s": said["wall_s"], "frames": said["frames_in"], **said["stages"]}
