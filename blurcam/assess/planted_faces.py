"""Planted test faces: known faces in frames, in memory, to test a detector on this footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from blurcam.assess.changed_areas import changes_between
from blurcam.assess.inspect_output import DecodedFrame, Picture
from blurcam.assess.output_search import OutputSearch
from blurcam.detect.detector import Detection
from blurcam.detect.selftest import known_face
from blurcam.detect.views import View
from blurcam.media.orientation import AS_STORED, Orientation
from blurcam.media.regions import Box

# Heights of the planted faces, in pixels.
LADDER: Final = (16, 24, 32, 48, 64, 96)
# A find is a planted face if their boxes overlap by this much (IoU).
_SAME: Final = 0.3
# A planted face that is not noticed as a change is searched for in an area this many times its
# size.
_SEARCHED: Final = 3.0
# On a background of at least this mean a face is planted unchanged, on a darker one it is darkened.
_LIT: Final = 60
_LEAST_LIGHT: Final = 0.12


@dataclass(slots=True)
class Planted:
    """The number of planted faces of each height, and how many of them were found.

    ``unnoticed`` counts those that would not have been searched for if shown on one frame only.
    """

    counts: dict[int, list[int]]
    unnoticed: int = 0

    @classmethod
    def none(cls) -> Planted:
        """Return an empty count."""
        return cls({})

    def note(self, height: int, *, found: bool) -> None:
        """Count one face."""
        count = self.counts.setdefault(height, [0, 0])
        count[0] += 1
        count[1] += found

    @property
    def sees_from(self) -> int | None:
        """The height from which every planted face was found, ``None`` if there is none."""
        smallest = None
        for height in sorted(self.counts, reverse=True):
            planted, found = self.counts[height]
            if found < planted:
                break
            smallest = height
        return smallest

    def all_found(self, at_least: int) -> bool:
        """Whether faces of that height or more were planted, and all of them were found."""
        counted = [count for height, count in self.counts.items() if height >= at_least]
        return bool(counted) and all(planted == found for planted, found in counted)


class PlantedFrames:
    """Keeps a few frames of a recording, spread over it, for planting faces."""

    def __init__(self, frames: int) -> None:
        """Keep this number of frames, and up to twice as many on the way."""
        self._frames = frames
        self._kept: list[Picture] = []
        self._spread = 1
        self._offered = 0

    def offer(self, frame: DecodedFrame) -> None:
        """Keep a frame, or not."""
        if self._offered % self._spread == 0:
            self._kept.append(frame.picture())
            if len(self._kept) > 2 * self._frames:  # half of them, twice as far apart
                self._kept, self._spread = self._kept[::2], self._spread * 2
        self._offered += 1

    def plant(self, search: OutputSearch, shown: Orientation) -> Planted:
        """Plant faces, one at a time, and search for each as the recording was searched.

        ``shown`` is how a player shows the frames.
        """
        planted = Planted.none()
        for seed, picture in enumerate(self._kept):
            before = search.search(picture, shown=shown)
            for height, copy, where in plantings(picture, seed, shown):
                if any(each.box.meets(where) for each in before):
                    continue  # what is there already would be found
                areas = changes_between(picture, copy)
                found = search.search(copy, areas or [_around(where, copy)], shown)
                planted.note(height, found=is_found(where, found))
                if height >= search.must_see and not any(a.contains(where) for a in areas):
                    planted.unnoticed += 1
        return planted


def _around(where: Box, picture: Picture) -> Box:
    rows, columns = picture.shape[:2]
    return where.grown(_SEARCHED).intersection(Box(0, 0, columns, rows)) or where


def plantings(
    picture: Picture, seed: int, shown: Orientation = AS_STORED
) -> Iterator[tuple[int, Picture, Box]]:
    """Yield copies of a picture with one known face each: its height, the copy, where it is.

    The face is upright as ``shown``, and as dark as what is behind it. Heights for which the
    picture is too small are left out.
    """
    portrait, face = known_face()
    upright = np.ascontiguousarray(shown.applied(picture))
    rows, columns = upright.shape[:2]
    whole = Box(0, 0, picture.shape[1], picture.shape[0])
    chosen = np.random.default_rng(seed)
    for height in LADDER:
        scale = height / face.height
        wide, high = round(portrait.shape[1] * scale), round(portrait.shape[0] * scale)
        if wide > columns or high > rows:
            continue
        small = cv2.resize(portrait, (wide, high), interpolation=cv2.INTER_AREA)
        x = int(chosen.integers(0, columns - wide + 1))
        y = int(chosen.integers(0, rows - high + 1))
        copy = upright.copy()
        behind = copy[y : y + high, x : x + wide]
        behind[:] = small * _light(behind)
        view = View(copy, whole, shown.rotation, shown.mirrored)
        where = view.box(
            x + face.x0 * scale, y + face.y0 * scale, x + face.x1 * scale, y + face.y1 * scale
        )
        yield height, np.ascontiguousarray(shown.inverse.applied(copy)), where


def _light(behind: Picture) -> float:
    """Return how much of its light a face has before this background."""
    return min(1.0, max(_LEAST_LIGHT, float(behind.mean()) / _LIT))


def is_found(where: Box, detections: Sequence[Detection]) -> bool:
    """Whether one of the detections is the planted face."""
    return any(each.box.iou(where) >= _SAME for each in detections)
