"""Edits in words, for the report and the page."""

from __future__ import annotations

from blurcam.batch.review_reasons import clock
from blurcam.batch.review_steps import ReviewStep
from blurcam.review.edits import (
    AcceptEdit,
    DrawEdit,
    Edit,
    ExtendEdit,
    GrowEdit,
    HideEdit,
    MergeEdit,
    ReviewEdits,
    SpareEdit,
    WatchedEdit,
)


def what(edit: Edit) -> str:
    """Return what an edit does."""
    match edit:
        case AcceptEdit():
            return f"accepted what is seen at {clock(edit.finding.time)}"
        case WatchedEdit():
            return "watched from beginning to end"
        case HideEdit():
            return f"track {edit.track} is not covered: no face"
        case SpareEdit():
            return f"track {edit.track} is shown"
        case MergeEdit():
            return f"tracks {', '.join(map(str, edit.tracks))} are one"
        case ExtendEdit():
            return f"track {edit.track} is covered to frame {edit.to}"
        case GrowEdit():
            return f"the cover of track {edit.track} is {edit.factor:g} times as large"
        case DrawEdit():
            return f"a shape is covered {_stretch(edit)}"


def _stretch(edit: DrawEdit) -> str:
    if edit.first is None and edit.last is None:
        return "on every frame"
    first = "the first" if edit.first is None else edit.first
    last = "the last" if edit.last is None else edit.last
    return f"from frame {first} to {last}"


def why(edit: Edit) -> str:
    """Return the reason that was given, and by whom where that is somebody else."""
    match edit:
        case AcceptEdit():
            parts = [edit.reason if edit.reason != "other" else "", edit.note]
            return ": ".join(part for part in parts if part)
        case WatchedEdit():
            return edit.note
        case HideEdit():
            return f"{edit.reason}: {edit.note}"
        case SpareEdit():
            return f"{edit.reason} (decided by {edit.by})"
        case DrawEdit() if edit.finding is not None:
            return f"seen by the verifier at {clock(edit.finding.time)}"
    return ""


def steps_of(edits: ReviewEdits, before: str, after: str) -> list[ReviewStep]:
    """Return every edit as a step, and last that they were applied."""
    at, by = edits.saved_at, edits.reviewer
    said = [(what(each), why(each)) for each in edits.edits]
    if before != after:
        said.append(("drawn again from these edits", ""))
    return [ReviewStep(at, by, each, reason, before, after) for each, reason in said]
