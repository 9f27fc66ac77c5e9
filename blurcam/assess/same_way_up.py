"""The comparison of an output's orientation with its input's, by the frames as they are shown.

Tags tell how a frame is turned and mirrored, and players obey them. This compares the result.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.assess.inspect_output import Picture
from blurcam.media.orientation import AS_STORED, Orientation

_Small = NDArray[np.float64]

_SIDE: Final = 48
_WAYS: Final = [Orientation(turn, mirror) for turn in (0, 90, 180, 270) for mirror in (False, True)]
# Redaction changes the covered areas. Frames with less correlation than this are not judged.
_ALIKE: Final = 0.5
# A nearly symmetrical scene is as much alike turned: another orientation must win by this much.
_CLEARLY: Final = 0.2
_MOST_FRAMES: Final = 16


class OrientationComparison:
    """Compares a few frames of an output and its input, both as they are shown."""

    def __init__(self) -> None:
        """Begin without a frame."""
        self._ours: dict[int, _Small] = {}
        self._apart = 1
        self._offered = 0
        self._ways: Counter[Orientation] = Counter()

    def offer(self, number: int, luma: Picture) -> None:
        """Keep a frame of the output, or not: a few are kept, spread over the recording."""
        if self._offered % self._apart == 0:
            self._ours[number] = _small(luma)
            if len(self._ours) > _MOST_FRAMES:  # half of them, twice as far apart
                self._ours = dict(list(self._ours.items())[::2])
                self._apart *= 2
        self._offered += 1

    def is_compared(self, number: int) -> bool:
        """Return whether the output's frame of this number is kept."""
        return number in self._ours

    def compare(self, number: int, luma: Picture) -> None:
        """Compare a frame of the input with the output's frame of the same number."""
        way = _other_way(self._ours[number], _small(luma))
        if way is not None:
            self._ways[way] += 1

    def problem(self) -> str | None:
        """Return how the output's orientation differs from its input's, ``None`` if it does not."""
        if 2 * sum(self._ways.values()) <= len(self._ours):
            return None
        ((way, _),) = self._ways.most_common(1)
        parts = [f"turned by {way.rotation} degrees"] if way.rotation else []
        parts += ["mirrored"] if way.mirrored else []
        return (
            f"is shown another way round than the input: it would have to be {' and '.join(parts)}"
        )


def _other_way(ours: _Small, theirs: _Small) -> Orientation | None:
    """Return the orientation that would turn our frame into theirs.

    Returns ``None`` if none is needed, or if that cannot be decided.
    """
    likeness = {way: _likeness(way.applied(ours), theirs) for way in _WAYS}
    best = max(likeness, key=lambda way: likeness[way])
    is_clear = likeness[best] >= _ALIKE and likeness[best] - likeness[AS_STORED] >= _CLEARLY
    return best if best != AS_STORED and is_clear else None


def _small(luma: Picture) -> _Small:
    small = cv2.resize(np.ascontiguousarray(luma), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return cast(_Small, small.astype(np.float64))


def _likeness(left: _Small, right: _Small) -> float:
    """Return the correlation of two pictures, 0 if one of them is blank."""
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return 0.0 if size < 1 else float((left * right).sum()) / size
