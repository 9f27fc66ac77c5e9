"""What there is to review: the recordings of a job, or one output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from blurcam.batch.review_reasons import Moment, ReviewReason
from blurcam.batch.review_steps import ReviewStep
from blurcam.batch.tasks import TaskStep
from blurcam.errors import ConfigError
from blurcam.review.edits import ReviewedFinding, ReviewEdits
from blurcam.sinks.picture import SUFFIXES as PICTURES

_BESIDE: Final = (".regions.jsonl", ".regions.jsonl.gz", ".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One recording to review: where its files are, and why somebody should look at it.

    ``digest`` is the SHA-256 that its output has.
    """

    number: int
    name: str
    source: Path | None
    output: Path
    regions: Path | None
    state: str
    verdict: str | None
    digest: str | None
    reasons: tuple[ReviewReason, ...] = ()
    doubts: tuple[Moment, ...] = ()
    findings: tuple[ReviewedFinding, ...] = ()
    steps: tuple[ReviewStep, ...] = ()


class ReviewQueue(Protocol):
    """Recordings to review, and where what becomes of them is kept."""

    title: str

    def items(self) -> list[ReviewItem]:
        """Return every recording."""

    def item(self, number: int) -> ReviewItem:
        """Return one recording; KeyError where there is none of that number."""

    def note(self, item: ReviewItem, steps: Sequence[ReviewStep]) -> None:
        """Put steps of a review on record; raises BlurcamError."""

    def apply(self, item: ReviewItem, edits: ReviewEdits) -> Iterator[TaskStep]:
        """Apply saved edits to the output; yield steps. Raises BlurcamError; then it stays."""


def findings_in(verification: dict[str, Any] | None) -> Iterator[ReviewedFinding]:
    """Yield what a verification took for faces."""
    for each in (verification or {}).get("seen", ()):
        yield ReviewedFinding(
            time=each["time"],
            until=each.get("until", 0.0),
            box=(each["x0"], each["y0"], each["x1"], each["y1"]),
            confidence=each["confidence"],
        )


def regions_of(output: Path) -> Path | None:
    """Return the regions file that lies beside an output, by its name."""
    names = [base + end for base in (output.name, output.stem) for end in _BESIDE]
    paths = (output.with_name(name) for name in names)
    return next((path for path in paths if path.is_file()), None)


def refuse_pictures(output: Path) -> None:
    """Raise ConfigError for a picture, which is reviewed by looking at it."""
    if output.suffix.lower() in PICTURES:
        raise ConfigError(f"{output}: is a picture; review is for recordings")
