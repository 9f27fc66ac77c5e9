"""The table of all scenes, in Markdown and in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.scenes import ROOT
from benchmarks.scenes.rows import Mode, Row

PAGE: Final = ROOT / "docs" / "design" / "scenes.md"
_HEAD: Final = (
    "scene", "kind", "face-frames", "counted", "exposed", "seen when asked", "longest, frames",
    "exposed, every frame searched", "changed", "outside", "× every frame", "fully covered",
    "CPU s", "× every frame", "misses; notes",
)  # fmt: skip


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table, with a line for all of them."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|---" * len(_HEAD) + "|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    lines += ["| " + " | ".join(_sums(rows)) + " |"]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[Row], folder: Path, stem: str) -> Path:
    """Write both forms, and return where the Markdown is."""
    folder.mkdir(parents=True, exist_ok=True)
    values = [asdict(row) for row in rows]
    (folder / f"{stem}.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    page = folder / f"{stem}.md"
    page.write_text(markdown(rows), encoding="utf-8")
    return page


def write_page(rows: Sequence[Row], mode: Mode, how: str, page: Path = PAGE) -> None:
    """Put the table of a whole run, and how it was made, in the place of the one before."""
    text = page.read_text(encoding="utf-8")
    begins, ends = f"<!-- {mode}: written with --page -->", f"<!-- end of {mode} -->"
    before, rest = text.split(begins)
    after = rest.split(ends)[1]
    written = f"{before}{begins}\n\n{how}\n\n{markdown(rows)}\n{ends}{after}"
    page.write_text(written, encoding="utf-8")


def _cells(row: Row) -> Iterator[str]:
    faces = row.faces
    yield from (row.name, row.kind, str(faces.all), str(faces.counted))
    yield _of(faces.exposed, faces.counted)
    yield from (_bold(faces.at_fault), str(faces.longest))
    yield "–" if row.asked_exposed is None else str(row.asked_exposed)
    yield from (f"{row.changed:.1%}", f"{row.outside:.1%}")
    yield "–" if row.times_asked is None else f"{row.times_asked:.2f}"
    yield _bold(row.fully_covered)
    yield f"{row.cpu:.1f}"
    yield f"{row.cpu / row.cpu_asked:.2f}" if row.cpu_asked else "–"
    yield "; ".join((*row.misses, *([row.note] if row.note else [])))


def _sums(rows: Sequence[Row]) -> Iterator[str]:
    faces = [row.faces for row in rows]
    counted, exposed = sum(f.counted for f in faces), sum(f.exposed for f in faces)
    yield from ("**all**", "", str(sum(f.all for f in faces)), str(counted))
    yield _of(exposed, counted)
    yield _bold(sum(f.at_fault for f in faces))
    yield str(max((f.longest for f in faces), default=0))
    yield str(sum(row.asked_exposed or 0 for row in rows))
    yield f"{_mean([row.changed for row in rows]):.1%}"
    yield f"{_mean([row.outside for row in rows]):.1%}"
    yield f"{_mean([row.times_asked for row in rows if row.times_asked is not None]):.2f}"
    yield _bold(sum(row.fully_covered for row in rows))
    yield f"{sum(row.cpu for row in rows):.0f}"
    yield f"{_mean([row.cpu / row.cpu_asked for row in rows if row.cpu_asked]):.2f}"
    yield f"{sum(bool(row.misses) for row in rows)} of {len(rows)} rows"


def _of(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.1%})" if part else "0"


def _bold(number: int) -> str:
    return f"**{number}**" if number else "0"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
