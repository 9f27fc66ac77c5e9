"""Faces seen in an output, each joined over the frames on which it is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.assess.inspect_output import Picture
from blurcam.assess.verification import SeenFace
from blurcam.detect.detector import Detection
from blurcam.media.regions import Box

# It is the same face if it is seen again within this number of frames, at most half its height away
# for each frame in between, and at most twice as large or half as large.
_GAP: Final = 25
_STEP: Final = 0.5
# Side of the square to which a face is scaled for comparison, in pixels.
_PATCH: Final = 16
# Below this correlation an output shows its cover and not its input. (An exposed face has more than
# 0.7.)
_OTHER: Final = 0.25
# The most frames of a face that are compared.
_MOST_COMPARED: Final = 5

Patch = NDArray[np.float32]


@dataclass(slots=True)
class _Sighting:
    """One face over the frames on which it was seen."""

    number: int
    time: float
    until: float
    box: Box
    best: Detection
    turned: int
    frames: int = 1
    is_open: bool = True
    patches: dict[int, tuple[Box, Patch]] = field(default_factory=dict)
    correlations: list[float] = field(default_factory=list)

    @property
    def is_cover(self) -> bool:
        """Whether every compared frame shows cover and not the input."""
        return bool(self.correlations) and max(self.correlations) < _OTHER

    def told(self) -> SeenFace:
        """Return it as a value."""
        box = self.best.box
        return SeenFace(
            round(self.time, 3), box.x0, box.y0, box.x1, box.y1, round(self.best.confidence, 3),
            round(self.until, 3), self.frames, self.turned,
        )  # fmt: skip


class SeenFaces:
    """Faces seen in an output, in order of time.

    A face counts as exposed from when it is seen until a search of its place does not see it.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._sightings: list[_Sighting] = []
        self.exposures: list[tuple[float, float]] = []

    def note(
        self,
        found: Sequence[Detection],
        number: int,
        time: float,
        luma: Picture,
        turned: int,
        areas: Sequence[Box],
    ) -> None:
        """Take the finds of a search of these areas of a frame (no areas: all of it)."""
        for each in self._sightings:
            is_searched = not areas or any(area.meets(each.box) for area in areas)
            if each.is_open and each.turned == turned and is_searched:
                each.is_open = False
                each.until = time
        for detection in found:
            sighting = self._continue(detection, number, time, turned)
            if len(sighting.patches) < _MOST_COMPARED:
                patch = patch_of(luma, detection.box)
                if patch is not None:
                    sighting.patches[number] = detection.box, patch

    def _continue(self, seen: Detection, number: int, time: float, turned: int) -> _Sighting:
        for each in reversed(self._sightings):
            if _may_be_same(each, seen.box, number):
                each.frames += 1
                each.number, each.until, each.box, each.is_open = number, time, seen.box, True
                if seen.confidence > each.best.confidence:
                    each.best, each.turned = seen, turned
                return each
        made = _Sighting(number, time, time, seen.box, seen, turned)
        self._sightings.append(made)
        return made

    def end(self, time: float) -> None:
        """Take the time at which the last frame ends."""
        for each in self._sightings:
            if each.is_open:
                each.until = max(each.until, time)

    def compare(self, number: int, luma: Picture) -> None:
        """Compare a frame of the input with what was seen on the output's frame of this number."""
        for each in self._sightings:
            if number in each.patches:
                box, patch = each.patches[number]
                each.correlations.append(likeness(luma, box, patch))

    def is_compared(self, number: int) -> bool:
        """Whether something was seen on the frame of this number."""
        return any(number in each.patches for each in self._sightings)

    def told(self) -> Iterator[SeenFace]:
        """Yield the finds that are not known to be cover."""
        yield from (each.told() for each in self._sightings if not each.is_cover)

    @property
    def dismissed(self) -> int:
        """How many finds are known to be cover."""
        return sum(each.is_cover for each in self._sightings)

    def exposure_s(self, frame_s: float) -> float:
        """Return the seconds for which a face was seen; ``frame_s`` is a frame's duration."""
        spans = sorted((each.time, each.until) for each in self.told())
        total, end = 0.0, float("-inf")
        for start, until in spans:
            stop = max(until, start + frame_s)
            total += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return total


def _may_be_same(sighting: _Sighting, box: Box, number: int) -> bool:
    gap = number - sighting.number
    if gap > _GAP and not sighting.is_open:
        return False
    (x, y), (u, v) = sighting.box.centre, box.centre
    reach = (1 + _STEP * min(gap, _GAP)) * max(box.height, sighting.box.height)
    ratio = box.height / sighting.box.height
    return 0.5 <= ratio <= 2 and abs(x - u) <= reach and abs(y - v) <= reach


def patch_of(luma: Picture, box: Box) -> Patch | None:
    """Return the inner part of a face, small and high-passed, if it is in the frame."""
    rows, columns = luma.shape
    inner = box.grown(0.8).intersection(Box(0, 0, columns, rows))
    if inner is None or inner.width < 4 or inner.height < 4:
        return None
    part = luma[inner.y0 : inner.y1, inner.x0 : inner.x1].astype(np.float32)
    return _high_passed(
        np.asarray(cv2.resize(part, (_PATCH, _PATCH), interpolation=cv2.INTER_AREA))
    )


def likeness(luma: Picture, box: Box, patch: Patch) -> float:
    """Return the best correlation (-1 to 1) of the input at this place, give or take two pixels."""
    step = max(1, round(box.height / 16))
    best = -1.0
    for dy in (-step, 0, step):
        for dx in (-step, 0, step):
            moved = Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)
            other = patch_of(luma, moved)
            if other is not None:
                scale = float(np.linalg.norm(other) * np.linalg.norm(patch))
                best = max(best, float((other * patch).sum()) / scale if scale else 1.0)
    return best


def _high_passed(patch: Patch) -> Patch:
    return np.asarray(patch - cv2.GaussianBlur(patch, (0, 0), _PATCH / 4), np.float32)
