"""The measure of an evaluation: how much of the true faces lies under the mask.

A face is covered if at least 90 % of its true box inside the frame lies under the mask; otherwise
it is exposed. It is detected if a box of a search overlaps its own with an IoU of 0.3 or more. The
counts are by height of the face, which decides whether a detector can see it, and whether a person
can be recognised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from blurcam.assess.extra_boxes import ExtraBox, is_on_nothing
from blurcam.assess.labels import LabelledFace
from blurcam.detect.detector import Detection
from blurcam.media.masks import covered_share, rasterise
from blurcam.media.regions import Box, Coverage

COVERED: Final = 0.9
DETECTED: Final = 0.3
# Heights in pixels: from, and up to but not including.
HEIGHTS: Final = (8, 12, 16, 24, 32, 64, 128, 1 << 30)
# A face with a smaller share in view is not counted.
VISIBLE: Final = 0.6


@dataclass(slots=True)
class Bucket:
    """The faces of one range of heights."""

    low: int
    high: int
    faces: int = 0
    covered: int = 0
    searched: int = 0  # on frames that a search answered for
    detected: int = 0

    @property
    def name(self) -> str:
        """The range, for people and as a key."""
        return f"{self.low}+" if self.high >= 1 << 30 else f"{self.low}-{self.high}"


@dataclass(frozen=True, slots=True)
class Exposed:
    """One face on one frame that was not covered enough."""

    where: str
    time: float
    face: LabelledFace
    share: float


@dataclass(slots=True)
class Person:
    """The cover of one person over the frames on which the face is labelled."""

    states: list[tuple[float, float, bool]] = field(default_factory=list)

    @property
    def exposed_s(self) -> float:
        """Seconds of exposure."""
        return sum(step for _, step, is_covered in self.states if not is_covered)

    @property
    def longest_s(self) -> float:
        """Seconds of the longest exposure without a break."""
        longest = run = 0.0
        for _, step, is_covered in self.states:
            run = 0.0 if is_covered else run + step
            longest = max(longest, run)
        return longest

    @property
    def before_cover(self) -> int:
        """Labelled frames before the face was first covered."""
        return next((n for n, s in enumerate(self.states) if s[2]), len(self.states))

    @property
    def flickers(self) -> int:
        """How often the face was exposed between two covered frames."""
        text = "".join("c" if s[2] else "e" for s in self.states).strip("e")
        return sum(1 for part in text.split("c") if part)


@dataclass(slots=True)
class Measure:
    """The counts over labelled pictures or a labelled recording."""

    smallest: int = 8
    buckets: list[Bucket] = field(
        default_factory=lambda: [Bucket(low, high) for low, high in pairwise(HEIGHTS)]
    )
    persons: dict[str, Person] = field(default_factory=dict)
    exposed: list[Exposed] = field(default_factory=list)
    searched: int = 0
    frames: int = 0
    false: int = 0
    on_nothing: int = 0
    over_pixels: int = 0
    pixels: int = 0
    seconds: float = 0.0

    def add(
        self,
        faces: Sequence[LabelledFace],
        coverage: Coverage,
        detections: Sequence[Detection] | None,
        size: tuple[int, int],
        *,
        where: str,
        time: float = 0.0,
        step: float = 0.0,
        extra: Sequence[ExtraBox] = (),
    ) -> None:
        """Count one labelled picture or frame of ``size`` (width, height).

        ``detections`` is ``None`` if the frame was not searched. ``step`` is the time in seconds
        for which the labels of this frame stand. ``extra`` judges boxes that fit no label.
        """
        mask = rasterise(coverage.regions, *size)
        self.frames += 1
        self.seconds += step
        for face in faces:
            share = covered_share(mask, face.box)
            if share is not None and self._counts(face):
                self._face(face, share, detections, Exposed(where, time, face, share), step)
        if detections is not None:
            self.searched += 1
            false = [each.box for each in detections if self._is_false(each.box, faces)]
            self.false += len(false)
            self.on_nothing += sum(is_on_nothing(box, extra) for box in false)
        for face in faces:
            grown = face.box.grown(3)
            mask[max(0, grown.y0) : max(0, grown.y1), max(0, grown.x0) : max(0, grown.x1)] = 0
        self.over_pixels += int(mask.sum())
        self.pixels += size[0] * size[1]

    def _counts(self, face: LabelledFace) -> bool:
        return face.counts and face.visible >= VISIBLE and face.box.height >= self.smallest

    def _face(
        self,
        face: LabelledFace,
        share: float,
        detections: Sequence[Detection] | None,
        case: Exposed,
        step: float,
    ) -> None:
        bucket = next(b for b in self.buckets if face.box.height < b.high)
        bucket.faces += 1
        is_covered = share >= COVERED
        bucket.covered += is_covered
        bucket.searched += detections is not None
        bucket.detected += any(d.box.iou(face.box) >= DETECTED for d in detections or ())
        self.persons.setdefault(face.track, Person()).states.append((case.time, step, is_covered))
        if not is_covered:
            self.exposed.append(case)

    def _is_false(self, box: Box, faces: Sequence[LabelledFace]) -> bool:
        """Whether a box is on no face; a box on a face that does not count is not false."""
        if box.height < self.smallest:
            return False
        for face in faces:
            if box.iou(face.box) >= DETECTED:
                return False
            common = box.intersection(face.box)
            if common and not self._counts(face) and common.area >= DETECTED * box.area:
                return False
        return True

    @property
    def over_cover(self) -> float:
        """Share of all pixels that are covered with no face within a face's size of them."""
        return self.over_pixels / max(1, self.pixels)

    @property
    def false_per_frame(self) -> float:
        """False boxes for each frame or picture that was searched."""
        return self.false / max(1, self.searched)

    @property
    def on_nothing_per_frame(self) -> float:
        """False boxes on nothing, as far as they were judged."""
        return self.on_nothing / max(1, self.searched)

    @property
    def faces(self) -> int:
        """Faces that count."""
        return sum(bucket.faces for bucket in self.buckets)

    def exposed_from(self, height: int) -> int:
        """Return how many exposed faces there are of this height or more."""
        return sum(case.face.box.height >= height for case in self.exposed)

    def by_height(self) -> dict[str, dict[str, int]]:
        """Return the counts for each range of heights, in pixels."""
        return {
            b.name: {
                "faces": b.faces,
                "covered": b.covered,
                "searched": b.searched,
                "detected": b.detected,
            }
            for b in self.buckets
        }

    def video(self) -> dict[str, float]:
        """Return the exposure in time, which only a recording has."""
        people = self.persons.values()
        exposed_s = sum(person.exposed_s for person in people)
        return {
            "exposed_face_frames": len(self.exposed),
            "exposed_face_seconds_per_hour": round(exposed_s * 3600 / (self.seconds or 1), 3),
            "persons": len(self.persons),
            "persons_ever_exposed": sum(person.exposed_s > 0 for person in people),
            "longest_exposed_s": round(max((p.longest_s for p in people), default=0.0), 3),
            "most_frames_before_cover": max((p.before_cover for p in people), default=0),
            "flickers": sum(person.flickers for person in people),
        }

    def lines(self) -> Iterator[str]:
        """Yield a table for people: covered of all faces, detected of those that were searched."""
        yield f"{'height px':>9} {'faces':>6} {'covered':>8} {'detected':>9}"
        for bucket in self.buckets:
            if n := bucket.faces:
                found = f"{bucket.detected / bucket.searched:.1%}" if bucket.searched else "-"
                yield f"{bucket.name:>9} {n:6} {bucket.covered / n:8.1%} {found:>9}"
        yield (
            f"exposed faces: {len(self.exposed)}; covered needlessly: {self.over_cover:.2%} "
            "of all pixels"
        )
