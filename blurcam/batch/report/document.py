"""What a report says of a job, as values: gathered from the ledger, the most urgent first."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from blurcam import __version__
from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.batch.events import tally_of
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_names import shown
from blurcam.batch.report.hash_chain import chained, sealed
from blurcam.batch.report.page import page
from blurcam.errors import ConfigError, SinkWriteError
from blurcam.runtime.files import write_file
from blurcam.settings.redaction import COSMETIC

FORMAT: Final = 1
_COLUMNS: Final = (
    "state", "verdict", "frames", "covered_whole", "lost", "tracks", "duration_s", "wall_s",
    "exposure_s", "attempts", "input_sha256", "output_sha256", "error",
)  # fmt: skip
# Time lines are drawn with so many steps at most.
_STEPS: Final = 120
# Small pictures are shown of so many recordings, the most urgent ones.
_PICTURED: Final = 200


def write_report(ledger: Ledger, out: Path, key: Path | None = None) -> Path:
    """Write ``report.json`` and ``report.html`` into the output folder; return the page's path.

    Raises ConfigError where files of these names are somebody else's, or the key is no key.
    """
    _refuse_strangers(out)
    document = document_of(ledger)
    pictures = _pictures(ledger, document["files"])
    html = page(document, pictures).encode()
    text = json.dumps(sealed(document, html, key), indent=1)
    for name, content in (("report.html", html), ("report.json", text.encode())):
        try:
            write_file(out / name, content)
        except OSError as exc:
            raise SinkWriteError(f"{out}: the report cannot be written: {exc.strerror}") from exc
    return out / "report.html"


def _refuse_strangers(out: Path) -> None:
    there, page_path = out / "report.json", out / "report.html"
    if not there.exists() and not page_path.exists():
        return
    try:
        is_ours = json.loads(there.read_text(encoding="utf-8"))["header"]["by"] == "blurcam"
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise ConfigError(
            f"{out}: holds a report.json or report.html that blurcam did not write; move it away"
        )


def document_of(ledger: Ledger) -> dict[str, Any]:
    """Return all that a report says, with the chain of hashes."""
    rows = sorted(ledger.rows(), key=lambda row: (urgency(row), shown(row.output)))
    settings = json.loads(ledger.noted("settings") or "{}")
    header = {
        "by": "blurcam",
        "format": FORMAT,
        "version": __version__,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "out": shown(ledger.noted("out") or ""),
        "settings": settings,
        "is_cosmetic": settings.get("effect") in COSMETIC,
        "tally": asdict(tally_of(rows)),
        "frames": sum(row.frames or 0 for row in rows),
        "hours": round(sum(row.duration_s or 0 for row in rows) / 3600, 3),
    }
    return chained(header, [_entry(row, ledger) for row in rows])


def urgency(row: RecordingRow) -> int:
    """Return how soon a recording should be looked at: 0 first."""
    if row.state == "failed":
        return 0
    if row.state != "done":
        return 3
    if row.verdict == "review":
        return 1
    return 2 if not row.complete else 4


def _entry(row: RecordingRow, ledger: Ledger) -> dict[str, Any]:
    details = ledger.details(row.id)
    entry: dict[str, Any] = {"source": shown(row.source), "output": shown(row.output)}
    if os.fspath(row.output) != entry["output"]:
        # What is shown of an odd name is not the name, which `report check --files` wants.
        entry["output_base64"] = base64.b64encode(os.fsencode(row.output)).decode()
    entry |= {name: getattr(row, name) for name in _COLUMNS}
    if row.error:
        entry["error"] = shown(row.error)
    entry["look"] = list(_reasons(row, details))
    if details["summary"]:
        summary = details["summary"]
        entry["detector"] = summary["detector"]
        entry["threshold"] = summary["threshold"]
        entry["smallest_face"] = summary["smallest_face"]
        entry["covered_whole_reasons"] = summary["covered_whole_reasons"]
    if details["timeline"]:
        timeline = CoverageBySecond.from_values(details["timeline"])
        entry["timeline"] = steps_of(timeline)
        minutes = max(len(timeline.seconds), 1) / 60
        entry["faces_per_minute"] = round((row.tracks or 0) / minutes, 2)
    if details["verification"]:
        kept = ("detector", "sees_from", "planted", "planted_found", "sampled", "seen", "doubts")
        entry["verification"] = {name: details["verification"][name] for name in kept}
    return entry


def _reasons(row: RecordingRow, details: dict[str, Any]) -> Iterator[str]:
    """Yield why somebody should look at a recording."""
    if row.state == "failed":
        yield f"failed: {shown(row.error or '')}"
    if row.lost:
        yield f"{row.lost} frames lost"
    summary = details["summary"] or {}
    if summary.get("fault"):
        yield f"cut short: {shown(summary['fault'])}"
    for reason, count in summary.get("covered_whole_reasons", {}).items():
        yield f"{count} frames covered whole: {reason}"
    if row.state == "done" and row.verdict == "review":
        verification = details["verification"] or {}
        if verification.get("seen_count"):
            yield f"the verifier sees {verification['seen_count']} things like faces"
        yield from verification.get("doubts", ())


def steps_of(timeline: CoverageBySecond, most: int = _STEPS) -> dict[str, Any]:
    """Return a time line in few steps: from when, how long each is, faces and grey frames."""
    if not timeline.seconds:
        return {"start": 0, "step": 1, "faces": [], "whole": []}
    start, end = min(timeline.seconds), max(timeline.seconds) + 1
    step = max(1, -(-(end - start) // most))
    count = -(-(end - start) // step)
    faces, whole = [0] * count, [0] * count
    for second, at in timeline.seconds.items():
        index = (second - start) // step
        faces[index] = max(faces[index], at.faces)
        whole[index] += at.whole
    return {"start": start, "step": step, "faces": faces, "whole": whole}


def _pictures(
    ledger: Ledger, files: Iterable[dict[str, Any]]
) -> dict[str, list[tuple[float, str, bytes]]]:
    """Return the small pictures of the most urgent recordings, by output."""
    by_output = {shown(row.output): row.id for row in ledger.in_state("done")}
    chosen = [each["output"] for each in files if each["output"] in by_output][:_PICTURED]
    return {output: ledger.thumbnails(by_output[output]) for output in chosen}
