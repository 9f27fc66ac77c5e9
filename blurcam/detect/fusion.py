"""Fusion of the detections of several passes over a frame."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Final

from blurcam.detect.detector import Detection, bunches
from blurcam.media.regions import Box

# A pass has the most weight for faces of this height in its own view. It has half the weight for
# faces 3.4 times as high or a 3.4th, and never none. docs/design/recall.md has the trials.
_TELLING: Final = 90
_OCTAVES: Final = 1.5
_LEAST_TELLING: Final = 0.05
SURE: Final = 0.4
"""From this confidence on a detection is not doubtful."""


def fuse(
    passes: Sequence[Sequence[Detection]],
    threshold: float,
    tilt: float = 0.0,
    scales: Sequence[float] | None = None,
) -> tuple[Detection, ...]:
    """Return what several passes agree on, the surest first.

    The confidence of a face is the mean over the passes, with zero for a pass that did not see it.
    Its box is the mean of the boxes, weighted by confidence (weighted boxes fusion, Solovyev et
    al., arXiv 1910.13302). A true face is seen at more scales than an accident of texture. Given
    the ``scales`` of the passes, each pass is weighted by how well it sees a face of that height.
    """
    every = [(number, each) for number, found in enumerate(passes) for each in found]
    made = []
    for bunch in bunches([each for _, each in every]):
        best = [0.0] * len(passes)
        for index in bunch:
            number, each = every[index]
            best[number] = max(best[number], each.confidence)
        box = _mean([every[index][1] for index in bunch])
        weights = [_telling(box.height * scale) for scale in scales or ()] or [1.0] * len(best)
        sure = sum(map(operator.mul, best, weights)) / sum(weights)
        sure = min(1.0, sure * (min(64, max(8, box.height)) / 16) ** tilt)
        if sure >= threshold:
            made.append(Detection(box, sure))
    return tuple(sorted(made, key=lambda each: -each.confidence))


def split_doubtful(
    found: Sequence[Detection], sure: float = SURE
) -> tuple[list[Detection], list[Detection]]:
    """Return the detections of at least this confidence, and the doubtful ones."""
    return (
        [each for each in found if each.confidence >= sure],
        [each for each in found if each.confidence < sure],
    )


def settle_doubtful(
    first: Sequence[Detection], others: Sequence[Sequence[Detection]], sure: float = SURE
) -> list[Detection]:
    """Return what a first pass is sure of, and of what it doubts the mean over all passes."""
    certain, doubtful = split_doubtful(first, sure)
    return [*certain, *fuse([doubtful, *others], 0.0)]


def _telling(height: float) -> float:
    """Return the weight of a pass for a face of this height in its view."""
    octaves = math.log2(height / _TELLING) / _OCTAVES
    return math.exp(-octaves * octaves / 2) + _LEAST_TELLING


def _mean(found: Sequence[Detection]) -> Box:
    if len(found) == 1:
        return found[0].box
    total = sum(each.confidence for each in found)
    x0, y0, x1, y1 = (
        round(sum(getattr(each.box, edge) * each.confidence for each in found) / total)
        for edge in ("x0", "y0", "x1", "y1")
    )
    return Box(x0, y0, max(x0 + 1, x1), max(y0 + 1, y1))
