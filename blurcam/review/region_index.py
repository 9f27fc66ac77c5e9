"""The regions of a recording, each frame's to be had at once, and what can be told of all."""

from __future__ import annotations

import hashlib
import json
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from blurcam.errors import ConfigError
from blurcam.media.regions import Box, Coverage, Reason
from blurcam.review.edited_regions import EditPlan, TrackSpan
from blurcam.track.region_lines import coverage_of_line, region_values
from blurcam.track.regions_file import Header, RegionReader, open_lines


@dataclass(slots=True)
class TrackFacts:
    """What is told of one track: when it is covered, its best frame, and how sure that was."""

    span: TrackSpan
    stretches: list[list[int]] = field(default_factory=list)
    best: int = 0
    best_box: Box = field(default_factory=lambda: Box(0, 0, 1, 1))
    confidence: float = 0.0
    height: int = 0


class RegionIndex:
    """A regions file that can be read at any frame.

    The lines lie in a file without a name, so that a day's recording takes no memory to speak of.
    """

    def __init__(self, path: Path) -> None:
        """Read the file once; raises ConfigError for what is no regions file of a run."""
        self.path = path
        self.header = _header(path)
        self.times = array("d")
        self.pts = array("q")
        self.faces = array("H")
        self.shares = array("f")
        self.whole: list[tuple[int, int, str]] = []
        self.tracks: dict[int, TrackFacts] = {}
        self._starts = array("Q", [0])
        self._body: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - see close
        try:
            self.sha256 = self._read()
        except BaseException:
            self.close()
            raise

    def _read(self) -> str:
        digest = hashlib.sha256()
        with closing(RegionReader(self.path)) as reader, open_lines(self.path) as lines:
            lines.readline()  # the header, which the reader has checked
            for coverage in reader.coverages():
                text = lines.readline()
                while not text.strip():
                    text = lines.readline()
                line, raw = json.loads(text), text.encode()
                if coverage.seq != len(self.times) or "pts" not in line:
                    raise ConfigError(
                        f"{self.path}: frame {coverage.seq} is not where it has to be; only the "
                        "regions of a whole run can be reviewed"
                    )
                digest.update(raw)
                self._body.write(raw)
                self._starts.append(self._starts[-1] + len(raw))
                self._note(coverage, line)
        return digest.hexdigest()

    def _note(self, coverage: Coverage, line: dict[str, Any]) -> None:
        frame = coverage.seq
        self.times.append(float(line["time"]))
        self.pts.append(int(line["pts"]))
        self.faces.append(len({r.track for r in coverage.regions if r.track is not None}))
        area = self.header.width * self.header.height
        covered = sum(region.box.area for region in coverage.regions)
        self.shares.append(1.0 if coverage.is_whole else min(1.0, 0.785 * covered / area))
        if coverage.reason is not None:
            self._note_whole(frame, coverage.reason)
        for region in coverage.regions:
            if region.track is not None:
                self._note_track(frame, region.track, region.box, region.confidence or 0.0)

    def _note_whole(self, frame: int, reason: Reason) -> None:
        if self.whole and self.whole[-1][1] == frame - 1 and self.whole[-1][2] == reason.value:
            self.whole[-1] = (self.whole[-1][0], frame, reason.value)
        else:
            self.whole.append((frame, frame, reason.value))

    def _note_track(self, frame: int, track: int, box: Box, confidence: float) -> None:
        known = self.tracks.get(track)
        if known is None:
            span = TrackSpan(frame, frame, box, box)
            known = self.tracks[track] = TrackFacts(span, best=frame, best_box=box)
        known.span = TrackSpan(known.span.first, frame, known.span.first_box, box)
        if known.stretches and known.stretches[-1][1] >= frame - 1:
            known.stretches[-1][1] = frame
        else:
            known.stretches.append([frame, frame])
        known.height = max(known.height, box.height)
        if confidence > known.confidence:
            known.best, known.best_box, known.confidence = frame, box, confidence

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    @property
    def spans(self) -> dict[int, TrackSpan]:
        """The span of every track."""
        return {track: facts.span for track, facts in self.tracks.items()}

    def frame_at(self, seconds: float) -> int:
        """Return the number of the frame that is shown at a time."""
        after = bisect_left(self.times, seconds + 1e-6)
        return max(0, min(len(self) - 1, after if self._is_at(after, seconds) else after - 1))

    def _is_at(self, frame: int, seconds: float) -> bool:
        return frame < len(self) and abs(self.times[frame] - seconds) < 1e-3

    def coverage(self, frame: int) -> Coverage:
        """Return the coverage of a frame, as it is on file; KeyError for no frame."""
        return coverage_of_line(self._line(frame), 1.0)[0]

    def _line(self, frame: int) -> dict[str, Any]:
        if not 0 <= frame < len(self):
            raise KeyError(frame)
        start, end = self._starts[frame], self._starts[frame + 1]
        self._body.seek(start)
        line: dict[str, Any] = json.loads(self._body.read(end - start))
        return line

    def edited_lines(self, plan: EditPlan) -> Iterator[bytes]:
        """Yield the regions file as the edits have it, line by line."""
        yield self.header.to_json().encode() + b"\n"
        for frame in range(len(self)):
            line = self._line(frame)
            coverage = coverage_of_line(line, 1.0)[0]
            numbers = {id(region): n for n, region in enumerate(coverage.regions)}
            regions = plan.edited(coverage).regions
            values = [region_values(numbers.get(id(region), -1), region) for region in regions]
            for each in values:
                if each["id"] < 0:
                    del each["id"]  # made by hand, and counted as such
            yield json.dumps(line | {"regions": values}).encode() + b"\n"

    def close(self) -> None:
        """Release the lines; safe to call twice."""
        self._body.close()


def _header(path: Path) -> Header:
    with closing(RegionReader(path)) as reader:
        if reader.header is None:
            raise ConfigError(
                f"{path}: says nothing of its recording; review needs the regions file that "
                "blurcam run --regions writes"
            )
        return reader.header
