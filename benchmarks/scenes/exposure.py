"""Whether a face can be made out in a frame of an output, given what it looks like.

The inner part of the face, in a band of sizes that leaves out both the light on it and the noise,
is compared with the same pixels of the output: by correlation, and by how strong it is in there.
A frame in which the face is covered holds neither; what is left of noise and of coding correlates
with a face by chance only, and weakly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.truth import Face, Picture

# The part of the face's box that is compared: eyes, nose and mouth.
INNER: Final = 0.6
# From here on a face is exposed.
CORRELATION: Final = 0.4
# It is also there with at least this share of the strength that it has in an unredacted output.
STRENGTH: Final = 0.25
# Sizes of detail that are compared, over the size of the face: from the σ of one Gaussian to that
# of the other.
_FINE, _COARSE = 0.02, 0.12
# A face of which less is in view, in pixels or as a share of the inner part, is not judged.
_LEAST_PIXELS, _LEAST_SHARE = 40, 0.4


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much a face is in a frame: correlation, and strength (1: as it was drawn)."""

    correlation: float
    strength: float


NOWHERE: Final = Likeness(0.0, 0.0)


def likeness(face: Face, frame: Picture) -> Likeness:
    """Return how much of a face can be made out where it is in a frame."""
    chosen = _inner(face)
    if chosen.sum() < max(_LEAST_PIXELS, _LEAST_SHARE * INNER**2 * chosen.size):
        return NOWHERE
    drawn = _band(face.luma, face)[chosen]
    seen = _band(face.box.cut(frame), face)[chosen]
    drawn -= drawn.mean()
    seen -= seen.mean()
    own, other = float(drawn @ drawn), float(seen @ seen)
    if own <= 0 or other <= 0:
        return NOWHERE
    both = float(drawn @ seen)
    return Likeness(both / (own * other) ** 0.5, both / own)


def is_exposed(seen: Likeness, control: Likeness) -> bool:
    """Whether somebody could make the face out, given how it is in an unredacted output."""
    return seen.correlation > CORRELATION and seen.strength > STRENGTH * control.strength


def is_recognisable(control: Likeness) -> bool:
    """Whether a face can be made out in an unredacted output at all."""
    return control.correlation > CORRELATION and control.strength > 0


def longest_run(frames: Sequence[int]) -> int:
    """Return how many frames follow one another at most."""
    longest = run = 0
    before = -2
    for frame in sorted(set(frames)):
        run = run + 1 if frame == before + 1 else 1
        longest, before = max(longest, run), frame
    return longest


def _band(luma: Picture, face: Face) -> NDArray[np.float32]:
    size = (face.box.width * face.box.height) ** 0.5
    values = luma.astype(np.float32)
    fine = cv2.GaussianBlur(values, (0, 0), max(0.5, _FINE * size))
    return np.asarray(fine - cv2.GaussianBlur(values, (0, 0), max(1.5, _COARSE * size)))


def _inner(face: Face) -> NDArray[np.bool_]:
    """Return which pixels of the box are compared."""
    high, wide = face.own.shape
    dy, dx = round(high * (1 - INNER) / 2), round(wide * (1 - INNER) / 2)
    chosen = np.zeros_like(face.own)
    chosen[dy : high - dy, dx : wide - dx] = face.own[dy : high - dy, dx : wide - dx]
    return chosen
