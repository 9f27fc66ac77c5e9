"""Whether an output is shown the way its input is, judged by the frames alone.

Tags say how a frame is turned and mirrored, and players believe them. What counts is what is seen.
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
# Redaction changes what is covered; where less than this is left of the likeness, nothing is said.
_ALIKE: Final = 0.5
# Nearly symmetrical scenes are as alike the other way round.
_CLEARLY: Final = 0.2
_MOST_FRAMES: Final = 16


class OrientationComparison:
    """Compares a few frames of an output and its input, both as they are shown."""

    def __init__(self) -> None:
        """Know no frame yet."""
        self._ours: dict[int, _Small] = {}
        self._apart = 1
        self._offered = 0
        self._ways: Counter[Orientation] = Counter()

    def offer(self, number: int, luma: Picture) -> None:
        """Keep a frame of the output, or not: few are kept, all over the recording."""
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
        """Return how the output is shown otherwise than its input, ``None`` if it is not."""
        if 2 * sum(self._ways.values()) <= len(self._ours):
            return None
        ((way, _),) = self._ways.most_common(1)
        parts = [f"turned by {way.rotation} degrees"] if way.rotation else []
        parts += ["mirrored"] if way.mirrored else []
        return (
            f"is shown another way round than the input: it would have to be {' and '.join(parts)}"
        )


def _other_way(ours: _Small, theirs: _Small) -> Orientation | None:
    """Return what would have to be done to our frame to show it as theirs.

    ``None`` for nothing, and where that cannot be told.
    """
    likeness = {way: _likeness(way.applied(ours), theirs) for way in _WAYS}
    best = max(likeness, key=lambda way: likeness[way])
    is_clear = likeness[best] >= _ALIKE and likeness[best] - likeness[AS_STORED] >= _CLEARLY
    return best if best != AS_STORED and is_clear else None


def _small(luma: Picture) -> _Small:
    small = cv2.resize(np.ascontiguousarray(luma), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return cast(_Small, small.astype(np.float64))


def _likeness(left: _Small, right: _Small) -> float:
    """Return the correlation of two pictures, 0 where one of them shows nothing."""
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return 0.0 if size < 1 else float((left * right).sum()) / size
