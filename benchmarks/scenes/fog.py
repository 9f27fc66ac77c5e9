"""How much of the picture is changed, and how much of that lies on nobody's face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.truth import Face, Picture

# A cover may be so much larger than the face's box, to each side, without being fog.
_ROOM: Final = 1.6
# Coding alone changes less than this, in levels over 5 × 5 pixels; or the scene's own limit, which
# so much of an unredacted output stays below.
_LEAST, _QUANTILE = 3.0, 0.999
# A frame of which more is changed is fully covered.
_FULLY: Final = 0.9
# Frames that are not fully covered look like those they are made from, away from faces: by the
# correlation of both when small, where so much of the frame is away from faces.
_ALIKE: Final = 0.7
_LEAST_ELSEWHERE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Fog:
    """Shares of the picture, over all frames: changed, and changed away from any face.

    ``fully_covered`` has the places of such frames among all.
    """

    changed: float
    outside: float
    fully_covered: tuple[int, ...]
    is_same_scene: bool


def coding_loss(pairs: Iterable[tuple[Picture, Picture]]) -> float:
    """Return the change, in levels, that coding makes to an unredacted output at most."""
    counts = np.zeros(256, np.int64)
    for before, after in pairs:
        change = np.minimum(_change(before, after) + 1, 255).astype(np.uint8)
        counts += np.bincount(change.ravel(), minlength=256)
    share = np.cumsum(counts) / max(1, counts.sum())
    return max(_LEAST, float(np.searchsorted(share, _QUANTILE)))


def fog(pairs: Iterable[tuple[Picture, Picture, Sequence[Face]]], limit: float) -> Fog:
    """Return what became of frames, each given as it was, as it is, and with the faces on it."""
    changed, outside, alike, fully_covered = [], [], [], []
    for before, after, faces in pairs:
        change = _change(before, after) > limit
        changed.append(float(change.mean()))
        elsewhere = np.ones(change.shape, np.uint8)
        for face in faces:
            elsewhere[face.box.grown(_ROOM).within(change.shape[1], change.shape[0])] = 0
        outside.append(float((change & (elsewhere > 0)).mean()))
        if changed[-1] > _FULLY:
            fully_covered.append(len(changed) - 1)
        elif elsewhere.mean() > _LEAST_ELSEWHERE:
            alike.append(_correlation(before, after, elsewhere))
    same = not alike or float(np.median(alike)) > _ALIKE
    return Fog(_mean(changed), _mean(outside), tuple(fully_covered), same)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _change(before: Picture, after: Picture) -> NDArray[np.float32]:
    difference = cv2.subtract(after, before, dtype=cv2.CV_32F)
    return np.asarray(np.abs(cv2.blur(difference, (5, 5))), np.float32)


def _correlation(before: Picture, after: Picture, elsewhere: Picture) -> float:
    chosen = _small(elsewhere * 255) > 200
    values = [_small(each)[chosen] for each in (before, after)]
    if min(each.std() for each in values) < 0.5:
        return 1.0
    return float(np.corrcoef(values[0], values[1])[0, 1])


def _small(picture: Picture) -> NDArray[np.float64]:
    shrunk = cv2.resize(picture, (40, 24), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.float64)
