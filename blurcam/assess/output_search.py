"""The search of an output's frames for faces: upright, turned, and in the dark, each find twice.

A place that a first search suspects is searched again, enlarged and mirrored: a face is seen in
every view, an accident of texture in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final, cast

import cv2
import numpy as np

from blurcam.assess.inspect_output import Picture
from blurcam.detect.detector import Detection, Detector, merge
from blurcam.detect.sheets import sheets
from blurcam.detect.views import View
from blurcam.media.orientation import AS_STORED, Orientation
from blurcam.media.regions import Box
from blurcam.runs.perception import open_detector
from blurcam.settings.redaction import Detect, DetectorName

_TIMEOUT: Final = 60.0
# The mean confidence over all views must reach this, so that a verifier has few false alarms. What
# each detector sees, and how often it is wrong: python -m benchmarks.verifier
CONFIDENCE: Final[dict[str, float]] = {"yunet": 0.75, "mediapipe": 0.7, "centerface": 0.5}
# A place of this confidence in the first view is searched again.
_SUSPICION: Final[dict[str, float]] = {"yunet": 0.5, "mediapipe": 0.6, "centerface": 0.3}
# In a turned search this share of that is enough, since a head may lie between two turns.
_TURNED: Final = 0.7
# Every planted face of this height or more must be found.
MUST_SEE: Final[dict[str, int]] = {"yunet": 24, "mediapipe": 32, "centerface": 24}
# The most changed pixels of a frame that are searched at full scale; more are searched at a smaller
# one. Two cores take 15 ms for them (MediaPipe 60).
BUDGET: Final[dict[str, int]] = {"yunet": 520_000, "mediapipe": 130_000, "centerface": 260_000}
# MediaPipe finds faces that fill a tenth of a picture: it searches tiles of this size, in pixels.
_TILE: Final = 256
# The second view of a find shows the face at this height, in an area this many times its size.
_SEEN_BEST: Final = 64
_AROUND: Final = 3.0
_MOST_ENLARGED: Final = 4.0
# At most this many finds of a frame are searched again, the surest first.
_MOST_SUSPECTED: Final = 24
# An area with a lower mean is brightened before the search, and its noise is blurred.
DARK: Final = 45
_BRIGHT: Final = 110
_MOST_BRIGHTENED: Final = 8.0
_SMOOTHED: Final = 1.5
# Neighbouring rows of a combed area differ by this factor more than rows two apart.
_COMBED: Final = 1.1
_ROWS: Final = 16


class OutputSearch:
    """One detector, or several together, on frames of one output."""

    def __init__(self, detector: DetectorName, confidence: float | None = None) -> None:
        """Open the named detector; a find counts from its own confidence or the given one.

        Raises :class:`~blurcam.errors.ModelError`.
        """
        self.name = detector
        self._confidence = confidence
        parts = detector.split("+")
        self.must_see = min(MUST_SEE[part] for part in parts)
        self.budget = min(BUDGET[part] for part in parts)
        self.pixels = 0
        with ExitStack() as stack:
            self._detectors: list[Detector] = []
            for part in parts:
                kind = cast(DetectorName, part)
                threshold = min(_TURNED * _SUSPICION[part], confidence or 1.0)
                opened = open_detector(Detect(detector=kind, threshold=threshold))
                stack.callback(opened.close)
                self._detectors.append(opened)
            self._close = stack.pop_all()

    def close(self) -> None:
        """Release the detectors."""
        self._close.close()

    def search(
        self,
        picture: Picture,
        areas: Sequence[Box] = (),
        shown: Orientation = AS_STORED,
        scale: float = 1.0,
        rolls: Sequence[float] = (0.0,),
    ) -> tuple[Detection, ...]:
        """Return the faces on a stored picture, or in areas of it, the surest first.

        ``shown`` is the orientation that turns it upright. Areas are searched at ``scale``,
        together on as few sheets as possible. A suspected place is searched again at each of
        the ``rolls``, in degrees, and the surest counts.
        """
        rows, columns = picture.shape[:2]
        wanted = list(areas) or [Box(0, 0, columns, rows)]
        views = [_view(picture, area, shown, scale) for area in wanted]
        found: list[Detection] = []
        for detector in self._detectors:
            suspected = self._first(detector, views)
            found += self._again(detector, picture, suspected, shown, rolls)
        return merge(found)

    def _first(self, detector: Detector, views: list[View]) -> tuple[Detection, ...]:
        if detector.name == "mediapipe":
            tiled = [tile for view in views for tile in _tiles(view)]
            self.pixels += sum(tile.picture.size // 3 for tile in tiled)
            found = [each for tile in tiled for each in detector.start([tile]).wait(_TIMEOUT)]
            return merge(found)
        laid = sheets(views, keeps_cut=True) if len(views) > 1 else views
        self.pixels += sum(each.picture.size // 3 for each in laid)
        return detector.start(laid).wait(_TIMEOUT)

    def _again(
        self,
        detector: Detector,
        picture: Picture,
        suspected: Sequence[Detection],
        shown: Orientation,
        rolls: Sequence[float],
    ) -> list[Detection]:
        """Return the finds that are confirmed by an enlarged view and its mirror image."""
        kept = []
        bound = self._confidence or CONFIDENCE[detector.name]
        least = _SUSPICION[detector.name] * (_TURNED if len(rolls) > 1 else 1.0)
        likely = [each for each in suspected if each.confidence >= min(least, bound)]
        for each in likely[:_MOST_SUSPECTED]:
            views = _enlarged(picture, each.box, shown)
            sure = max(self._mean(detector, each, views, roll) for roll in rolls)
            if sure >= bound:
                kept.append(Detection(each.box, sure))
        return kept

    def _mean(
        self, detector: Detector, suspected: Detection, views: Sequence[View], roll: float
    ) -> float:
        """Return the mean confidence of all views; the first counts if the second is not rolled."""
        sure = [] if roll else [suspected.confidence]
        for view, degrees in zip(views, (roll, -roll), strict=False):  # the second is mirrored
            rolled = _rolled(view, degrees) if roll else view
            self.pixels += rolled.picture.size // 3
            found = detector.start([rolled]).wait(_TIMEOUT)
            same = [each.confidence for each in found if _is_same(each.box, suspected.box)]
            sure.append(max(same, default=0.0))
        return sum(sure) / max(1, len(sure))


def _is_same(one: Box, other: Box) -> bool:
    common = one.intersection(other)
    return common is not None and common.area > 0.5 * min(one.area, other.area)


def _enlarged(picture: Picture, face: Box, shown: Orientation) -> list[View]:
    rows, columns = picture.shape[:2]
    area = face.grown(_AROUND).intersection(Box(0, 0, columns, rows))
    if area is None:
        return []
    scale = min(_MOST_ENLARGED, _SEEN_BEST / face.height)
    straight = _view(picture, area, shown, scale)
    mirrored = Orientation(shown.rotation, not shown.mirrored)
    return [straight, _view(picture, area, mirrored, scale)]


def _rolled(view: View, degrees: float) -> View:
    """Return a view rolled about its middle, where the face is."""
    rows, columns = view.picture.shape[:2]
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    picture = cv2.warpAffine(view.picture, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    return View(np.asarray(picture, np.uint8), view.area, view.rotation, view.mirrored)


def _view(picture: Picture, area: Box, shown: Orientation, scale: float) -> View:
    """Return an area upright and, where it is dark, brightened."""
    part = picture[area.y0 : area.y1, area.x0 : area.x1]
    if part.shape[0] < picture.shape[0]:
        part = one_field(part)
    if scale != 1.0:
        size = (max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = np.asarray(cv2.resize(part, size, interpolation=method), np.uint8)
    upright = np.ascontiguousarray(shown.applied(brightened(part)))
    return View(upright, area, shown.rotation, shown.mirrored)


def one_field(part: Picture) -> Picture:
    """Return every second row, enlarged, of a combed picture; return any other unchanged.

    Rows two apart belong to one field of an interlaced frame. If they are more alike than
    neighbours, something has moved between the fields.
    """
    rows, columns = part.shape[:2]
    if rows < _ROWS:
        return part
    green = part[..., 1].astype(np.int16)
    neighbours = float(np.abs(green[1:-1] - green[2:]).mean())
    field = float(np.abs(green[:-2] - green[2:]).mean())
    if neighbours <= _COMBED * field:
        return part
    half = cv2.resize(part[::2], (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(half, np.uint8)


def brightened(picture: Picture) -> Picture:
    """Return a dark picture evenly lit; return any other unchanged."""
    small = cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA)
    light = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    if light.min() >= DARK:
        return picture
    rows, columns = picture.shape[:2]
    gain = np.clip(_BRIGHT / np.maximum(light, 1.0), 1.0, _MOST_BRIGHTENED)
    gain[light >= DARK] = 1.0
    full = cv2.resize(gain, (columns, rows), interpolation=cv2.INTER_LINEAR)[..., None]
    smooth = cv2.GaussianBlur(picture, (0, 0), _SMOOTHED)
    lit = np.where(full > 1.0, smooth, picture) * full
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def _tiles(view: View) -> list[View]:
    """Cut a view so that tiles overlap by half and reach its edges."""
    rows, columns = view.picture.shape[:2]
    views = [view]
    if rows <= _TILE and columns <= _TILE:
        return views
    for y in _steps(rows):
        for x in _steps(columns):
            part = view.picture[y : y + _TILE, x : x + _TILE].copy()
            high, wide = part.shape[:2]
            area = view.box(x, y, x + wide, y + high)
            views.append(View(part, area, view.rotation, view.mirrored))
    return views


def _steps(size: int) -> list[int]:
    """Return where tiles begin."""
    last = max(0, size - _TILE)
    return sorted({min(start, last) for start in range(0, last + _TILE // 2, _TILE // 2)})
