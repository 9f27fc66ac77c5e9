"""A recording's coverage second by second, for the ledger and the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Coverage


@dataclass(slots=True)
class CoveredSecond:
    """One second of media time: its frames, most faces on one of them, fully covered frames."""

    frames: int = 0
    faces: int = 0
    whole: int = 0


@dataclass(slots=True)
class CoverageBySecond:
    """The coverage of a recording, or of one span of it, by second."""

    seconds: dict[int, CoveredSecond] = field(default_factory=dict)

    def watch(self, covered: Iterable[tuple[Frame, Coverage]]) -> Iterator[tuple[Frame, Coverage]]:
        """Yield what comes, and count it."""
        for frame, coverage in covered:
            self.add(int(frame.time), coverage)
            yield frame, coverage

    def add(self, second: int, coverage: Coverage) -> None:
        """Count one frame."""
        at = self.seconds.setdefault(second, CoveredSecond())
        at.frames += 1
        if coverage.is_whole:
            at.whole += 1
            return
        at.faces = max(
            at.faces, sum(r.basis not in (Basis.ZONE, Basis.DRAWN) for r in coverage.regions)
        )

    def merge(self, other: CoverageBySecond) -> None:
        """Add the counts of another span of the same recording."""
        for second, theirs in other.seconds.items():
            at = self.seconds.setdefault(second, CoveredSecond())
            at.frames += theirs.frames
            at.faces = max(at.faces, theirs.faces)
            at.whole += theirs.whole

    @property
    def busiest(self) -> int | None:
        """The second with most faces, ``None`` if no face was ever covered."""
        most = max(self.seconds, key=lambda s: (self.seconds[s].faces, -s), default=None)
        return most if most is not None and self.seconds[most].faces else None

    @property
    def first_whole(self) -> int | None:
        """The first second with a fully covered frame."""
        return min((s for s, at in self.seconds.items() if at.whole), default=None)

    def to_values(self) -> dict[str, Any]:
        """Return it for JSON: runs of equal seconds, ``[from, count, frames, faces, whole]``."""
        runs: list[list[int]] = []
        for second in sorted(self.seconds):
            at = self.seconds[second]
            facts = [at.frames, at.faces, at.whole]
            if runs and runs[-1][2:] == facts and runs[-1][0] + runs[-1][1] == second:
                runs[-1][1] += 1
            else:
                runs.append([second, 1, *facts])
        return {"runs": runs}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> CoverageBySecond:
        """Return the coverage that :meth:`to_values` wrote."""
        made = cls()
        for start, count, frames, faces, whole in values["runs"]:
            for second in range(start, start + count):
                made.seconds[second] = CoveredSecond(frames, faces, whole)
        return made
