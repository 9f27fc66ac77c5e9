"""A bench's results as Markdown: tables of ratios, with the machine that gave them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.contenders import DECODE, TRANSCODE
from benchmarks.races import Result, middle, ratio


def markdown(results: dict[str, Any]) -> str:
    """Return the whole report; what was not measured is left out."""
    return "\n".join(_report(results)) + "\n"


def _report(results: dict[str, Any]) -> Iterator[str]:
    yield "# What blurcam costs"
    yield ""
    yield f"Machine: {results['machine_text']}  "
    yield "Versions: " + ", ".join(f"{k} {v}" for k, v in results["versions"].items()) + "  "
    yield (
        f"Medians of {results['runs']} alternating runs, as ratios to the bare transcode (x264, "
        "blurcam's preset, CRF and number of threads) unless a unit is given. Again: "
        f"`{results['command']}`"
    )
    start_up = results.get("start_up")
    if start_up:
        yield from _start_up(start_up)
    for name, result in results.get("side_by_side", {}).items():
        yield from _race(name, result, start_up)
    if results.get("stages"):
        yield from _stages(results["stages"])
    for key, title in (
        ("by_resolution", "By resolution (the moving street, 10 s; last, one person)"),
        ("by_faces", "By number of faces (1080p, drawn)"),
        ("by_length", "By length (the moving street, 1080p)"),
    ):
        if results.get(key):
            yield from _series(title, results[key])
    if results.get("settings"):
        yield from _settings(results["settings"])
    if results.get("archive"):
        yield from _archive(results["archive"])


def _archive(found: dict[str, Any]) -> Iterator[str]:
    yield from (
        "",
        "## The archive",
        "",
        f"The ledger takes {found['ledger']['wall_ms']} ms a file.",
    )
    parts = (("workers", "Workers"), ("costs", "An hour of footage"), ("plan", "Cameras"))
    for key, title in parts:
        yield from ("", f"| {title} | |", "|---|---|")
        for name, each in found[key].items():
            values = each if isinstance(each, dict) else {"": each}
            yield _row(str(name), ", ".join(f"{k} {v}".strip() for k, v in values.items()))


def _start_up(start_up: Result) -> Iterator[str]:
    yield from ("", "## Start-up: one frame", "", "| | wall s | CPU s | MB |", "|---|---|---|---|")
    for name in start_up["contenders"]:
        cells = [middle(start_up, name, key) for key in ("wall", "cpu", "memory")]
        yield _row(name, _number(cells[0], 2), _number(cells[1], 2), _number(cells[2], 0))


def _race(name: str, result: Result, start_up: Result | None) -> Iterator[str]:
    wide, high = result["size"]
    yield ""
    yield f"## {name}: {wide}×{high}, {result['frames']} frames, {result['seconds']:.1f} s"
    yield ""
    yield (
        "| | frames/s | wall | wall, start-up apart | CPU | CPU ms per second of video above the "
        "transcode's | MB | output, MB |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    base_cpu = middle(result, TRANSCODE, "cpu") or 0.0
    for contender in result["contenders"]:
        wall, cpu = middle(result, contender, "wall"), middle(result, contender, "cpu")
        over = None
        if cpu is not None and contender not in (TRANSCODE, DECODE):
            over = 1000 * (cpu - base_cpu) / result["seconds"]
        size = middle(result, contender, "bytes")
        yield _row(
            contender,
            _number(result["frames"] / wall if wall else None, 1),
            _number(ratio(result, contender, "wall"), 2),
            _number(ratio(result, contender, "wall", start_up), 2),
            _number(ratio(result, contender, "cpu"), 2),
            _number(over, 0),
            _number(middle(result, contender, "memory"), 0),
            _number(size / 1e6 if size else None, 2),
        )
    yield from (f"\n{who} failed: {why}" for who, why in result["failed"].items())
    peers = [each for each in result["contenders"] if each.startswith("deface")]
    for contender in result["contenders"]:
        if contender.startswith("blurcam"):
            for peer in peers:
                times = ratio(result, peer, "wall", to=contender)
                yield f"\n{contender} is {_number(times, 1)} times as fast as {peer}."


def _stages(all_stages: dict[str, Any]) -> Iterator[str]:
    yield from ("", "## Where the time goes: milliseconds a frame (on CPU in its own thread)", "")
    names = list(next(iter(all_stages.values()))["seconds_per_frame"])
    yield _row("", *names, "decoded waiting", "redacted waiting")
    yield "|---" * (len(names) + 3) + "|"
    for title, result in all_stages.items():
        spent = result["seconds_per_frame"]
        cells = [
            f"{1000 * spent[name]['wall']:.2f} ({1000 * spent[name]['cpu']:.2f})"
            if name in spent
            else ""
            for name in names
        ]
        fill = result["queue_fill"]
        yield _row(title, *cells, _number(fill["decoded"], 1), _number(fill["redacted"], 1))


def _series(title: str, races: dict[str, Result]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield "| | | frames/s | wall | CPU | MB |"
    yield "|---|---|---|---|---|---|"
    for name, result in races.items():
        for contender in result["contenders"]:
            wall = middle(result, contender, "wall")
            yield _row(
                name,
                contender,
                _number(result["frames"] / wall if wall else None, 1),
                _number(ratio(result, contender, "wall"), 2),
                _number(ratio(result, contender, "cpu"), 2),
                _number(middle(result, contender, "memory"), 0),
            )


def _settings(settings: dict[str, dict[str, str]]) -> Iterator[str]:
    yield from ("", "## What x264 says it was asked for", "")
    keys = sorted({key for each in settings.values() for key in each})
    yield _row("", *keys)
    yield "|---" * (len(keys) + 1) + "|"
    for name, each in settings.items():
        yield _row(name, *(each.get(key, "") for key in keys))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def names_of(races: Sequence[Result]) -> list[str]:
    """Return the contenders of several races, each once, in order."""
    return list(dict.fromkeys(name for each in races for name in each["contenders"]))
