"""The report as one page that needs nothing else: light, dark, and printed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import quote_from_bytes

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from blurcam.batch.review_reasons import Moment, clock

Pictures = dict[str, list[tuple[float, str, bytes]]]


def page(document: dict[str, Any], pictures: Pictures) -> str:
    """Return the page. Every picture in it is of a redacted recording."""
    environment = Environment(
        autoescape=True, loader=FunctionLoader(_source), undefined=StrictUndefined
    )
    filters: dict[str, Callable[[Any], object]] = {
        "base64": lambda content: base64.b64encode(content).decode(),
        "clock": clock,
        "drawing": _drawing,
        "kind": lambda entry: _mark(entry)[0],
        "tag": lambda entry: _mark(entry)[1],
    }
    environment.filters |= filters
    header = document["header"]
    entries = [
        _with_links(entry, pictures.get(entry["output"], []), number)
        for number, entry in enumerate(document["files"], 1)
    ]
    return environment.get_template("report.html").render(
        document | {"files": entries},
        settings=list(_settings(header["settings"])),
        style=Markup(_source("report.css")),
        tiles=list(_tiles(header)),
    )


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _with_links(
    entry: dict[str, Any], pictures: list[tuple[float, str, bytes]], number: int
) -> dict[str, Any]:
    """Return an entry for the template: its moments lead to the recording and to their pictures."""
    shots = [
        {"id": f"shot-{number}-{n}", "time": time, "why": why, "jpeg": jpeg,
         "link": _link(entry, time), "is_found": False}
        for n, (time, why, jpeg) in enumerate(pictures, 1)
    ]  # fmt: skip
    by_title = {(shot["time"], shot["why"]): shot for shot in shots}

    def linked(moment: dict[str, Any]) -> dict[str, Any]:
        shot = by_title.get((moment["time"], Moment.from_values(moment).title))
        if shot is not None:
            shot["is_found"] = True
        told = {"link": _link(entry, moment["time"]), "shot": shot and shot["id"]}
        return moment | told

    reasons = [
        each | {"moments": [linked(moment) for moment in each["moments"]]}
        for each in entry["reasons"]
    ]
    doubts = [linked(moment) for moment in entry.get("doubts", [])]
    return entry | {"reasons": reasons, "doubts": doubts, "shots": shots}


def _link(entry: dict[str, Any], time: float) -> str | None:
    """Return where the output lies, from the page, at a time; players of browsers begin there."""
    if entry["state"] != "done":
        return None
    coded = entry.get("output_base64")
    name = os.fsencode(entry["output"]) if coded is None else base64.b64decode(coded)
    return f"./{quote_from_bytes(name)}#t={time:.3f}"


def _tiles(header: dict[str, Any]) -> Iterator[tuple[object, str, str]]:
    counts = header["counts"]
    yield counts["files"], "recordings", ""
    yield counts["done"], "done", "good"
    yield counts["review"], "to look at", "look" if counts["review"] else ""
    yield counts["failed"], "failed", "bad" if counts["failed"] else ""
    yield f"{header['hours']:.1f}", "hours of video", ""
    yield f"{header['frames']:,}", "frames", ""
    if counts["left"]:
        yield counts["left"], "not done yet", "look"


def _mark(entry: dict[str, Any]) -> tuple[str, str]:
    """Return a recording's colour, as a class of the style sheet, and its tag."""
    if entry["state"] == "failed":
        return "bad", "failed"
    if entry["state"] != "done":
        return "look", "not done yet"
    return ("look" if entry["reasons"] else "good"), entry["verdict"] or "done"


def _drawing(timeline: dict[str, Any]) -> dict[str, Any]:
    """Return paths: the most faces on a frame by time, and fully covered frames behind them."""
    faces, whole = timeline["faces"], timeline["whole"]
    most = max(*faces, 1)
    heights = [18 * n / most for n in faces]
    bars = (f"M{i} 20v-{height:.1f}h.9v{height:.1f}z" for i, height in enumerate(heights) if height)
    return {
        "count": len(faces),
        "most": max(faces),
        "whole": sum(whole),
        "bars": "".join(bars),
        "greys": "".join(f"M{i} 20v-20h1v20z" for i, n in enumerate(whole) if n),
        "start": timeline["start"],
        "end": timeline["start"] + len(faces) * timeline["step"],
    }


def _settings(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for group, values in settings.items():
        for name, value in values.items() if isinstance(values, dict) else [("", values)]:
            yield f"{group} {name}".strip(), str(value)
