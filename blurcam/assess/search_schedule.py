"""The search schedule of a verification: which frames are searched, where, and how closely."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from blurcam.assess.changed_areas import ChangedAreas
from blurcam.assess.inspect_output import DecodedFrame, Picture
from blurcam.assess.output_search import OutputSearch
from blurcam.assess.seen_faces import SeenFaces
from blurcam.assess.verification import SearchEffort
from blurcam.detect.crops import joined
from blurcam.media.orientation import AS_STORED, Orientation
from blurcam.media.regions import Box

# The most frames from one full search to the next, whatever their time stamps.
_MOST_FRAMES: Final = 25
# A frame with changes over more than this share of it is searched fully.
_MOST_CHANGED: Final = 0.7
_TURNS: Final = (180, 90, 270)
# A head that a turned search suspects may lie between two turns.
_ROLLS: Final = (0.0, -40.0, 40.0)


class SearchSchedule:
    """Searches frames that are due, areas that have changed, and doubtful places.

    Frames are searched as a player shows them. Each full search is repeated with the frame turned
    by 180, 90 or 270 degrees, one after another. If that shows a face, every later search is
    repeated at that turn.
    """

    def __init__(
        self, search: OutputSearch, every: float, places: Mapping[int, Sequence[Box]]
    ) -> None:
        """Search fully once in ``every`` seconds; ``places`` are doubtful ones, by frame number."""
        self.search = search
        self.every = every
        self.effort = SearchEffort(places=sum(map(len, places.values())))
        self.seen = SeenFaces()
        self.shown = AS_STORED
        self.time = 0.0
        self.pixels = 0
        self._places = places
        self._changes = ChangedAreas()
        self._turned: list[int] = []
        self._turns = 0
        self._due = (float("-inf"), 0)
        self._last: DecodedFrame | None = None

    def begin(self, shown: Orientation) -> None:
        """Take how a player shows the frames."""
        self.shown = shown

    def take(self, frame: DecodedFrame) -> bool:
        """Search a frame if that is due; return whether it was searched fully."""
        self.time = frame.time
        luma = frame.luma()
        areas = self._changes.show(luma)
        due_time, due_frame = self._due
        frame_area = luma.shape[0] * luma.shape[1]
        is_due = frame.time >= due_time - 1e-6 or frame.number >= due_frame
        self._last = None if is_due else frame
        if is_due:
            self._due = (frame.time + self.every, frame.number + _MOST_FRAMES)
            self._fully(frame, luma)
            return True
        areas = joined([*areas, *self._in_doubt(frame.number, luma)])
        if not areas:
            return False
        if sum(area.area for area in areas) > _MOST_CHANGED * frame_area:
            areas = [Box(0, 0, luma.shape[1], luma.shape[0])]
        self._partly(frame, luma, areas)
        return False

    def end(self) -> None:
        """Search the last frame fully: nothing after it answers for it."""
        if self._last is not None:
            self._fully(self._last, self._last.luma())

    def _in_doubt(self, number: int, luma: Picture) -> list[Box]:
        whole = Box(0, 0, luma.shape[1], luma.shape[0])
        inside = (box.intersection(whole) for box in self._places.get(number, ()))
        return [box for box in inside if box is not None]

    def _fully(self, frame: DecodedFrame, luma: Picture) -> None:
        picture = frame.picture()
        self._search(frame, picture, luma, 0)
        turn = _TURNS[self._turns % len(_TURNS)]
        self._turns += 1
        for each in dict.fromkeys([*self._turned, turn]):
            if self._search(frame, picture, luma, each) and each not in self._turned:
                self._turned.append(each)
        self._changes.searched()
        self.effort = replace(self.effort, whole=self.effort.whole + 1)

    def _partly(self, frame: DecodedFrame, luma: Picture, areas: list[Box]) -> None:
        picture = frame.picture()
        wanted = sum(area.area for area in areas)
        scale = min(1.0, math.sqrt(self.search.budget / wanted))
        for each in (0, *self._turned):
            self._search(frame, picture, luma, each, areas, scale)
        self._changes.searched(areas)
        effort = self.effort
        self.effort = replace(
            effort,
            parts=effort.parts + 1,
            coarse=effort.coarse + (scale < 1),
            scale=min(effort.scale, scale),
        )

    def _search(
        self,
        frame: DecodedFrame,
        picture: Picture,
        luma: Picture,
        turned: int,
        areas: Sequence[Box] = (),
        scale: float = 1.0,
    ) -> bool:
        """Search a frame, turned further than a player turns it; return whether it has a face."""
        before = self.search.pixels
        shown = self.shown.then(Orientation(turned))
        rolls = _ROLLS if turned else (0.0,)
        found = self.search.search(picture, areas, shown, scale, rolls)
        self.pixels += self.search.pixels - before
        self.seen.note(found, frame.number, frame.time, luma, turned, areas)
        return bool(found)
