"""The result of a verification, and its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final

# At most this many seen faces are listed; the rest are counted.
MOST_TOLD: Final = 200
_MOST_LINES: Final = 20


class VerificationVerdict(Enum):
    """The verdict of a verification."""

    PASS = "pass"
    PASS_EMPTY = "pass (empty)"
    REVIEW = "review"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SeenFace:
    """Something in the output that looks like a face: its times, place and confidence.

    The box is in pixels of the stored frame at the moment of the highest confidence. ``frames`` is
    the number of searched frames on which it was seen. ``turned`` is the turn in degrees, beyond a
    player's, at which it was seen.
    """

    time: float
    x0: int
    y0: int
    x1: int
    y1: int
    confidence: float
    until: float = 0.0
    frames: int = 1
    turned: int = 0

    def __str__(self) -> str:
        """Return it as one line."""
        if self.until > self.time:
            when = f"from {self.time:.2f} to {self.until:.2f} s"
        else:
            when = f"at {self.time:.2f} s"
        turned = f", turned by {self.turned} degrees" if self.turned else ""
        return (
            f"looks like a face {when}, {self.x0},{self.y0} to {self.x1},{self.y1} "
            f"({self.confidence:.2f}{turned})"
        )


@dataclass(frozen=True, slots=True)
class SearchEffort:
    """How much of an output was searched.

    ``frames`` were decoded and compared with what was searched before. ``whole`` of them were
    searched fully, and ``parts`` where something had changed or was in doubt. ``coarse`` of those
    had more change than the budget allows, and were searched at a smaller scale, at least
    ``scale``. ``searched_share`` is the number of pixels that the detector got over those of all
    frames. ``places`` counts the doubtful places that were searched.
    """

    frames: int = 0
    whole: int = 0
    parts: int = 0
    coarse: int = 0
    scale: float = 1.0
    places: int = 0
    searched_share: float = 0.0

    @property
    def sampled(self) -> int:
        """Frames of which something was searched."""
        return self.whole + self.parts

    def __str__(self) -> str:
        """Return it as one line."""
        text = (
            f"{self.frames} frames decoded; {self.whole} searched fully, {self.parts} where "
            f"something had changed, in all {self.searched_share:.0%} of their pixels"
        )
        if self.coarse:
            text += f"; {self.coarse} of them at a scale down to {self.scale:.2f}"
        return f"{text}; {self.places} doubtful places" if self.places else text


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, what was found, and the verdict.

    ``sees_from`` is the height in pixels from which the detector found every planted face on this
    footage. ``seen`` lists what still looks like a face, and ``exposure_s`` is for how long.
    ``dismissed`` counts finds whose samples differ from the input's: they are the cover itself.
    ``problems`` make the output fail; ``doubts`` ask for a review.
    """

    output: str
    against: str | None
    verdict: VerificationVerdict
    detector: str
    sees_from: int | None
    planted: int
    planted_found: int
    frames: int
    duration_s: float
    sampled: int
    every_s: float
    exposure_s: float
    seen: tuple[SeenFace, ...] = ()
    seen_count: int = 0
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    dismissed: int = 0
    effort: SearchEffort = SearchEffort()

    def to_values(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self) | {"verdict": self.verdict.value}

    def lines(self) -> Iterator[str]:
        """Yield it as text for people."""
        for problem in self.problems:
            yield f"fail: {problem}"
        for doubt in self.doubts:
            yield f"review: {doubt}"
        for each in self.seen[:_MOST_LINES]:
            yield f"review: {each}"
        if self.seen_count > _MOST_LINES:
            yield f"review: and {self.seen_count - _MOST_LINES} more"
        if self.dismissed:
            yield f"{self.dismissed} more look like faces, and are cover: the input differs there"
        yield str(self.effort)
        shown = f"every planted face of {self.sees_from} px and more" if self.sees_from else "none"
        yield (
            f"{self.detector} found {self.planted_found} of {self.planted} planted faces ({shown})"
        )
        yield f"verdict: {self.verdict.value}"
