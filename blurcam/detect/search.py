"""One frame searched closely: several passes, a second look at every doubtful place, one answer."""

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
# Where the second looks at one scale would take more than this share of the frame, whole it is.
_MOST: Final = 0.8
# So many doubtful places at most, the surest, are looked at again after a glance; what is as sure
# as this is not doubtful.
_MOST_DOUBTS: Final = 10
SURE: Final = 0.4
_SAME: Final = 0.3
# What second looks at a glance may cost over the budget of its first, and how many there may be
# whatever they cost.
_SECOND_LOOKS: Final = 0.6
_LEAST_SECOND: Final = 8


@dataclass(frozen=True, slots=True)
class SearchPass:
    """One way to look at a frame: its scale, perhaps mirrored.

    With ``below`` it is a second look, at candidates less than that many pixels high alone.
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

    A glance takes its first look at the scale of the largest whole pass, or smaller, down to
    ``glance`` times that, where it would be of more than ``budget`` pixels. ``certain`` is what
    the confidence over its looks must reach. Without second looks among the passes it takes none
    either.
    """

    passes: tuple[SearchPass, ...]
    threshold: float
    tilt: float = 0.0
    glance: float = 1.0
    budget: int = 250_000
    certain: float = 0.25

    @property
    def wholes(self) -> tuple[SearchPass, ...]:
        """The passes over the whole frame."""
        return tuple(each for each in self.passes if each.below is None)

    @property
    def closer(self) -> tuple[SearchPass, ...]:
        """The second looks."""
        return tuple(each for each in self.passes if each.below is not None)


class Search:
    """Searches frames with one detector."""

    def __init__(self, detector: Detector, viewpoint: Viewpoint, looks: SearchPasses) -> None:
        """Search as ``looks`` says; the detector reports from its own, lower threshold on."""
        self._detector = detector
        self._viewpoint = viewpoint
        self.looks = looks

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely; raises DetectorError.

        First come the passes over the whole frame, then the second looks at what these suspect,
        and what counts is what all of them agree on.
        """
        answers = [
            self._look([self._viewpoint.view(frame, each.scale, mirrored=each.mirrored)])
            for each in self.looks.wholes
        ]
        return RunningSearch(answers, lambda found: self._closer(frame, found), self._agreed)

    def glance(
        self, frame: Frame, areas: Sequence[Box], faces: Sequence[Box], *, once: bool = False
    ) -> RunningSearch:
        """Begin to search parts of a frame; raises DetectorError.

        After one look at all areas comes a second, at known ``faces`` and at what the first one
        suspects, at the scale at which they are seen best. What is found is as sure as both
        together. A search ``once`` takes no second look.
        """
        whole = Box(0, 0, frame.width, frame.height)
        # Of a known face perhaps only a part has changed.
        areas = joined([*areas, *crops(faces, whole)])
        if sum(area.area for area in areas) > _MOST * whole.area:
            areas = [whole]
        views = []
        for area, scale in self._affordable(areas):
            views.append(self._viewpoint.view(frame, scale, area))
            if min(area.width, area.height) * scale > _LARGE_FACE:
                views.append(self._viewpoint.view(frame, scale / 4, area))
        answers = [self._look(sheets(views, keeps_cut=True))]
        if once or not self.looks.closer:
            return RunningSearch(answers, lambda found: [], _once)
        return RunningSearch(answers, lambda found: self._again(frame, found[0], faces), _both)

    def _affordable(self, areas: Sequence[Box]) -> Iterator[tuple[Box, float]]:
        """Yield each area with a scale, so that the budget is shared out evenly among them.

        What moves in a small area is far away, and has a small face: it is seen at the scale of
        the passes. A large one may be looked at smaller.
        """
        left = float(self.looks.budget)
        waiting = len(areas)
        for area in sorted(areas, key=lambda each: each.area):
            fitting = math.sqrt(max(0.0, left / waiting) / area.area)
            scale = min(self._native, max(fitting, self._native * self.looks.glance))
            left -= area.area * scale * scale
            waiting -= 1
            yield area, scale

    @property
    def _native(self) -> float:
        return max(each.scale for each in self.looks.wholes)

    def _look(self, views: Sequence[Searchable]) -> Answer:
        return self._detector.start(views)

    def _enlarged(self, frame: Frame, faces: Sequence[Box]) -> list[View]:
        """Return views of these faces, each about as large as faces are seen best."""
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
        """Begin to look again at known faces and at the surest of what was suspected."""
        sure = [each.box for each in found if each.confidence >= SURE]
        known = [face for face in faces if not any(face.iou(box) > _SAME for box in sure)]
        around = [box_around(face) for face in known]
        doubts = [
            each.box
            for each in found
            if each.confidence < SURE and not any(a.contains(each.box) for a in around)
        ]
        views = self._enlarged(frame, self._few([*known, *doubts[:_MOST_DOUBTS]]))
        return [self._look(sheets(views))] if views else []

    def _few(self, boxes: list[Box]) -> list[Box]:
        """Return the first of the boxes, as many as the budget for second looks allows."""
        left = _SECOND_LOOKS * self.looks.budget
        for number, box in enumerate(boxes):
            scale = min(_BEST / box.height, _MOST_ENLARGED * self._native)
            left -= box_around(box).area * scale * scale
            if left < 0 and number >= _LEAST_SECOND:
                return boxes[:number]
        return boxes

    def _closer(self, frame: Frame, found: Sequence[Sequence[Detection]]) -> list[Answer | None]:
        candidates = fuse(found, 0.0)
        return [self._look_closer(frame, each, candidates) for each in self.looks.closer]

    def _look_closer(
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
        return self._look(sheets(views))

    def _agreed(self, found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
        looks = self.looks
        scales = [each.scale for each in (*looks.wholes, *looks.closer)]
        return fuse(found, looks.threshold, looks.tilt, scales)


def _once(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
    return tuple(found[0])


def _both(found: Sequence[Sequence[Detection]]) -> tuple[Detection, ...]:
    first, *others = found
    sure = [each for each in first if each.confidence >= SURE]
    doubtful = [each for each in first if each.confidence < SURE]
    return merge([*sure, *fuse([doubtful, *others], 0.0)])


class RunningSearch:
    """A search under way, in two steps; an :class:`~blurcam.detect.detector.Answer`.

    What the first answers suspect decides what the second look at; ``sum_up`` makes one answer of
    what both found.
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
        """Whether waiting for it would not wait, once :meth:`proceed` has been called."""
        return self._closer is None and self._is_answered

    @property
    def _is_answered(self) -> bool:
        return all(answer is None or answer.is_ready for answer in self._answers)

    def proceed(self, timeout: float, *, patient: bool) -> None:
        """Take the second step if the first has been answered, or wait for it if ``patient``.

        A search that fails on the way says so when it is waited for.
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
