"""What a face detector is, and what it can say of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
