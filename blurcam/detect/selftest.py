"""The self-test: a detector must find a known face before it searches the first frame."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from blurcam.detect.detector import Detector
from blurcam.detect.views import Picture, View
from blurcam.errors import DetectorError, ModelError
from blurcam.media.regions import Box

# Grace Hopper, official portrait by James S. Davis, United States Navy, 1984; public domain.
_PICTURE: Final = Path(__file__).parent / "known-face.jpg"
_FACE: Final = Box(52, 46, 120, 121)
_TIMEOUT: Final = 30.0


def known_face() -> tuple[Picture, Box]:
    """Return the portrait, and where its face is."""
    encoded = np.frombuffer(_PICTURE.read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8), _FACE


def prove(detector: Detector) -> None:
    """Raise :class:`~blurcam.errors.ModelError` unless the detector finds the known face.

    It must be surer of that face than of anything in an empty picture: a detector that sees
    faces everywhere is of no use. (At a very low threshold it may see one in the empty picture;
    that only covers more.)
    """
    picture, _ = known_face()
    blank = np.full_like(picture, 96)
    try:
        faces = detector.start([_view(picture)]).wait(_TIMEOUT)
        ghosts = detector.start([_view(blank)]).wait(_TIMEOUT)
    except DetectorError as exc:
        raise ModelError(f"{detector.name}: failed its self-test: {exc}") from exc
    sure = max((face.confidence for face in faces if face.box.iou(_FACE) >= 0.4), default=0.0)
    if sure <= max((ghost.confidence for ghost in ghosts), default=0.0):
        raise ModelError(
            f"{detector.name}: failed its self-test (a known face, and an empty picture) at "
            f"threshold {detector.threshold:g}; try another --threshold, or: blurcam check"
        )


def _view(picture: Picture) -> View:
    rows, columns = picture.shape[:2]
    return View(picture, Box(0, 0, columns, rows), 0)
