"""Doubtful places of a run, listed so that a person, or `verify`, checks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region

# More seconds than this without a detection are a gap.
_GAP_S: Final = 0.5
# A track is near the threshold if the confidence of all its detections is below this.
_UNSURE: Final = 0.4
# A face is small, near the limit of what is found, if its cover is less than this high, in pixels.
_SMALL: Final = 18


@dataclass(frozen=True, slots=True)
class DoubtfulPlace:
    """A track in doubt: why, where, and from when to when, in seconds and in frames."""

    why: str
    track: int
    time: float
    until: float
    frame: int
    until_frame: int
    x0: int
    y0: int
    x1: int
    y1: int

    def __str__(self) -> str:
        """Return it as one line."""
        return (
            f"{self.why}: track {self.track}, {self.time:.2f} to {self.until:.2f} s, "
            f"{self.x0},{self.y0} to {self.x1},{self.y1}"
        )


@dataclass(slots=True)
class _Followed:
    """What is known of one track."""

    first: tuple[int, float]
    last: tuple[int, float]
    seen: tuple[int, float]
    box: Box
    best: float = 0.0
    height: int = 0


class DoubtfulPlaces:
    """Collects the doubtful places of a run from its coverage."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tracks: dict[int, _Followed] = {}
        self._gaps: list[DoubtfulPlace] = []

    def watch(self, covered: Iterable[tuple[Frame, Coverage]]) -> Iterator[tuple[Frame, Coverage]]:
        """Yield what comes, and note each track."""
        for frame, coverage in covered:
            at = frame.seq, float(frame.time)
            for region in coverage.regions:
                if region.track is not None:
                    self._note(region.track, region, at)
            yield frame, coverage

    def _note(self, track: int, region: Region, at: tuple[int, float]) -> None:
        known = self._tracks.setdefault(track, _Followed(at, at, at, region.box))
        known.last = at
        known.height = max(known.height, region.box.height)
        if region.basis is not Basis.DETECTED:
            return
        if at[1] - known.seen[1] > _GAP_S:
            self._gaps.append(_place("gap", track, known.seen, at, known.box.union(region.box)))
        known.seen, known.box = at, region.box
        known.best = max(known.best, region.confidence or 0.0)

    def told(self) -> tuple[DoubtfulPlace, ...]:
        """Return them in order of time."""
        found = list(self._gaps)
        for track, known in self._tracks.items():
            why = []
            if 0 < known.best < _UNSURE:
                why.append("near the threshold")
            if known.height < _SMALL:
                why.append("small face")
            found += [_place(each, track, known.first, known.last, known.box) for each in why]
        return tuple(sorted(found, key=lambda each: each.time))


def _place(
    why: str, track: int, start: tuple[int, float], end: tuple[int, float], box: Box
) -> DoubtfulPlace:
    return DoubtfulPlace(
        why, track, round(start[1], 3), round(end[1], 3), start[0], end[0],
        box.x0, box.y0, box.x1, box.y1,
    )  # fmt: skip
