"""In what an output differs from its input, which it must not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from blurcam.assess.inspect_output import ContainerFacts, DecodedFrame, decoded, facts
from blurcam.assess.search_schedule import SearchSchedule
from blurcam.errors import SourceError


class InputComparison:
    """Compares count, times, size and orientation, and what looks like faces.

    ``faces_known`` becomes true where a face is seen in the input.
    """

    def __init__(self, against: Path, schedule: SearchSchedule, *, faces_known: bool) -> None:
        """Compare with this input what was searched by this schedule."""
        self.problems: list[str] = []
        self.doubts: list[str] = []
        self.faces_known = faces_known
        self._against = against
        self._schedule = schedule
        self._due = float("-inf")

    def run(self, ours: ContainerFacts, frames: int) -> Iterator[float]:
        """Compare an output of so many frames; yield the seconds decoded so far."""
        theirs = facts(self._against)
        if (ours.width, ours.height) != (theirs.width, theirs.height):
            self.problems.append(
                f"is {ours.width}x{ours.height}, and the input {theirs.width}x{theirs.height}"
            )
        if ours.orientation != theirs.orientation:
            self.problems.append(f"is shown {_shown(ours)}, and the input {_shown(theirs)}")
        decodable = 0
        try:
            for frame in decoded(self._against):
                decodable += 1
                if self._search(frame, theirs):
                    yield frame.time
        except SourceError as exc:
            self.doubts.append(f"the input is damaged: {exc}")
        if frames != decodable:
            self.problems.append(
                f"has {frames} frames, and the input {decodable} that can be decoded"
            )
        elif theirs.packets != decodable:
            self.doubts.append(
                f"of {theirs.packets} frames of the input only {decodable} can be decoded"
            )
        else:
            self._compare_times(ours, theirs)

    def _search(self, frame: DecodedFrame, theirs: ContainerFacts) -> bool:
        """Compare what was seen on this frame; search it for a first face where that is due."""
        seen = self._schedule.seen
        if seen.is_compared(frame.number):
            seen.compare(frame.number, frame.luma())
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


def _shown(found: ContainerFacts) -> str:
    mirrored = " and mirrored" if found.orientation.mirrored else ""
    return f"turned by {found.orientation.rotation} degrees{mirrored}"
