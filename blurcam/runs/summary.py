"""What a run did, as values, as JSON and as a few lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from blurcam import __version__
from blurcam.detect.detector import Detector
from blurcam.detect.profiles import smallest_face
from blurcam.detect.search import SearchPasses
from blurcam.errors import SinkWriteError
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import write_file
from blurcam.settings.addresses import Address
from blurcam.track.doubts import DoubtfulPlace

# Doubtful places are told in full up to so many; the rest is counted.
_MOST_TOLD: Final = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """What a finished run did to its input.

    Every decoded frame (``frames_in``) was exactly one of redacted, fully covered
    (``frames_covered_whole``), dropped on purpose before its search, or frozen; ``frames_lost``
    were never decoded. ``duration_s`` is media time, ``wall_s`` the time that the run took.
    ``complete`` is false if a fault lost a frame or had one fully covered;
    ``covered_whole_reasons`` counts the reasons. ``stages`` says what each stage took, if asked.
    ``doubtful`` are places that somebody should look at: a gap in a track, a track near the
    threshold or of a small face. ``input_starts_s`` is the time stamp of the input's first frame.
    """

    version: str
    input: str
    output: str
    complete: bool
    frames_in: int
    frames_redacted: int
    frames_covered_whole: int
    frames_dropped: int
    frames_frozen: int
    frames_lost: int
    tracks: int
    detector: str
    threshold: float | None
    smallest_face: int | None
    effect: str
    duration_s: float
    wall_s: float
    input_sha256: str = ""
    output_sha256: str = ""
    covered_whole_reasons: dict[str, int] = field(default_factory=dict)
    regions_removed: int = 0
    regions_added: int = 0
    detections_ignored: int = 0
    fault: str | None = None
    notices: tuple[str, ...] = ()
    stages: dict[str, Any] | None = None
    doubtful: tuple[DoubtfulPlace, ...] = ()
    doubtful_count: int = 0
    input_starts_s: float = 0.0

    def with_doubts(self, places: tuple[DoubtfulPlace, ...]) -> Summary:
        """Return the summary with the places where the run was in doubt: the first in full."""
        return replace(self, doubtful=places[:_MOST_TOLD], doubtful_count=len(places))

    @classmethod
    def of(
        cls,
        counts: FrameCounts,
        detector: Detector | None,
        passes: SearchPasses | None,
        *,
        input: Path | Address,
        output: Path,
        effect: str,
        duration: Fraction,
        wall: float,
    ) -> Summary:
        """Return what was done to the frames that ``counts`` counted."""
        smallest = smallest_face(passes, detector.smallest_face) if passes and detector else None
        return cls(
            version=__version__,
            input=str(input),
            output=str(output),
            complete=counts.complete,
            frames_in=counts.frames_in,
            frames_redacted=counts.redacted,
            frames_covered_whole=sum(counts.covered_whole.values()),
            frames_dropped=counts.dropped,
            frames_frozen=counts.frozen,
            frames_lost=counts.lost,
            tracks=counts.tracks,
            detections_ignored=counts.ignored,
            detector=detector.name if detector else "",
            threshold=passes.threshold if passes else None,
            smallest_face=smallest,
            effect=effect,
            duration_s=round(float(duration), 6),
            wall_s=round(wall, 3),
            covered_whole_reasons={r.value: n for r, n in counts.covered_whole.items()},
            fault=None if counts.fault is None else str(counts.fault),
            notices=tuple(counts.notices),
            input_starts_s=round(float(counts.starts_at), 6),
        )

    def to_json(self) -> str:
        """Return the summary as one JSON object with stable keys."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        values["doubtful"] = [asdict(each) for each in self.doubtful]
        return json.dumps(values, indent=2)

    def write(self, path: Path) -> None:
        """Write the summary into a file; raises SinkWriteError."""
        try:
            write_file(path, f"{self.to_json()}\n".encode())
        except OSError as exc:
            raise SinkWriteError(
                f"{path}: cannot be written: {exc.strerror}; the video {self.output} is complete"
            ) from exc

    def lines(self) -> Iterator[str]:
        """Yield the summary as text for people."""
        dropped = f"{self.frames_dropped} dropped, " if self.frames_dropped else ""
        yield (
            f"{self.frames_in} frames in: {self.frames_redacted} redacted, "
            f"{self.frames_covered_whole} fully covered, {dropped}{self.frames_lost} lost"
        )
        for reason, count in self.covered_whole_reasons.items():
            yield f"fully covered: {count} ({reason})"
        if self.regions_removed or self.regions_added:
            yield f"by hand: {self.regions_removed} regions removed, {self.regions_added} added"
        if self.detections_ignored:
            yield f"not covered: {self.detections_ignored} detections in a polygon to ignore"
        rate = self.frames_in / self.wall_s if self.wall_s else 0.0
        speed = self.duration_s / self.wall_s if self.wall_s else 0.0
        yield (
            f"{self.tracks} tracks, {self.duration_s:.2f} s of video in {self.wall_s:.1f} s "
            f"({rate:.1f} frames a second, {speed:.2f} times real time)"
        )
        yield self._means()
        if self.fault:
            yield f"cut short: {self.fault}"
        for notice in self.notices:
            yield f"note: {notice}"
        if self.doubtful_count:
            yield f"{self.doubtful_count} doubtful places, of which --summary lists the first"
        if self.stages is not None:
            yield from _breakdown(self.stages)

    def _means(self) -> str:
        if self.threshold is None:
            return f"drawn from {self.detector}, effect {self.effect}"
        return (
            f"{self.detector} at threshold {self.threshold:g}, smallest face "
            f"{self.smallest_face} px, effect {self.effect}"
        )


def _breakdown(stages: dict[str, Any]) -> Iterator[str]:
    yield f"{'thread':>7} {'stage':<9} {'ms a frame':>10} {'on CPU':>7}"
    for name, took in stages["seconds_per_frame"].items():
        wall, cpu = 1000 * took["wall"], 1000 * took["cpu"]
        yield f"{took['thread']:>7} {name:<9} {wall:10.3f} {cpu:7.3f}"
    fill = stages["queue_fill"]
    yield (
        f"waiting on average: {fill['decoded']:.1f} decoded frames, "
        f"{fill['redacted']:.1f} redacted ones"
    )
