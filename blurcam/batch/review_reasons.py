"""The reasons to review a recording, with their moments, for the report and the status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.batch.ledger import RecordingRow
from blurcam.batch.output_names import shown
from blurcam.batch.review_steps import ReviewStep
from blurcam.runtime.counts import counted

# A reason lists at most this many moments; the rest is in the ledger.
_MOST: Final = 20
# And a report shows frames of so many at most.
_MOST_PICTURED: Final = 8
_MOST_DOUBTS_PICTURED: Final = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in the recording, in seconds, with what is there and where, if that is known.

    ``until`` is the end of a longer moment.
    """

    time: float
    until: float | None = None
    what: str = ""
    track: int | None = None
    box: tuple[int, int, int, int] | None = None
    confidence: float | None = None

    def to_values(self) -> dict[str, Any]:
        """Return it for JSON, without fields that are not known."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Moment:
        """Return what :meth:`to_values` gave, also after JSON."""
        box = values.get("box")
        return cls(**(values | {"box": None if box is None else tuple(box)}))

    @property
    def where(self) -> str:
        """The place as text, "10,20 to 30,50"; none without a box."""
        return "" if self.box is None else "{},{} to {},{}".format(*self.box)

    @property
    def title(self) -> str:
        """What is seen on a picture of it: with the time, no two moments have the same."""
        track = "" if self.track is None else f", track {self.track}"
        return f"{self.what or 'looks like a face'}{track}, {self.where}"

    def __str__(self) -> str:
        """Return it as text: "0:00:02.5, 10,20 to 30,50 (0.81)"."""
        parts = [clock(self.time) + (f" to {clock(self.until)}" if self.until else "")]
        if self.what:
            parts.append(self.what)
        if self.track is not None:
            parts.append(f"track {self.track}")
        if self.box is not None:
            parts.append(self.where)
        text = ", ".join(parts)
        return text if self.confidence is None else f"{text} ({self.confidence:.2f})"


@dataclass(frozen=True, slots=True)
class ReviewReason:
    """One reason, as a sentence, with its moments."""

    text: str
    moments: tuple[Moment, ...] = ()

    def to_values(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"text": self.text, "moments": [each.to_values() for each in self.moments]}


def reasons_of(row: RecordingRow, details: dict[str, Any]) -> Iterator[ReviewReason]:
    """Yield the reasons to review a recording; ``details`` are those of the ledger."""
    if row.state == "failed":
        yield ReviewReason(f"failed: {shown(row.error or '')}")
    if row.state != "done":
        return
    summary = details["summary"] or {}
    if row.lost:
        yield ReviewReason(f"{counted(row.lost, 'frame')} lost")
    if summary.get("fault"):
        yield ReviewReason(f"cut short: {shown(summary['fault'])}")
    covered = _fully_covered(details["timeline"])
    for reason, count in summary.get("covered_whole_reasons", {}).items():
        yield ReviewReason(f"{counted(count, 'frame')} fully covered: {reason}", covered)
    if row.verdict == "review":
        yield from verifier_reasons(details["verification"] or {})


def doubts_of(details: dict[str, Any]) -> Iterator[Moment]:
    """Yield the doubtful places of the run."""
    for each in ((details["summary"] or {}).get("doubtful") or ())[:_MOST]:
        yield Moment(
            each["time"], _end(each), what=shown(each["why"]), track=each["track"], box=_box(each)
        )


def pictured_of(details: dict[str, Any]) -> list[Moment]:
    """Return the moments whose frames a report shows, the place marked: the surest ones."""
    found = details["verification"] or {}
    seen = [each for reason in verifier_reasons(found) for each in reason.moments]
    seen.sort(key=lambda each: each.confidence or 0.0, reverse=True)
    return [*seen[:_MOST_PICTURED], *islice(doubts_of(details), _MOST_DOUBTS_PICTURED)]


def verifier_reasons(found: dict[str, Any]) -> Iterator[ReviewReason]:
    """Yield why a verification, as values, has somebody look at an output."""
    seen = found.get("seen", ())
    count = found.get("seen_count", len(seen))
    if count:
        things = "thing that looks" if count == 1 else "things that look"
        moments = tuple(
            Moment(each["time"], _end(each), box=_box(each), confidence=each["confidence"])
            for each in seen[:_MOST]
        )
        yield ReviewReason(f"the verifier sees {count} {things} like a face", moments)
    for doubt in found.get("doubts", ()):
        yield ReviewReason(doubt)


def _box(place: dict[str, Any]) -> tuple[int, int, int, int]:
    return place["x0"], place["y0"], place["x1"], place["y1"]


def _end(place: dict[str, Any]) -> float | None:
    """Return when a place ends, ``None`` if it is a single moment."""
    until = place.get("until", 0.0)
    return until if until > place["time"] else None


def _fully_covered(timeline: dict[str, Any] | None) -> tuple[Moment, ...]:
    """Return the first second of each stretch with fully covered frames."""
    if timeline is None:
        return ()
    seconds = CoverageBySecond.from_values(timeline).seconds
    starts = (s for s in sorted(seconds) if seconds[s].whole and not _was(seconds, s - 1))
    return tuple(Moment(float(second)) for second, _ in zip(starts, range(_MOST), strict=False))


def _was(seconds: dict[int, Any], second: int) -> bool:
    return second in seconds and bool(seconds[second].whole)


def clock(seconds: float) -> str:
    """Return a time in a recording as hours, minutes and seconds, with tenths where it has any."""
    whole = int(seconds)
    tenths = f".{int(10 * (seconds - whole))}" if seconds - whole >= 0.1 else ""
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}{tenths}"


def as_values(parts: Iterable[ReviewReason | Moment | ReviewStep]) -> list[dict[str, Any]]:
    """Return reasons or moments for JSON."""
    return [each.to_values() for each in parts]
