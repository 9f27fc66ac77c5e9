"""A bench's results as pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contenders import DECODE
from benchmarks.races import Result, middle, ratio
from benchmarks.report import names_of


def _subplots(width: int) -> Any:
    """Return a new figure and its axes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, 5))


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """Draw a picture of everything that was measured; return the files."""
    note = results["machine_text"]
    drawn: list[Path] = []
    if results.get("side_by_side"):
        drawn.append(_bars(results["side_by_side"], folder / "side-by-side.png", note))
    if results.get("stages"):
        drawn.append(_stacks(results["stages"], folder / "stages.png", note))
    series: dict[str, tuple[str, Callable[[Result, str], float | None]]] = {
        "by_resolution": ("frames a second", _rate),
        "by_faces": ("frames a second", _rate),
        "by_length": ("peak memory, MB", _memory),
    }
    for key, (label, value) in series.items():
        if results.get(key):
            path = folder / f"{key.replace('_', '-')}.png"
            drawn.append(_lines(results[key], value, label, path, note))
    return drawn


def _rate(result: Result, contender: str) -> float | None:
    wall = middle(result, contender, "wall")
    return result["frames"] / wall if wall else None


def _memory(result: Result, contender: str) -> float | None:
    return middle(result, contender, "memory")


def _bars(races: dict[str, Result], path: Path, note: str) -> Path:
    names = [name for name in names_of(list(races.values())) if name != DECODE]
    figure, axes = _subplots(10)
    wide = 0.8 / max(1, len(names))
    for number, name in enumerate(names):
        heights = [ratio(each, name, "wall") or 0.0 for each in races.values()]
        places = [at + number * wide for at in range(len(races))]
        axes.bar(places, heights, wide, label=name)
    axes.set_xticks([at + 0.4 - wide / 2 for at in range(len(races))], list(races))
    axes.set_yscale("log")
    axes.set_ylabel("wall time over the bare transcode's")
    axes.axhline(1.25, color="grey", linewidth=0.8)
    axes.legend(fontsize=8)
    return _saved(figure, path, note)


def _stacks(stages: dict[str, Any], path: Path, note: str) -> Path:
    figure, axes = _subplots(10)
    names = list(next(iter(stages.values()))["seconds_per_frame"])
    left = [0.0] * len(stages)
    for name in names:
        took = [
            1000 * each["seconds_per_frame"].get(name, {"wall": 0.0})["wall"]
            for each in stages.values()
        ]
        axes.barh(list(stages), took, left=left, label=name)
        left = [a + b for a, b in zip(left, took, strict=True)]
    axes.set_xlabel("milliseconds a frame; the threads work at the same time")
    axes.legend(fontsize=8, ncol=5)
    return _saved(figure, path, note)


def _lines(
    races: dict[str, Result],
    value: Callable[[Result, str], float | None],
    label: str,
    path: Path,
    note: str,
) -> Path:
    figure, axes = _subplots(8)
    for name in names_of(list(races.values())):
        heights = [value(each, name) for each in races.values()]
        known = [(at, h) for at, h in zip(races, heights, strict=True) if h is not None]
        axes.plot([at for at, _ in known], [h for _, h in known], marker="o", label=name)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(label)
    axes.legend(fontsize=8)
    return _saved(figure, path, note)


def _saved(figure: Any, path: Path, note: str) -> Path:
    figure.text(0.01, 0.005, note, fontsize=6, color="grey")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    figure.savefig(path, dpi=110)
    from matplotlib import pyplot as plt

    plt.close(figure)
    return path
