"""A frame's regions as one line of JSON, and back."""

from __future__ import annotations

import json
from typing import Any

from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region, Shape


def frame_line(frame: Frame, coverage: Coverage) -> str:
    """Return a frame's regions as one line of JSON, without its end."""
    line: dict[str, Any] = {
        "seq": frame.seq,
        "pts": frame.pts,
        "time": round(float(frame.time), 6),
        "made": len(coverage.regions),
        "regions": [region_values(i, region) for i, region in enumerate(coverage.regions)],
    }
    if coverage.reason is not None:
        line["reason"] = coverage.reason.value
    return json.dumps(line)


def region_values(number: int, region: Region) -> dict[str, Any]:
    """Return a region for JSON; ``number`` is its id among those of its frame."""
    out: dict[str, Any] = {
        "id": number,
        "x0": region.box.x0,
        "y0": region.box.y0,
        "x1": region.box.x1,
        "y1": region.box.y1,
        "basis": region.basis.value,
        "track": region.track,
        "confidence": None if region.confidence is None else round(region.confidence, 4),
        "shape": region.shape.value,
    }
    if region.points:
        out["points"] = region.points
    return out


def coverage_of_line(line: dict[str, Any], margin: float) -> tuple[Coverage, int]:
    """Return the coverage of a line, and how many of its regions blurcam had made."""
    given = line.get("regions", ())
    faces = tuple(_face_in(each, margin) for each in line.get("boxes", ()))
    if "regions" not in line and "boxes" not in line:
        raise KeyError("regions")
    regions = (*(_region_in(each) for each in given), *faces)
    kept = len({each["id"] for each in given if isinstance(each.get("id"), int)})
    is_whole = any(region.shape is Shape.WHOLE for region in regions)
    reason = Reason(line.get("reason", Reason.ASKED)) if is_whole else None
    return Coverage(int(line["seq"] if "seq" in line else line["frame"]), regions, reason), kept


def _face_in(box: Any, margin: float) -> Region:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"{[x0, y0, x1, y1]} is no box; write [left, top, right, bottom]")
    return Region(Box.around(x0, y0, x1, y1).grown(margin), Basis.DETECTED)


def _region_in(each: dict[str, Any]) -> Region:
    shape = Shape(each.get("shape", Shape.ELLIPSE))
    track, confidence = each.get("track"), each.get("confidence")
    return Region(
        box=Box(int(each["x0"]), int(each["y0"]), int(each["x1"]), int(each["y1"])),
        basis=Basis(each.get("basis", Basis.DETECTED)),
        track=None if track is None else int(track),
        confidence=None if confidence is None else float(confidence),
        shape=shape,
        points=tuple((int(x), int(y)) for x, y in each.get("points", ())),
    )
