"""What a face detector is, and what it can say of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2

from blurcam.regions import Box, Reason
from blurcam.views import View


@dataclass(frozen=True, slots=True)
class Detection:
    """A face, where and how surely: the box in full-frame pixels, the confidence in 0 to 1."""

    box: Box
    confidence: float


class Answer(Protocol):
    """A search that was started and may still be under way."""

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces, waiting at most ``timeout`` seconds.

        Raises :class:`~blurcam.errors.DetectorError` where the search failed, gave numbers that
        are not finite, or did not end in time. Empty means: searched, and no face there.
        """


class Detector(Protocol):
    """Finds faces in views of a frame."""

    @property
    def name(self) -> str:
        """How the detector is called on the command line."""

    @property
    def threshold(self) -> float:
        """The confidence from which a face is reported, as in force."""

    @property
    def smallest_face(self) -> int:
        """The height in pixels of the view from which most faces are found."""

    def start(self, views: Sequence[View]) -> Answer:
        """Begin to search one frame, given as one view or several (a whole and its tiles)."""

    def close(self) -> None:
        """Release the runtime; safe to call twice."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The detector answered; no detections means it saw no face."""

    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows what is on the frame, for this reason: it must be covered whole."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Skipped:
    """The frame was deliberately not searched; its neighbours in time answer for it."""


Finding = Answered | Unanswered | Skipped
"""What the search says of one frame."""


def merge(found: Sequence[Detection], iou: float = 0.4) -> tuple[Detection, ...]:
    """Return the surest of each bunch of overlapping detections (non-maximum suppression).

    ``iou`` is the overlap from which two boxes are taken for one face. The surest come first.
    """
    if not found:
        return ()
    boxes = [(d.box.x0, d.box.y0, d.box.width, d.box.height) for d in found]
    kept = cv2.dnn.NMSBoxes(boxes, [d.confidence for d in found], 0.0, iou)
    return tuple(found[int(i)] for i in kept)
