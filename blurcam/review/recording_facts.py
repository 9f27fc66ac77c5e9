"""What the page is told of a recording, as values for JSON."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import Any, Final

from blurcam.batch.review_reasons import as_values
from blurcam.review.edits import ReviewedFinding
from blurcam.review.judging import is_accepted
from blurcam.review.region_index import RegionIndex
from blurcam.review.review_queue import ReviewItem
from blurcam.review.reviewed_recording import ReviewedRecording

# The cover is drawn in so many steps at most.
_STEPS: Final = 2000
# A step of time so many times as long as usual is a cut.
_CUT: Final = 3.0


def queue_entry(item: ReviewItem, edits: Any) -> dict[str, Any]:
    """Return one recording of the queue; ``edits`` are those that are saved, or ``None``."""
    open_findings = [
        each for each in item.findings if edits is None or not is_accepted(each, edits)
    ]
    return {
        "number": item.number,
        "name": item.name,
        "state": item.state,
        "verdict": item.verdict,
        "reasons": as_values(item.reasons),
        "doubts": as_values(item.doubts),
        "findings": len(item.findings),
        "open": len(open_findings),
        "edits": 0 if edits is None else len(edits.edits),
        "reviewer": "" if edits is None else edits.reviewer,
        "can_open": item.state == "done" and item.regions is not None,
    }


def facts_of(recording: ReviewedRecording) -> dict[str, Any]:
    """Return all that the page shows of a recording but its frames."""
    index, item = recording.index, recording.item
    return {
        "number": item.number,
        "name": item.name,
        "verdict": item.verdict,
        "reasons": as_values(item.reasons),
        "doubts": [_doubt(each, index) for each in as_values(item.doubts)],
        "frames": len(index),
        "width": index.header.width,
        "height": index.header.height,
        "times": [round(each, 4) for each in index.times],
        "findings": [_finding(each, index) for each in item.findings],
        "tracks": _tracks(index),
        "cover": _cover(index),
        "whole": [list(each) for each in index.whole],
        "cuts": cuts_of(index),
        "refusal": recording.refusal,
        "saved": recording.saved.model_dump(mode="json", exclude_none=True),
        "saved_sha256": recording.saved_sha256,
        "steps": as_values(item.steps),
        "draft": recording.draft(recording.saved.edits),
    }


def _finding(finding: ReviewedFinding, index: RegionIndex) -> dict[str, Any]:
    first = index.frame_at(finding.time)
    last = index.frame_at(max(finding.until, finding.time))
    values = finding.model_dump(mode="json", exclude_none=True)
    return {"finding": values, "frame": first, "last": last}


def _doubt(moment: dict[str, Any], index: RegionIndex) -> dict[str, Any]:
    return moment | {"frame": index.frame_at(moment["time"])}


def _tracks(index: RegionIndex) -> list[dict[str, Any]]:
    return [
        {
            "track": track,
            "first": facts.span.first,
            "last": facts.span.last,
            "stretches": facts.stretches,
            "best": facts.best,
            "confidence": round(facts.confidence, 3),
            "height": facts.height,
        }
        for track, facts in sorted(index.tracks.items(), key=lambda each: each[1].span.first)
    ]


def _cover(index: RegionIndex) -> dict[str, Any]:
    """Return the most cover of each step of the time line: faces, and share of the frame."""
    step = max(1, math.ceil(len(index) / _STEPS))
    starts = range(0, len(index), step)
    return {
        "step": step,
        "faces": [max(index.faces[at : at + step]) for at in starts],
        "shares": [round(max(index.shares[at : at + step]), 3) for at in starts],
    }


def cuts_of(index: RegionIndex) -> list[int]:
    """Return the frames at which something else begins: after a gap in time, or all tracks anew."""
    steps = [after - before for before, after in pairwise(index.times)]
    usual = median(steps) if steps else 0.0
    gaps = {n + 1 for n, step in enumerate(steps) if step > _CUT * usual}
    began = [facts.span.first for facts in index.tracks.values()]
    ended = [facts.span.last for facts in index.tracks.values()]
    anew = {
        frame
        for frame in set(began)
        if began.count(frame) > 1
        and ended.count(frame - 1) > 1
        and ended.count(frame - 1) == index.faces[frame - 1]
    }
    return sorted(gaps | anew)
