"""What a verification comes to once a person has said what is what."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

from blurcam.assess.verification import VerificationVerdict
from blurcam.media.regions import Box
from blurcam.review.edited_regions import EditPlan
from blurcam.review.edits import (
    AcceptEdit,
    ReviewedFinding,
    ReviewEdits,
    SpareEdit,
    WatchedEdit,
)
from blurcam.review.region_index import RegionIndex
from blurcam.review.review_queue import ReviewItem, findings_in

ACCEPTED: Final = "accepted"
"""The verdict of an output of which a person accepted all that the verifier saw."""
# Boxes of one thing in two verifications overlap by so much.
_SAME: Final = 0.3
# Two searches of one thing are apart by so many seconds at most.
_APART: Final = 0.5


def verdict_of(found: dict[str, Any], edits: ReviewEdits, index: RegionIndex) -> str:
    """Return the verdict of a verification, given as values for JSON, with what edits say of it.

    What the verifier itself doubts is settled by somebody who watched everything.
    """
    verdict = str(found["verdict"])
    if verdict != VerificationVerdict.REVIEW.value:
        return verdict
    if any(isinstance(each, WatchedEdit) for each in edits.edits):
        return ACCEPTED
    findings = list(findings_in(found))
    if found.get("doubts") or found.get("seen_count", len(findings)) > len(findings):
        return verdict
    settled = (is_accepted(each, edits) or _is_spared(each, edits, index) for each in findings)
    return ACCEPTED if all(settled) else verdict


def judged_by_person(found: dict[str, Any], item: ReviewItem, edits: ReviewEdits) -> str:
    """Return the verdict of a verification of a recording, with what edits say of it."""
    assert item.regions is not None
    with closing(RegionIndex(item.regions)) as index:
        return verdict_of(found, edits, index)


def is_accepted(finding: ReviewedFinding, edits: ReviewEdits) -> bool:
    """Whether a finding is one that the reviewer accepted: about there, and at that time."""
    return any(
        isinstance(each, AcceptEdit) and _is_same(each.finding, finding) for each in edits.edits
    )


def _is_same(one: ReviewedFinding, other: ReviewedFinding) -> bool:
    apart = max(one.time, other.time) - min(max(one.until, one.time), max(other.until, other.time))
    return apart <= _APART and Box(*one.box).iou(Box(*other.box)) >= _SAME


def _is_spared(finding: ReviewedFinding, edits: ReviewEdits, index: RegionIndex) -> bool:
    """Whether what is seen is a person whom somebody decided to show."""
    plan = EditPlan(edits.edits, index.spans)
    shown = {plan.track_of(each.track) for each in edits.edits if isinstance(each, SpareEdit)}
    if not shown:
        return False
    first, last = index.frame_at(finding.time), index.frame_at(max(finding.until, finding.time))
    x, y = Box(*finding.box).centre
    for frame in {first, (first + last) // 2, last}:
        for region in index.coverage(frame).regions:
            box = region.box
            is_there = box.x0 <= x < box.x1 and box.y0 <= y < box.y1
            if is_there and region.track is not None and plan.track_of(region.track) in shown:
                return True
    return False
