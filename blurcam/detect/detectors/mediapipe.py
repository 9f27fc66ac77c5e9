"""MediaPipe's face detectors (BlazeFace, arXiv 1907.05047), for near cameras: door, desk, kiosk.

Apache-2.0. The input of the short-range model is 128 × 128 px, that of the full-range model
192 × 192, whatever the size of the picture: a face must fill a tenth of it. Where smaller faces
count, the picture is searched in tiles of that size, too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from blurcam.detect.detector import Detection, merge
from blurcam.detect.detectors.tiles import PictureTile, parts
from blurcam.detect.sheets import Searchable
from blurcam.errors import DetectorError, ModelError

os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

DEFAULT_THRESHOLD = 0.3

# The side of the models' input, and the height of a face in the picture from which most faces are
# found: without tiles, and with them. docs/design/recall.md has the figures.
_SIDES = {"full": 192, "short": 128}
_SMALLEST = {"full": (64, 32), "short": (128, 32)}
# Each of a hundred tiles is one more chance of a false box. So the odds of a detection in a tile
# are multiplied by this: a confidence of 0.5 becomes 0.3. That leaves 2 false boxes a picture in
# place of 14.
_ODDS_OF_A_TILE = 3 / 7


class MediaPipe:
    """Finds near faces; it searches in the caller's thread, before ``start`` returns."""

    name = "mediapipe"

    def __init__(
        self, task: Any, threshold: float, smallest_face: int, tile: int | None = None
    ) -> None:
        """Use :func:`open_mediapipe`; with ``tile``, also search tiles of that side."""
        self._task = task
        self.threshold = threshold
        self.smallest_face = smallest_face
        self._tile = tile

    def start(self, views: Sequence[Searchable]) -> MediaPipeAnswer:
        """Search a frame."""
        found: list[Detection] = []
        for view in views:
            found += self._search(view)
            if self._tile is not None:
                for part in parts(view, self._tile):
                    found += self._search(part)
        return MediaPipeAnswer(merge(found))

    def _search(self, view: Searchable | PictureTile) -> Iterator[Detection]:
        import mediapipe

        rgb = cv2.cvtColor(view.picture, cv2.COLOR_BGR2RGB)
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)
        try:
            result = self._task.detect(image)
        except (RuntimeError, ValueError) as exc:
            raise DetectorError(f"mediapipe: {exc}") from exc
        for each in result.detections:
            box, confidence = each.bounding_box, float(each.categories[0].score)
            if not math.isfinite(confidence):
                raise DetectorError("mediapipe: answered with numbers that are not finite")
            if isinstance(view, PictureTile):
                confidence = _discounted(confidence)
            if confidence >= self.threshold and box.width > 0 and box.height > 0:
                x, y = float(box.origin_x), float(box.origin_y)
                place = view.box(x, y, x + box.width, y + box.height)
                if place is not None:
                    yield Detection(place, confidence)

    def close(self) -> None:
        """Release the task."""
        if self._task is not None:
            with _quiet():
                self._task.close()
            self._task = None


def _discounted(confidence: float) -> float:
    """Return the confidence of a detection in a tile as one in the whole picture."""
    return confidence * _ODDS_OF_A_TILE / (1 - confidence * (1 - _ODDS_OF_A_TILE))


@dataclass(frozen=True, slots=True)
class MediaPipeAnswer:
    """A search that has ended."""

    detections: tuple[Detection, ...]
    is_ready: bool = True

    def wait(self, timeout: float) -> tuple[Detection, ...]:
        """Return the faces."""
        del timeout
        return self.detections


def open_mediapipe(
    weights: bytes,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    range: Literal["short", "full"] = "full",
    tiles: bool = False,
) -> MediaPipe:
    """Return the detector, made of weights whose SHA-256 was checked.

    With ``tiles`` it searches the whole picture, and overlapping tiles of it at every scale. So it
    finds all that it finds without tiles.
    """
    with _quiet():
        from mediapipe import Image, ImageFormat
        from mediapipe.tasks.python import BaseOptions
        from mediapipe.tasks.python.vision import FaceDetector, FaceDetectorOptions

        options = FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=weights),
            min_detection_confidence=threshold,
            min_suppression_threshold=0.4,
        )
        try:
            task = FaceDetector.create_from_options(options)
        except (RuntimeError, ValueError) as exc:
            raise ModelError(f"mediapipe: cannot be loaded: {exc}") from exc
        # MediaPipe writes to stderr at the first picture, too.
        task.detect(Image(image_format=ImageFormat.SRGB, data=np.zeros((8, 8, 3), np.uint8)))
    return MediaPipe(task, threshold, _SMALLEST[range][tiles], _SIDES[range] if tiles else None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard what MediaPipe's C++ code writes to stderr while the detector starts and ends."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
