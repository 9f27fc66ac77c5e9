"""Rolled heads, and cameras that hang askew: passes over a frame that is turned.

The network was trained on upright faces. It finds faces that are rolled by up to 60 degrees, so
four ways up find every roll.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.detect.crops import joined
from blurcam.detect.detector import Answer, Detection, merge
from blurcam.detect.fusion import SURE, settle_doubtful, split_doubtful
from blurcam.media.regions import Box

logger = logging.getLogger(__name__)

Turned = Mapping[int, Sequence[Box]]
"""Areas of a frame to search once more, by how many degrees clockwise it is turned for that."""

TURNS: Final = (90, 180, 270)
"""The ways up besides the upright one, in degrees clockwise."""
NOT_TURNED: Final[Turned] = MappingProxyType({})
# A turned pass counts half: upside down, textures look like faces more often than faces are upside
# down. On a quarter of the 418 labelled pictures this leaves 8 boxes on nothing, of all turns.
_TRUST: Final = 0.5
_SURE: Final = SURE / _TRUST
_SAME: Final = 0.3
# Where a rolled head was seen, such heads are searched for on all searched frames for so long.
_REMEMBERED_SECONDS: Final = 10.0
_OUT_OF_STEP: Final = 6
# What was searched is kept in so many cells across and down the frame.
_CELLS: Final = 32
# A camera is told to hang askew after so many faces that are seen better so, and so many times as
# many as upright. Nothing is told of a camera that has shown so many upright faces.
_FEWEST: Final = 3
_TIMES: Final = 3
_ENOUGH: Final = 12


class TurnedPasses:
    """The passes over a turned frame: one over areas, a second over what is doubtful there."""

    def __init__(
        self,
        areas: Turned,
        first: Callable[[int, Sequence[Box]], Answer],
        second: Callable[[int, Sequence[Box]], Answer],
    ) -> None:
        """Begin the first passes; ``first`` and ``second`` begin a pass over areas, over faces."""
        self._turns = tuple(turn for turn, boxes in areas.items() if boxes)
        self._second = second
        self.answers = [first(turn, areas[turn]) for turn in self._turns]

    def closer(self, found: Sequence[Sequence[Detection]]) -> list[Answer | None]:
        """Begin the second passes over the doubtful places of the first ones."""
        begun: list[Answer | None] = []
        for turn, each in zip(self._turns, found, strict=True):
            _, doubtful = split_doubtful(each, _SURE)
            begun.append(self._second(turn, [d.box for d in doubtful]) if doubtful else None)
        return begun

    def sum_up(
        self,
        upright: Sequence[Detection],
        first: Sequence[Sequence[Detection]],
        second: Sequence[Sequence[Detection]] = (),
    ) -> tuple[Detection, ...]:
        """Return what was found upright and turned, one detection for each face.

        A face that is seen better on the turned frame is there where that says.
        """
        turned: list[Detection] = []
        for number, turn in enumerate(self._turns):
            found = first[number]
            if second:
                found = settle_doubtful(found, [second[number]], _SURE)
            turned += [replace(each, turned=turn) for each in found]
        made = list(upright)
        for each in merge(turned):
            same = [other for other in made if other.box.iou(each.box) > _SAME]
            if any(other.confidence >= each.confidence for other in same):
                continue
            made = [other for other in made if other not in same]
            least = max((other.confidence for other in same), default=0.0)
            made.append(replace(each, confidence=max(least, _TRUST * each.confidence)))
        return tuple(sorted(made, key=lambda each: -each.confidence))


class TurnedSearch:
    """Where the turned frame is searched besides the upright one.

    Every ``period`` seconds wherever the upright frame was searched since; of a live stream a
    part at a time; and wherever anything is searched while rolled heads are about.
    """

    def __init__(self, turns: Sequence[int], period: float) -> None:
        """Begin with no rolled head."""
        self._turns = tuple(turns)
        self._period = period
        self._seen_at: dict[int, float] = {}
        self._parts = 0
        self._searched = np.zeros((_CELLS, _CELLS), bool)  # upright, and not turned since
        self._everywhere_at = float("-inf")

    def see(self, turns: Iterable[int], now: float) -> None:
        """Note how the faces that are known now are turned."""
        self._seen_at.update((turn, now) for turn in turns if turn in self._turns)

    def search(self, areas: Sequence[Box], width: int, height: int) -> None:
        """Note which areas of a frame of this size are searched upright."""
        for area in areas:
            x0, x1 = area.x0 * _CELLS // width, -(-area.x1 * _CELLS // width)
            y0, y1 = area.y0 * _CELLS // height, -(-area.y1 * _CELLS // height)
            self._searched[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True

    def begin(self, now: float) -> None:
        """Note that a frame is searched everywhere, every way up."""
        self._everywhere_at = now
        self._searched[:] = False

    def among(self, areas: Sequence[Box], now: float) -> Turned:
        """Return these areas for each turn of which a head was seen recently."""
        seen = self._seen_at.items()
        return {turn: areas for turn, at in seen if areas and abs(now - at) <= _REMEMBERED_SECONDS}

    def due(self, areas: Sequence[Box], now: float, width: int, height: int) -> Turned:
        """Return what :meth:`among` does; once a period, what was searched since, every way up."""
        if not self._turns or now - self._everywhere_at < self._period:
            return self.among(areas, now)
        boxes = _boxes(self._searched, width, height)
        self.begin(now)
        return {turn: boxes for turn in self._turns}

    def part(self, parts: Sequence[Box], areas: Sequence[Box], now: float) -> Turned:
        """Return what :meth:`among` does, and parts of the frame for the turn whose time it is."""
        made = dict(self.among(areas, now))
        if parts and self._turns:
            # Not in step with the parts of a frame, so that each comes every way.
            turn = self._turns[(self._parts + self._parts // _OUT_OF_STEP) % len(self._turns)]
            self._parts += 1
            made[turn] = [*made.get(turn, ()), *parts]
        return made


def _boxes(cells: NDArray[np.bool_], width: int, height: int) -> list[Box]:
    """Return boxes of a frame of this size that together are as large as the cells, or larger."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    return joined(
        [
            Box(
                x * width // _CELLS,
                y * height // _CELLS,
                -(-(x + wide) * width // _CELLS),
                -(-(y + high) * height // _CELLS),
            )
            for x, y, wide, high, _ in stats[1:count].tolist()
        ]
    )


class TurnedCamera:
    """Says once if a camera shows most faces turned."""

    def __init__(self) -> None:
        """Begin with no face."""
        self._tracks: dict[int | None, int] = {}
        self._is_settled = False

    def add(self, faces: Sequence[Detection]) -> None:
        """Count the tracks that the detector saw on a frame, by how they were turned."""
        if self._is_settled or not faces:
            return
        self._tracks.update((each.track, each.turned) for each in faces)
        seen = Counter(self._tracks.values())
        ((turn, count),) = seen.most_common(1)
        if turn and count >= max(_FEWEST, _TIMES * seen[0]):
            self._is_settled = True
            logger.warning(
                "%d of %d faces are seen better if the frame is turned by %d degrees: "
                "if the camera hangs so, say --rotate %d (rotate: %d in cameras.yaml)",
                count,
                seen.total(),
                turn,
                turn,
                turn,
            )
        elif seen[0] >= _ENOUGH:
            self._is_settled = True
