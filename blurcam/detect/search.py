"""The search of one frame: several passes of the network, fused into one answer.

A close search covers the whole frame and passes over every doubtful place again. A quick search
covers parts of the frame in one or two passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.detect.crops import box_around, crops, joined
from blurcam.detect.detector import Answer, Detection, Detector, merge
from blurcam.detect.fusion import fuse
from blurcam.detect.sheets import Searchable, sheets
from blurcam.detect.views import View, Viewpoint
from blurcam.errors import DetectorError
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
# From this confidence on a detection is not doubtful.
SURE: Final = 0.4
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
    """

    passes: tuple[SearchPass, ...]
    threshold: float
    tilt: float = 0.0
    coarsest: float = 1.0
    budget: int = 250_000
    certain: float = 0.25

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
        """Search as ``looks`` says; the detector reports from its own, lower threshold on."""
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
        return RunningSearch(answers, lambda found: self._closer(frame, found), self._agreed)

    def start_quick(
        self, frame: Frame, areas: Sequence[Box], faces: Sequence[Box], *, once: bool = False
    ) -> RunningSearch:
        """Begin to search parts of a frame quickly; raises DetectorError.

        After one pass over all areas comes a second: over known ``faces`` and what the first
        suspects, at the scale at which the network sees them best. The confidence is that of both
        together. With ``once`` there is no second pass.
        """
        whole = Box(0, 0, frame.width, frame.height)
        # Perhaps only a part of a known face has changed.
        areas = joined([*areas, *crops(faces, whole)])
        if sum(area.area for area in areas) > _MOST * whole.area:
            areas = [whole]
        views = []
        for area, scale in self._affordable(areas):
            views.append(self._viewpoint.view(frame, scale, area))
            if min(area.width, area.height) * scale > _LARGE_FACE:
                views.append(self._viewpoint.view(frame, scale / 4, area))
        answers = [self._start(sheets(views, keeps_cut=True))]
        if once or not self.passes.closer:
            return RunningSearch(answers, lambda found: [], _once)
        return RunningSearch(answers, lambda found: self._again(frame, found[0], faces), _both)

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

    def _enlarged(self, frame: Frame, faces: Sequence[Box]) -> list[View]:
        """Return views of these faces, each at about the size at which the network sees best."""
        whole = Box(0, 0, frame.width, frame.height)
        by_scale: dict[float, list[Box]] = {}
        for face in faces:
            best = min(_BEST / face.height, _MOST_ENLARGED * self._native)
            # In steps, so that neighbours share a crop.
            by_scale.setdefault(2 ** (round(2 * math.log2(best)) / 2), []).append(face)
        return [
            self._viewpoint.view(frame, scale, area)
            for scale, group in by_scale.items()
            for area in crops(group, whole)
        ]

    def _again(
        self, frame: Frame, found: Sequence[Detection], faces: Sequence[Box]
    ) -> list[Answer | None]:
        """Begin the second pass: over known faces and the surest of the doubtful places."""
        sure = [each.box for each in found if each.confidence >= SURE]
        known = [face for face in faces if not any(face.iou(box) > _SAME for box in sure)]
        around = [box_around(face) for face in known]
        doubts = [
            each.box
            for each in found
            if each.confidence < SURE and not any(a.contains(each.box) for a in around)
        ]
        views = self._enlarged(frame, self._few([*known, *doubts[:_MOST_DOUBTS]]))
        return [self._start(sheets(views))] if views else []

    def _few(self, boxes: list[Box]) -> list[Box]:
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


def _once(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
    return tuple(found[0])


def _both(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
    first, *others = found
    sure = [each for each in first if each.confidence >= SURE]
    doubtful = [each for each in first if each.confidence < SURE]
    return merge([*sure, *fuse([doubtful, *others], 0.0)])


class RunningSearch:
    """A search under way, in two steps; an :class:`~blurcam.detect.detector.Answer`.

    The first answers decide where the second step searches. ``sum_up`` makes one answer of what
    both found.
    """

    def __init__(
        self,
        answers: Sequence[Answer],
        closer: Callable[[Sequence[Sequence[Detection]]], Sequence[Answer | None]],
        sum_up: Callable[[Sequence[Sequence[Detection]]], tuple[Detection, ...]],
    ) -> None:
        """Made by :class:`Search`."""
        self._answers: Sequence[Answer | None] = answers
        self._closer: Callable[..., Sequence[Answer | None]] | None = closer
        self._sum_up = sum_up
        self._found: list[Sequence[Detection]] = []
        self._error: DetectorError | None = None

    @property
    def is_ready(self) -> bool:
        """True if :meth:`wait` would return at once. Call :meth:`proceed` first."""
        return self._closer is None and self._is_answered

    @property
    def _is_answered(self) -> bool:
        return all(answer is None or answer.is_ready for answer in self._answers)

    def proceed(self, timeout: float, *, patient: bool) -> None:
        """Take the second step if the first has been answered; if ``patient``, wait for that.

        A search that fails here raises its error in :meth:`wait`.
        """
        if self._closer is not None and (patient or self._is_answered):
            closer, self._closer = self._closer, None
            try:
                self._collect(timeout)
                self._answers = closer(self._found)
            except DetectorError as exc:
                self._error = exc

    def _collect(self, timeout: float) -> None:
        self._found += [() if each is None else each.wait(timeout) for each in self._answers]
        self._answers = ()

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces, the surest first; see :class:`~blurcam.detect.detector.Answer`."""
        self.proceed(timeout, patient=True)
        if self._error is not None:
            raise self._error
        self._collect(timeout)
        return self._sum_up(self._found)
