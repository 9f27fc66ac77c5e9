"""The search of one frame: several passes of the network, fused into one answer.

A close search covers the whole frame and passes over every doubtful place again. A quick search
covers parts of the frame in one or two passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.detect.crops import box_around, crops, joined
from blurcam.detect.detector import Answer, Detection, Detector, merge
from blurcam.detect.fusion import fuse, settle_doubtful, split_doubtful
from blurcam.detect.running_search import RunningSearch
from blurcam.detect.sheets import Searchable, sheets
from blurcam.detect.turned import NOT_TURNED, Turned, TurnedPasses
from blurcam.detect.views import View, Viewpoint
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

# Faces of more pixels than this in a view are better seen at a quarter of its scale.
_LARGE_FACE: Final = 250
# The height in a view at which a face is seen well, and how much a small one is enlarged for it.
_BEST: Final = 24
_MOST_ENLARGED: Final = 2.0
# Crops that together take more than this share of the frame are replaced by the whole frame.
_MOST: Final = 0.8
# A quick search passes again over at most this many doubtful places, the surest first.
_MOST_DOUBTS: Final = 10
_SAME: Final = 0.3
# The second pass of a quick search may cost this share of the budget of its first, and it may
# cover this many places at any cost.
_SECOND_PASS: Final = 0.6
_LEAST_SECOND: Final = 8


@dataclass(frozen=True, slots=True)
class SearchPass:
    """One pass of the network over a frame: at which scale, and whether mirrored.

    With ``below`` it is a second pass: over candidates less than that many pixels high alone.
    """

    scale: float
    mirrored: bool = False
    below: int | None = None


@dataclass(frozen=True, slots=True)
class SearchPasses:
    """How closely a frame is searched.

    ``threshold`` is what the confidence over all passes must reach. ``tilt`` asks more of small
    faces and less of large ones: confidence is multiplied by ``(height / 16) ** tilt``, with the
    height held between 8 and 64 px.

    A quick search makes its first pass at the scale of the largest whole pass. Where that would
    take more than ``budget`` pixels, the scale is smaller, down to ``coarsest`` times that.
    ``certain`` is what the confidence over its passes must reach. It makes a second pass only if
    there are second passes here.

    Rolled heads are searched for on the frame turned by each of ``turns``, in degrees clockwise.
    """

    passes: tuple[SearchPass, ...]
    threshold: float
    tilt: float = 0.0
    coarsest: float = 1.0
    budget: int = 250_000
    certain: float = 0.25
    turns: tuple[int, ...] = ()

    @property
    def wholes(self) -> tuple[SearchPass, ...]:
        """The passes over the whole frame."""
        return tuple(each for each in self.passes if each.below is None)

    @property
    def closer(self) -> tuple[SearchPass, ...]:
        """The second passes."""
        return tuple(each for each in self.passes if each.below is not None)


class Search:
    """Searches frames with one detector."""

    def __init__(self, detector: Detector, viewpoint: Viewpoint, passes: SearchPasses) -> None:
        """Search as ``passes`` says; the detector reports from its own, lower threshold on."""
        self._detector = detector
        self._viewpoint = viewpoint
        self.passes = passes

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely; raises DetectorError.

        First come the passes over the whole frame, then the second passes over what those suspect.
        What all of them agree on counts.
        """
        answers = [
            self._start([self._viewpoint.view(frame, each.scale, mirrored=each.mirrored)])
            for each in self.passes.wholes
        ]
        upright = len(answers)
        whole = Box(0, 0, frame.width, frame.height)
        turned = self._turned(frame, {turn: [whole] for turn in self.passes.turns})
        first = upright + len(turned.answers)

        def closer(found: Sequence[Sequence[Detection]]) -> list[Answer | None]:
            again = turned.closer(found[upright:])
            return [*again, *self._closer(frame, found[:upright])]

        def sum_up(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
            second = first + len(turned.answers)
            agreed = self._agreed([*found[:upright], *found[second:]])
            made = turned.sum_up(agreed, found[upright:first], found[first:second])
            least = self.passes.threshold
            return tuple(each for each in made if each.confidence >= least or not each.turned)

        return RunningSearch([*answers, *turned.answers], closer, sum_up)

    def start_quick(
        self,
        frame: Frame,
        areas: Sequence[Box],
        faces: Sequence[Box],
        *,
        turned: Turned = NOT_TURNED,
        once: bool = False,
    ) -> RunningSearch:
        """Begin to search parts of a frame quickly; raises DetectorError.

        After one pass over all areas comes a second: over known ``faces`` and what the first
        suspects, at the scale at which the network sees them best. The confidence is that of both
        together. With ``once`` there is no second pass. The areas of ``turned`` are searched on
        the turned frame besides.
        """
        whole = Box(0, 0, frame.width, frame.height)
        # Perhaps only a part of a known face has changed.
        areas = joined([*areas, *crops(faces, whole)])
        if sum(area.area for area in areas) > _MOST * whole.area:
            areas = [whole]
        upright = self._start(self._parts(frame, areas))
        askew = self._turned(frame, turned)
        answers = [upright, *askew.answers]
        if once or not self.passes.closer:
            return RunningSearch(
                answers, lambda found: [], lambda found: askew.sum_up(found[0], found[1:])
            )
        first = len(answers)

        def closer(found: Sequence[Sequence[Detection]]) -> list[Answer | None]:
            return [*askew.closer(found[1:]), *self._again(frame, found[0], faces)]

        def sum_up(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
            second = first + len(askew.answers)
            both = _both([found[0], *found[second:]])
            return askew.sum_up(both, found[1:first], found[first:second])

        return RunningSearch(answers, closer, sum_up)

    def _parts(self, frame: Frame, areas: Sequence[Box], turned: int = 0) -> list[Searchable]:
        """Return what a first pass shows the network of areas."""
        views = []
        for area, scale in self._affordable(areas):
            views.append(self._viewpoint.view(frame, scale, area, turned=turned))
            if min(area.width, area.height) * scale > _LARGE_FACE:
                views.append(self._viewpoint.view(frame, scale / 4, area, turned=turned))
        return sheets(views, keeps_cut=True)

    def _turned(self, frame: Frame, areas: Turned) -> TurnedPasses:
        """Begin to search areas of the turned frame, as far as they lie inside of it."""
        whole = Box(0, 0, frame.width, frame.height)
        inside = {
            turn: [part for each in boxes if (part := each.intersection(whole)) is not None]
            for turn, boxes in areas.items()
        }
        return TurnedPasses(
            inside,
            lambda turn, boxes: self._start(self._parts(frame, joined(boxes), turn)),
            lambda turn, faces: self._start(
                sheets(self._enlarged(frame, self._few(faces[:_MOST_DOUBTS]), turn))
            ),
        )

    def _affordable(self, areas: Sequence[Box]) -> Iterator[tuple[Box, float]]:
        """Yield each area with a scale, so that the areas share the budget evenly.

        What moves in a small area is far away and has a small face, so it gets the full scale. A
        large area may get a smaller one.
        """
        left = float(self.passes.budget)
        waiting = len(areas)
        for area in sorted(areas, key=lambda each: each.area):
            fitting = math.sqrt(max(0.0, left / waiting) / area.area)
            scale = min(self._native, max(fitting, self._native * self.passes.coarsest))
            left -= area.area * scale * scale
            waiting -= 1
            yield area, scale

    @property
    def _native(self) -> float:
        return max(each.scale for each in self.passes.wholes)

    def _start(self, views: Sequence[Searchable]) -> Answer:
        return self._detector.start(views)

    def _enlarged(self, frame: Frame, faces: Sequence[Box], turned: int = 0) -> list[View]:
        """Return views of these faces, each at about the size at which the network sees best."""
        whole = Box(0, 0, frame.width, frame.height)
        by_scale: dict[float, list[Box]] = {}
        for face in faces:
            best = min(_BEST / face.height, _MOST_ENLARGED * self._native)
            # In steps, so that neighbours share a crop.
            by_scale.setdefault(2 ** (round(2 * math.log2(best)) / 2), []).append(face)
        return [
            self._viewpoint.view(frame, scale, area, turned=turned)
            for scale, group in by_scale.items()
            for area in crops(group, whole)
        ]

    def _again(
        self, frame: Frame, found: Sequence[Detection], faces: Sequence[Box]
    ) -> list[Answer | None]:
        """Begin the second pass: over known faces and the surest of the doubtful places."""
        sure, doubtful = split_doubtful(found)
        known = [face for face in faces if not any(face.iou(d.box) > _SAME for d in sure)]
        around = [box_around(face) for face in known]
        doubts = [d.box for d in doubtful if not any(a.contains(d.box) for a in around)]
        views = self._enlarged(frame, self._few([*known, *doubts[:_MOST_DOUBTS]]))
        return [self._start(sheets(views))] if views else []

    def _few(self, boxes: Sequence[Box]) -> Sequence[Box]:
        """Return the first of the boxes, as many as the budget for the second pass allows."""
        left = _SECOND_PASS * self.passes.budget
        for number, box in enumerate(boxes):
            scale = min(_BEST / box.height, _MOST_ENLARGED * self._native)
            left -= box_around(box).area * scale * scale
            if left < 0 and number >= _LEAST_SECOND:
                return boxes[:number]
        return boxes

    def _closer(self, frame: Frame, found: Sequence[Sequence[Detection]]) -> list[Answer | None]:
        candidates = fuse(found, 0.0)
        return [self._closer_pass(frame, each, candidates) for each in self.passes.closer]

    def _closer_pass(
        self, frame: Frame, each: SearchPass, candidates: Sequence[Detection]
    ) -> Answer | None:
        boxes = [c.box for c in candidates if c.box.height < (each.below or 0)]
        whole = Box(0, 0, frame.width, frame.height)
        areas = crops(boxes, whole)
        if sum(area.area for area in areas) > _MOST * whole.area:
            areas = [whole]
        if not areas:
            return None
        views = [
            self._viewpoint.view(frame, each.scale, area, mirrored=each.mirrored) for area in areas
        ]
        return self._start(sheets(views))

    def _agreed(self, found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
        passes = self.passes
        scales = [each.scale for each in (*passes.wholes, *passes.closer)]
        return fuse(found, passes.threshold, passes.tilt, scales)


def _both(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
    first, *others = found
    return merge(settle_doubtful(first, others))
