"""How much of the true faces lies under the mask: the measure that counts.

A face on a frame (a *face-frame*) is exposed where less than 90 % of its true box, as far as it is
in the frame, lies under the mask. Counted by height of the face, since that decides whether a
detector can see it, and whether a person can be recognised.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from blurcam.errors import ConfigError
from blurcam.masks import covered_share, rasterise
from blurcam.regions import Box, Coverage

COVERED: Final = 0.9
# Heights in pixels: from, and up to but not including.
BUCKETS: Final = ((0, 16), (16, 24), (24, 32), (32, 64), (64, 1 << 30))


@dataclass(frozen=True, slots=True)
class Face:
    """A true face on one frame; ``visible`` is the share of its box that nothing hides."""

    track: int
    box: Box
    visible: float = 1.0


@dataclass(frozen=True, slots=True)
class Truth:
    """The true faces of a recording, by frame."""

    width: int
    height: int
    faces: dict[int, tuple[Face, ...]]


def read_truth(path: Path) -> Truth:
    """Read the JSON that comes with a sample video; ConfigError where it is none."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        faces = {int(f["seq"]): tuple(map(_face, f["faces"])) for f in document["frames"]}
        return Truth(int(document["width"]), int(document["height"]), faces)
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigError(f"{path}: does not say where the faces are: {exc}") from exc


def _face(entry: dict[str, Any]) -> Face:
    box = Box(int(entry["x0"]), int(entry["y0"]), int(entry["x1"]), int(entry["y1"]))
    return Face(int(entry["track"]), box, float(entry.get("visible", 1)))


@dataclass(slots=True)
class Bucket:
    """The face-frames of one range of heights."""

    low: int
    high: int
    total: int = 0
    exposed: int = 0

    @property
    def name(self) -> str:
        """The range, for people."""
        return f"{self.low}+ px" if self.high >= 1 << 30 else f"{self.low}-{self.high} px"


@dataclass(frozen=True, slots=True)
class Exposed:
    """One face-frame that was not covered enough."""

    seq: int
    face: Face
    share: float


@dataclass(slots=True)
class Exposure:
    """What was found over a recording.

    ``longest_run`` is the most frames in a row on which one person was exposed; ``over`` the
    share of all pixels that was covered although no face is within a face's size of them.
    """

    buckets: list[Bucket] = field(default_factory=lambda: [Bucket(*b) for b in BUCKETS])
    worst: list[Exposed] = field(default_factory=list)
    longest_run: int = 0
    over: float = 0.0

    def exposed(self, smallest: int) -> int:
        """Return how many exposed face-frames there are from this height on."""
        return sum(b.exposed for b in self.buckets if b.low >= smallest)

    def lines(self) -> Iterator[str]:
        """Yield a table for people."""
        for bucket in self.buckets:
            if bucket.total:
                counts = f"{bucket.exposed:5} of {bucket.total:5} exposed"
                yield f"{bucket.name:>9}: {counts} ({bucket.exposed / bucket.total:.2%})"
        yield (
            f"longest run of exposed frames: {self.longest_run}; "
            f"covered needlessly: {self.over:.2%}"
        )


def exposure(truth: Truth, coverages: Iterable[Coverage], *, visible: float = 0.6) -> Exposure:
    """Measure a recording; faces hidden more than ``visible`` allows are not counted.

    Frames without coverage on file count as not covered at all.
    """
    result = Exposure()
    runs: dict[int, int] = {}
    over_pixels = frames = 0
    by_seq = {coverage.seq: coverage for coverage in coverages}
    for seq, faces in sorted(truth.faces.items()):
        coverage = by_seq.get(seq, Coverage(seq, ()))
        mask = rasterise(coverage.regions, truth.width, truth.height)
        for face in faces:
            share = covered_share(mask, face.box)
            if share is None or face.visible < visible:
                runs[face.track] = 0
                continue
            bucket = next(b for b in result.buckets if b.low <= face.box.height < b.high)
            bucket.total += 1
            if share >= COVERED:
                runs[face.track] = 0
                continue
            bucket.exposed += 1
            runs[face.track] = runs.get(face.track, 0) + 1
            result.longest_run = max(result.longest_run, runs[face.track])
            result.worst.append(Exposed(seq, face, share))
        for face in faces:
            _clear(mask, face.box.grown(3))
        over_pixels += int(mask.sum())
        frames += 1
    result.over = over_pixels / max(1, frames * truth.width * truth.height)
    result.worst.sort(key=lambda each: each.share)
    return result


def _clear(mask: Any, box: Box) -> None:
    mask[max(0, box.y0) : max(0, box.y1), max(0, box.x0) : max(0, box.x1)] = 0
