"""The comparison of an output with its input: it finds differences that must not be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from blurcam.assess.inspect_output import ContainerFacts, DecodedFrame, decoded, facts
from blurcam.assess.same_way_up import OrientationComparison
from blurcam.assess.search_schedule import SearchSchedule
from blurcam.errors import SourceError
from blurcam.runtime.counts import counted

# The difference allowed between the shown shapes: sizes are whole numbers of pixels.
_SAME_SHAPE: Final = 0.01


class InputComparison:
    """Compares count, times, size and orientation, and the samples of each seen face.

    ``faces_known`` becomes true if a face is seen in the input.
    """

    def __init__(
        self,
        against: Path,
        schedule: SearchSchedule,
        ways: OrientationComparison,
        *,
        faces_known: bool,
    ) -> None:
        """Compare the frames that this schedule searched with this input; ``ways`` has ours."""
        self._ways = ways
        self.problems: list[str] = []
        self.doubts: list[str] = []
        self.faces_known = faces_known
        self._against = against
        self._schedule = schedule
        self._due = float("-inf")

    def run(self, ours: ContainerFacts, frames: int) -> Iterator[float]:
        """Compare an output that has this number of frames; yield the seconds decoded so far."""
        theirs = facts(self._against)
        self._compare_shapes(ours, theirs)
        decodable = 0
        try:
            for frame in decoded(self._against):
                decodable += 1
                if self._search(frame, ours, theirs):
                    yield frame.time
        except SourceError as exc:
            self.doubts.append(f"the input is damaged: {exc}")
        another_way = self._ways.problem()
        if another_way is not None:
            self.problems.append(another_way)
        if frames != decodable:
            self.problems.append(
                f"has {counted(frames, 'frame')}, and the input {decodable} that can be decoded"
            )
        elif theirs.packets != decodable:
            self.doubts.append(
                f"of {counted(theirs.packets, 'frame')} of the input only {decodable} can be "
                "decoded"
            )
        else:
            self._compare_times(ours, theirs)

    def _compare_shapes(self, ours: ContainerFacts, theirs: ContainerFacts) -> None:
        """Compare the size and shape that players show."""
        (width, height), (their_width, their_height) = ours.shown_size, theirs.shown_size
        if ours.shown_size != theirs.shown_size:
            self.problems.append(f"is {width}x{height}, and the input {their_width}x{their_height}")
        elif abs(ours.shown_shape / theirs.shown_shape - 1) > _SAME_SHAPE:
            self.problems.append(
                f"is shown {float(ours.shown_shape):.3f} times as wide as high, and the input "
                f"{float(theirs.shown_shape):.3f} times"
            )

    def _search(self, frame: DecodedFrame, ours: ContainerFacts, theirs: ContainerFacts) -> bool:
        """Compare the faces seen on this frame; search it for a first face if that is due."""
        seen, number = self._schedule.seen, frame.number
        if self._ways.is_compared(number):
            self._ways.compare(number, theirs.orientation.applied(frame.luma()))
        if seen.is_compared(number):
            # The input's frame, turned as the output stores it.
            way = theirs.orientation.then(ours.orientation.inverse)
            seen.compare(number, np.ascontiguousarray(way.applied(frame.luma())))
        if self.faces_known or frame.time < self._due:
            return False
        self._due = frame.time + max(self._schedule.every, 0.2)
        found = self._schedule.search.search(frame.picture(), shown=theirs.orientation)
        self.faces_known = bool(found)
        return True

    def _compare_times(self, ours: ContainerFacts, theirs: ContainerFacts) -> None:
        if ours.times is None or theirs.times is None or len(set(theirs.times)) < theirs.packets:
            self.doubts.append("the input does not say when each frame is shown; not compared")
            return
        shift = ours.times[0] - theirs.times[0]
        bound = (ours.tick + theirs.tick) / 2
        worst = max(abs(a - b - shift) for a, b in zip(ours.times, theirs.times, strict=True))
        if worst > bound:
            self.problems.append(
                f"lasts {float(ours.duration):.3f} s, its input {float(theirs.duration):.3f} s; "
                f"a frame is shown up to {float(worst):.3f} s from its time"
            )
