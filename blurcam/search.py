"""One frame searched closely: several passes, a second look at every doubtful place, one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.detection import Answer, Detection, Detector, bunches
from blurcam.frames import Frame
from blurcam.regions import Box
from blurcam.views import Searchable, Viewpoint, sheets

# A candidate is looked at again with this much around it: the network judges by what surrounds.
_AROUND: Final = 2.5
_AROUND_PIXELS: Final = 8
# Crops that overlap are joined where that adds less than this to their area.
_WASTE: Final = 1.15
# Faces of more pixels than this in a view are better seen at a quarter of its scale.
_LARGE_FACE: Final = 250
# Known faces of fewer pixels than this in a view are looked at larger, too.
_SMALL_FACE: Final = 40
# Where the second looks at one scale would take more than this share of the frame, whole it is.
_MOST: Final = 0.8


@dataclass(frozen=True, slots=True)
class Pass:
    """One way to look at a frame: its scale, perhaps mirrored.

    With ``below`` it is a second look, at candidates less than that many pixels high alone.
    """

    scale: float
    mirrored: bool = False
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Looks:
    """How closely a frame is searched.

    ``threshold`` is what the confidence over all passes must reach. ``tilt`` asks more of small
    faces and less of large ones: confidence is multiplied by ``(height / 16) ** tilt``, with the
    height held between 8 and 64 px.
    """

    passes: tuple[Pass, ...]
    threshold: float
    tilt: float = 0.0

    @property
    def wholes(self) -> tuple[Pass, ...]:
        """The passes over the whole frame."""
        return tuple(each for each in self.passes if each.below is None)

    @property
    def closer(self) -> tuple[Pass, ...]:
        """The second looks."""
        return tuple(each for each in self.passes if each.below is not None)


class Search:
    """Searches frames with one detector."""

    def __init__(self, detector: Detector, viewpoint: Viewpoint, looks: Looks) -> None:
        """Search as ``looks`` says; the detector reports from its own, lower threshold on."""
        self._detector = detector
        self._viewpoint = viewpoint
        self._looks = looks

    def start(self, frame: Frame) -> Searching:
        """Begin to search a frame; raises :class:`~blurcam.errors.DetectorError`."""
        answers = [
            self._look([self._viewpoint.view(frame, each.scale, mirrored=each.mirrored)])
            for each in self._looks.wholes
        ]
        return Searching(self, frame, answers)

    def glance(self, frame: Frame, areas: Sequence[Box], faces: Sequence[Box]) -> Answer:
        """Begin to search parts of a frame, once each; raises DetectorError.

        Known ``faces`` it looks at with all that is around them, small ones at twice the scale.
        What is found is as sure as the surest look.
        """
        scale = max(each.scale for each in self._looks.wholes)
        if sum(area.area for area in areas) > _MOST * frame.width * frame.height:
            areas = [Box(0, 0, frame.width, frame.height)]
        views = [self._viewpoint.view(frame, scale, area) for area in areas]
        views += [
            self._viewpoint.view(frame, scale / 4, area)
            for area in areas
            if min(area.width, area.height) * scale > _LARGE_FACE
        ]
        whole = Box(0, 0, frame.width, frame.height)
        small = [each for each in faces if each.height * scale < _SMALL_FACE]
        large = [each for each in faces if each.height * scale >= _SMALL_FACE]
        views += [self._viewpoint.view(frame, 2 * scale, area) for area in crops(small, whole)]
        # Only a part of a face may have changed: it is looked at with what is around it.
        views += [self._viewpoint.view(frame, scale, area) for area in crops(large, whole)]
        return self._look(sheets(views, keeps_cut=True))

    def _look(self, views: Sequence[Searchable]) -> Answer:
        return self._detector.start(views)

    def finish(
        self, frame: Frame, answers: Sequence[Answer], timeout: float
    ) -> tuple[Detection, ...]:
        """Wait for the passes over the whole frame, look closer, and put all together."""
        found = [answer.wait(timeout) for answer in answers]
        if self._looks.closer:
            candidates = fuse(found, 0.0)
            closer = [self._look_closer(frame, each, candidates) for each in self._looks.closer]
            found += [() if answer is None else answer.wait(timeout) for answer in closer]
        return fuse(found, self._looks.threshold, self._looks.tilt)

    def _look_closer(
        self, frame: Frame, each: Pass, candidates: Sequence[Detection]
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


@dataclass(frozen=True, slots=True)
class Searching:
    """A search under way; an :class:`~blurcam.detection.Answer`."""

    search: Search
    frame: Frame
    answers: Sequence[Answer]

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces, the surest first."""
        return self.search.finish(self.frame, self.answers, timeout)


def crops(boxes: Sequence[Box], whole: Box) -> list[Box]:
    """Return what to look at around these boxes, inside the frame, joined where they overlap."""
    areas: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.x0, b.y0)):
        area = box_around(box).intersection(whole)
        while area is not None:
            joined = next((each for each in areas if _is_better_joined(each, area)), None)
            if joined is None:
                areas.append(area)
                break
            areas.remove(joined)
            area = joined.union(area)
    return areas


def box_around(box: Box) -> Box:
    """Return the square to look at for a face that may be in ``box``."""
    x, y = box.centre
    reach = max(box.width, box.height) * _AROUND / 2 + _AROUND_PIXELS
    return Box.around(x - reach, y - reach, x + reach, y + reach)


def _is_better_joined(a: Box, b: Box) -> bool:
    common = a.intersection(b)
    return common is not None and a.union(b).area <= _WASTE * (a.area + b.area - common.area / 2)


def fuse(
    passes: Sequence[Sequence[Detection]], threshold: float, tilt: float = 0.0
) -> tuple[Detection, ...]:
    """Return what several passes agree on, the surest first.

    The confidence of a face is the mean over the passes, zero where one did not see it; its box
    the mean of what was seen, weighted by confidence (weighted boxes fusion, Solovyev et al.,
    arXiv 1910.13302). A true face is seen at more scales than an accident of texture.
    """
    every = [(number, each) for number, found in enumerate(passes) for each in found]
    made = []
    for bunch in bunches([each for _, each in every]):
        best: dict[int, float] = {}
        for index in bunch:
            number, each = every[index]
            best[number] = max(best.get(number, 0.0), each.confidence)
        box = _mean([every[index][1] for index in bunch])
        sure = sum(best.values()) / len(passes)
        sure = min(1.0, sure * (min(64, max(8, box.height)) / 16) ** tilt)
        if sure >= threshold:
            made.append(Detection(box, sure))
    return tuple(sorted(made, key=lambda each: -each.confidence))


def _mean(found: Sequence[Detection]) -> Box:
    if len(found) == 1:
        return found[0].box
    total = sum(each.confidence for each in found)
    x0, y0, x1, y1 = (
        round(sum(getattr(each.box, edge) * each.confidence for each in found) / total)
        for edge in ("x0", "y0", "x1", "y1")
    )
    return Box(x0, y0, max(x0 + 1, x1), max(y0 + 1, y1))
