"""Regions with the edits of a reviewer: a pure function of both.

Every edit but ``hide`` and ``spare`` only adds cover. These two take away the regions of the one
track that they name; what others cover stays covered.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from blurcam.media.regions import Basis, Box, Coverage, Region, Shape
from blurcam.review.edits import (
    DrawEdit,
    Edit,
    ExtendEdit,
    GrowEdit,
    HideEdit,
    MergeEdit,
    ShapeKey,
    SpareEdit,
)


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """From which frame to which a track is covered, and where at both ends."""

    first: int
    last: int
    first_box: Box
    last_box: Box


def track_spans(coverages: Iterable[Coverage]) -> dict[int, TrackSpan]:
    """Return the span of every track."""
    spans: dict[int, TrackSpan] = {}
    for coverage in coverages:
        for region in coverage.regions:
            if region.track is not None:
                known = spans.get(region.track)
                spans[region.track] = (
                    TrackSpan(coverage.seq, coverage.seq, region.box, region.box)
                    if known is None
                    else replace(known, last=coverage.seq, last_box=region.box)
                )
    return spans


def apply_edits(coverages: Sequence[Coverage], edits: Sequence[Edit]) -> Iterator[Coverage]:
    """Yield every coverage as the edits have it."""
    plan = EditPlan(edits, track_spans(coverages))
    return (plan.edited(coverage) for coverage in coverages)


@dataclass(frozen=True, slots=True)
class _Path:
    """Where something is: on a line between boxes at two frames."""

    track: int
    first: int
    last: int
    start: Box
    end: Box

    def at(self, frame: int) -> Box:
        share = 0.0 if self.last == self.first else (frame - self.first) / (self.last - self.first)
        return _between(self.start, self.end, share)


@dataclass(slots=True)
class _Changes:
    """What the edits come to, by track."""

    merged: dict[int, int] = field(default_factory=dict)
    growth: dict[int, float] = field(default_factory=dict)
    uncovered: set[int] = field(default_factory=set)
    paths: list[_Path] = field(default_factory=list)
    shapes: list[DrawEdit] = field(default_factory=list)


class EditPlan:
    """What edits do to the coverage of each frame, worked out once for a recording."""

    def __init__(self, edits: Sequence[Edit], spans: Mapping[int, TrackSpan]) -> None:
        """Take the edits; those of a track that is not in ``spans`` do nothing."""
        self._changes = made = _Changes()
        for edit in edits:
            match edit:
                case MergeEdit():
                    self._merge(edit, spans)
                case DrawEdit():
                    made.shapes.append(edit)
                case HideEdit() | SpareEdit():
                    made.uncovered.add(edit.track)
                case GrowEdit():
                    made.growth[edit.track] = max(edit.factor, made.growth.get(edit.track, 1.0))
                case ExtendEdit() if edit.track in spans:
                    made.paths += _extended(edit, spans[edit.track])
        made.uncovered |= {
            track for track in made.merged if self.track_of(track) in made.uncovered
        } | {self.track_of(track) for track in made.uncovered}

    def _merge(self, edit: MergeEdit, spans: Mapping[int, TrackSpan]) -> None:
        tracks = sorted((t for t in edit.tracks if t in spans), key=lambda t: spans[t].first)
        reached: TrackSpan | None = None
        for track in tracks:
            span = spans[track]
            if reached is not None and span.first > reached.last + 1:
                self._changes.paths.append(
                    _Path(track, reached.last, span.first, reached.last_box, span.first_box)
                )
            if reached is None or span.last > reached.last:
                reached = span
        roots = {self.track_of(track) for track in tracks}
        for root in roots:
            if root != min(roots):
                self._changes.merged[root] = min(roots)

    def track_of(self, track: int) -> int:
        """Return the track that a track is part of after merging."""
        while track in self._changes.merged:
            track = self._changes.merged[track]
        return track

    def is_uncovered(self, track: int) -> bool:
        """Whether a track is hidden or spared."""
        return self.track_of(track) in self._changes.uncovered

    def edited(self, coverage: Coverage) -> Coverage:
        """Return a frame's coverage as the edits have it."""
        changes, frame = self._changes, coverage.seq
        added = [
            Region(path.at(frame), Basis.BRIDGED, path.track)
            for path in changes.paths
            if path.first <= frame <= path.last
        ]
        kept = [
            self._as_edited(region)
            for region in (*coverage.regions, *added)
            if region.track is None or not self.is_uncovered(region.track)
        ]
        drawn = (shape_at(shape, frame) for shape in changes.shapes)
        regions = (*kept, *(each for each in drawn if each is not None))
        return Coverage(frame, regions, coverage.reason)

    def _as_edited(self, region: Region) -> Region:
        if region.track is None:
            return region
        factor = self._changes.growth.get(region.track, 1.0)
        factor = max(factor, self._changes.growth.get(self.track_of(region.track), 1.0))
        track = self.track_of(region.track)
        if factor > 1 and region.shape is Shape.ELLIPSE:
            return replace(region, box=_widened(region.box, factor), track=track)
        return region if track == region.track else replace(region, track=track)


def _extended(edit: ExtendEdit, span: TrackSpan) -> Iterator[_Path]:
    if edit.to > span.last:
        yield _Path(edit.track, span.last + 1, edit.to, span.last_box, span.last_box)
    if edit.to < span.first:
        yield _Path(edit.track, edit.to, span.first - 1, span.first_box, span.first_box)


def _widened(box: Box, factor: float) -> Box:
    """Return a box about the same centre to the half pixel, so that an ellipse in it only grows."""
    across = math.ceil(box.width * (factor - 1) / 2)
    down = math.ceil(box.height * (factor - 1) / 2)
    return Box(box.x0 - across, box.y0 - down, box.x1 + across, box.y1 + down)


def shape_at(shape: DrawEdit, frame: int) -> Region | None:
    """Return the region of a drawn shape on a frame, ``None`` where it is not."""
    if shape.first is not None and frame < shape.first:
        return None
    if shape.last is not None and frame > shape.last:
        return None
    after = bisect_right(shape.keys, frame, key=lambda key: key.frame)
    start, end = shape.keys[max(0, after - 1)], shape.keys[min(after, len(shape.keys) - 1)]
    apart = end.frame - start.frame
    share = min(1.0, max(0.0, (frame - start.frame) / apart)) if apart > 0 else 0.0
    return _region(start, end, share)


def _region(start: ShapeKey, end: ShapeKey, share: float) -> Region:
    if start.box is not None and end.box is not None:
        return Region(_between(Box(*start.box), Box(*end.box), share), Basis.DRAWN)
    points = tuple(
        (round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share))
        for (x0, y0), (x1, y1) in zip(start.points, end.points, strict=True)
    )
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    return Region(box, Basis.DRAWN, shape=Shape.POLYGON, points=points)


def _between(start: Box, end: Box, share: float) -> Box:
    """Return the box on the line between two, rounded out."""
    pairs = ((start.x0, end.x0), (start.y0, end.y0), (start.x1, end.x1), (start.y1, end.y1))
    return Box.around(*(a + (b - a) * share for a, b in pairs))
