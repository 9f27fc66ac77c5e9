"""What a report says of a job, as values: gathered from the ledger, the most urgent first."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from blurcam import __version__
from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.batch.events import counts_of
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import OutputFolder
from blurcam.batch.output_names import shown
from blurcam.batch.report.contents import FORMAT
from blurcam.batch.report.hash_chain import chained, sealed
from blurcam.batch.report.page import page
from blurcam.batch.review_reasons import as_values, doubts_of, reasons_of
from blurcam.errors import ConfigError
from blurcam.settings.redaction import COSMETIC

PAGE, DOCUMENT = "report.html", "report.json"
_COLUMNS: Final = (
    "state", "verdict", "frames", "covered_whole", "lost", "tracks", "duration_s", "wall_s",
    "exposure_s", "attempts", "error",
)  # fmt: skip
_FROM_SUMMARY: Final = ("detector", "threshold", "smallest_face", "covered_whole_reasons")
_FROM_VERIFICATION: Final = ("detector", "sees_from", "planted", "planted_found", "sampled")
# Time lines are drawn with so many steps at most.
_STEPS: Final = 120
# Small pictures are shown of so many recordings, the most urgent ones.
_PICTURED: Final = 200


def write_report(ledger: Ledger, output: OutputFolder, key: Path | None = None) -> Path:
    """Write ``report.json`` and ``report.html`` into the output folder; return the page's path.

    Raises ConfigError where files of these names are somebody else's, or the key is no key, and
    SinkWriteError where they cannot be written; then those that were there stay.
    """
    _refuse_strangers(output)
    document = document_of(ledger)
    pictures = _pictures(ledger, document["files"])
    html = page(document, pictures).encode()
    text = json.dumps(sealed(document, html, key), indent=1)
    # The one that says whose they are gets its name first: whenever it ends, they are blurcam's.
    output.replace({DOCUMENT: text.encode(), PAGE: html})
    return output.root / PAGE


def _refuse_strangers(output: OutputFolder) -> None:
    if not output.has(DOCUMENT) and not output.has(PAGE):
        return
    try:
        is_ours = json.loads(output.read(DOCUMENT))["header"]["by"] == "blurcam"
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise ConfigError(
            f"{output.root}: holds a {DOCUMENT} or {PAGE} that blurcam did not write; move it away"
        )


def document_of(ledger: Ledger) -> dict[str, Any]:
    """Return all that a report says, with the chain of hashes."""
    rows = sorted(ledger.rows(), key=lambda row: (urgency(row), shown(row.output)))
    settings = json.loads(ledger.noted("settings") or "{}")
    header = {
        "by": "blurcam",
        "format": FORMAT,
        "version": __version__,
        "job": ledger.job(),
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "out": shown(ledger.noted("out") or ""),
        "settings": settings,
        "is_cosmetic": settings.get("effect") in COSMETIC,
        "counts": asdict(counts_of(rows)),
        "frames": sum(row.frames or 0 for row in rows if row.state == "done"),
        "hours": round(sum(row.duration_s or 0 for row in rows if row.state == "done") / 3600, 3),
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
    entry["hashes"] = _hashes(row)
    entry["reasons"] = as_values(reasons_of(row, details))
    if steps := ledger.review_steps(row.id):
        entry["review"] = as_values(steps)
    if row.state != "done":
        return entry  # what the ledger still knows is of an earlier redaction
    entry["doubts"] = as_values(doubts_of(details))
    entry["doubts_count"] = (details["summary"] or {}).get("doubtful_count", 0)
    if details["summary"]:
        entry |= {name: details["summary"].get(name) for name in _FROM_SUMMARY}
    if details["timeline"]:
        timeline = CoverageBySecond.from_values(details["timeline"])
        entry["timeline"] = steps_of(timeline)
        minutes = max(len(timeline.seconds), 1) / 60
        entry["faces_per_minute"] = round((row.tracks or 0) / minutes, 2)
    if details["verification"]:
        found = details["verification"]
        entry["verification"] = {name: found[name] for name in _FROM_VERIFICATION}
    return entry


def _hashes(row: RecordingRow) -> list[dict[str, str]]:
    """Return each SHA-256 with what it is of."""
    found: list[tuple[str, str | None]] = []
    if row.state == "done":
        found.append(("output", row.output_sha256))
        found.append(("input", row.input_sha256))
    else:
        found.append(("earlier output", row.replaces))
    return [{"of": what, "sha256": digest} for what, digest in found if digest]


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
