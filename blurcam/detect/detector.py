"""The interface of a face detector, and its possible findings on a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.detect.sheets import Searchable
from blurcam.media.regions import Box, Reason

# A box is a second box on the same face if this share of it lies in another box, and it has at
# least the second share of that one's area. At 0.26 false boxes a picture, this finds 75.5 instead
# of 75.1 % of the faces of 12 to 16 px, and 92.6 instead of 92.2 % of those of 32 to 64 px
# (docs/design/decisions).
_INSIDE: Final = 0.8
_NOT_MUCH_SMALLER: Final = 0.25


@dataclass(frozen=True, slots=True)
class Detection:
    """A face: its box in full-frame pixels, and the confidence in it, 0 to 1.

    ``track`` is the number of the face's track, ``None`` before the tracker has assigned one. The
    face was found on the frame ``turned`` by so many degrees clockwise.
    """

    box: Box
    confidence: float
    track: int | None = None
    turned: int = 0


class Answer(Protocol):
    """A search that was started and may still be under way."""

    @property
    def is_ready(self) -> bool:
        """Whether :meth:`wait` would return or raise at once."""

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces, waiting at most ``timeout`` seconds.

        Raises :class:`~blurcam.errors.DetectorError` if the search failed, gave numbers that are
        not finite, or did not end in time. An empty result means: searched, and no face found.
        """


class Detector(Protocol):
    """Finds faces in views of a frame."""

    @property
    def name(self) -> str:
        """The detector's name on the command line."""

    @property
    def threshold(self) -> float:
        """The confidence from which the detector reports a face."""

    @property
    def smallest_face(self) -> int:
        """The height in pixels of the view from which most faces are found."""

    def start(self, views: Sequence[Searchable]) -> Answer:
        """Begin to search one frame, given as one view or several (a whole and its tiles)."""

    def close(self) -> None:
        """Release the runtime; safe to call twice."""


class CombinedDetector:
    """Several detectors as one: it finds what any of them finds."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        """Take over the detectors."""
        self._detectors = tuple(detectors)
        self.name = "+".join(each.name for each in detectors)
        self.threshold = min(each.threshold for each in detectors)
        self.smallest_face = min(each.smallest_face for each in detectors)

    def start(self, views: Sequence[Searchable]) -> CombinedAnswer:
        """Begin to search with each of them."""
        return CombinedAnswer(tuple(each.start(views) for each in self._detectors))

    def close(self) -> None:
        """Release them all."""
        for each in self._detectors:
            each.close()


@dataclass(frozen=True, slots=True)
class CombinedAnswer:
    """Several searches of the same views."""

    answers: tuple[Answer, ...]

    @property
    def is_ready(self) -> bool:
        """Whether all have ended."""
        return all(answer.is_ready for answer in self.answers)

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return what any has found; raises DetectorError where any has failed."""
        return merge([each for answer in self.answers for each in answer.wait(timeout)])


@dataclass(frozen=True, slots=True)
class Answered:
    """The detector answered; no detections means that it saw no face.

    ``followed`` are the faces that it did not see but whose own pixels were found again.
    """

    detections: tuple[Detection, ...]
    followed: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows what the frame shows, for this reason: it must be fully covered."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Accounted:
    """Evidence accounts for the frame: all that it shows was searched, before or on this frame.

    ``detections`` are from the areas searched on this frame; ``followed`` is as in
    :class:`Answered`.
    """

    detections: tuple[Detection, ...] = ()
    followed: tuple[Detection, ...] = ()


Finding = Answered | Unanswered | Accounted
"""The result of the search of one frame."""


def merge(found: Sequence[Detection], iou: float = 0.4) -> tuple[Detection, ...]:
    """Return the surest of each bunch of overlapping detections (non-maximum suppression).

    Two boxes that overlap by ``iou`` or more count as one face. The surest come first.
    """
    if not found:
        return ()
    boxes = [(d.box.x0, d.box.y0, d.box.width, d.box.height) for d in found]
    kept = cv2.dnn.NMSBoxes(boxes, [d.confidence for d in found], 0.0, iou)
    return tuple(found[int(i)] for i in kept)


def bunches(found: Sequence[Detection], iou: float = 0.4) -> list[list[int]]:
    """Return the detections of each face: a list of indices for each, the surest first.

    They overlap, or one lies in the other and is not much smaller, such as a box on the lower half
    of a face that another pass saw fully.
    """
    order = sorted(range(len(found)), key=lambda i: -found[i].confidence)
    if not order:
        return []
    overlaps = _are_same(found, iou)
    free = np.ones(len(found), bool)
    made = []
    for first in order:
        if free[first]:
            members = [
                first,
                *(int(i) for i in np.nonzero(overlaps[first] & free)[0] if i != first),
            ]
            free[members] = False
            made.append(members)
    return made


def _are_same(found: Sequence[Detection], iou: float) -> NDArray[np.bool_]:
    """Return for every pair whether it counts as one face."""
    x0, y0, x1, y1 = np.array(
        [(d.box.x0, d.box.y0, d.box.x1, d.box.y1) for d in found], np.float32
    ).T
    wide = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    high = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    common = np.maximum(wide, 0) * np.maximum(high, 0)
    area = (x1 - x0) * (y1 - y0)
    smaller, larger = np.minimum(area[:, None], area), np.maximum(area[:, None], area)
    is_inside = (common >= _INSIDE * smaller) & (smaller >= _NOT_MUCH_SMALLER * larger)
    overlap = common / (area[:, None] + area - common)
    return np.asarray((overlap > iou) | is_inside, np.bool_)
