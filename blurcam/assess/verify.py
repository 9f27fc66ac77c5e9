"""Whether a finished output keeps what was promised, judged from outside.

The file is opened by code that had no part in making it, and searched with a detector that had no
part in it either. Nothing found is not enough: the detector must have shown, on this footage, that
it would have seen something.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from blurcam.assess.inspect_output import ContainerFacts, facts, samples
from blurcam.assess.planted_faces import Planted, is_found, plantings
from blurcam.detect.detector import Detection, Detector, merge
from blurcam.detect.views import Picture, View
from blurcam.errors import ConfigError, ModelError, SourceError, SourceOpenError
from blurcam.media.regions import Box
from blurcam.models.load import load
from blurcam.runs.perception import open_detector
from blurcam.settings.redaction import AudioPolicy, Detect, DetectorName

_TIMEOUT: Final = 60.0
# A verifier that cries wolf is not read: these are surer than what redaction goes by. How surely
# each sees, and how often it is wrong, by this bound: python -m benchmarks.verifier
_CONFIDENCE: Final[dict[str, float]] = {"yunet": 0.7, "mediapipe": 0.7, "centerface": 0.5}
# From this height on every planted face has to be found.
_MUST_SEE: Final[dict[str, int]] = {"yunet": 24, "mediapipe": 32, "centerface": 24}
# MediaPipe sees faces that fill a tenth of a picture: it is given tiles of so many pixels.
_TILE: Final = 256
# Faces are planted into so many of the sampled frames, spread over the recording.
_PLANTED_FRAMES: Final = 4
# What is found is told in full up to so many; the rest is counted.
_MOST_TOLD: Final = 200


class VerificationVerdict(Enum):
    """What a verification comes to."""

    PASS = "pass"
    PASS_EMPTY = "pass (empty)"
    REVIEW = "review"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SeenFace:
    """Something in the output that looks like a face: seconds, a box in pixels, a confidence."""

    time: float
    x0: int
    y0: int
    x1: int
    y1: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, what was found, and the verdict.

    ``sees_from`` is the height in pixels from which the detector was shown to see every face on
    this footage. ``seen`` is what still looks like a face, ``exposure_s`` for how long.
    ``problems`` make the output fail, ``doubts`` have it reviewed.
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

    def to_values(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self) | {"verdict": self.verdict.value}

    def lines(self) -> Iterator[str]:
        """Yield it as text for people."""
        for problem in self.problems:
            yield f"fail: {problem}"
        for doubt in self.doubts:
            yield f"review: {doubt}"
        for each in self.seen[:20]:
            yield (
                f"review: looks like a face at {each.time:.2f} s, {each.x0},{each.y0} to "
                f"{each.x1},{each.y1} ({each.confidence:.2f})"
            )
        if self.seen_count > 20:
            yield f"review: and {self.seen_count - 20} more"
        shown = f"every planted face of {self.sees_from} px and more" if self.sees_from else "none"
        yield (
            f"{self.frames} frames decoded, {self.sampled} of them searched with {self.detector}, "
            f"which found {self.planted_found} of {self.planted} planted faces ({shown})"
        )
        yield f"verdict: {self.verdict.value}"


def independent_of(redactor: str) -> DetectorName:
    """Return a detector other than those that redacted: YuNet where it is here, else MediaPipe."""
    names = set(redactor.split("+"))
    if "yunet" not in names:
        try:
            load("yunet")
        except ModelError:
            pass
        else:
            return "yunet"
    return "mediapipe" if "mediapipe" not in names else "centerface"


def verify(
    output: Path,
    against: Path | None = None,
    *,
    redactor: str = "centerface",
    detector: DetectorName | None = None,
    every: float = 1.0,
    audio: AudioPolicy = "drop",
    faces_known: bool = False,
) -> Iterator[float | Verification]:
    """Verify an output: yield the seconds looked at so far, and last the verification.

    ``against`` is the recording that it was made from. ``redactor`` is the detector that redacted
    it, ``detector`` the one to verify with, where it shall not be chosen. ``faces_known``: faces
    were found when it was redacted. Raises :class:`~blurcam.errors.SourceOpenError` for a file
    that is not there, ConfigError for a detector that would only repeat its own mistakes.
    """
    chosen = detector or independent_of(redactor)
    if set(chosen.split("+")) & set(redactor.split("+")):
        raise ConfigError(
            f"detector: {chosen} also redacted it, and would miss the same faces; choose another"
        )
    with closing(open_detector(Detect(detector=chosen, threshold=_CONFIDENCE[chosen]))) as opened:
        yield from _Examination(output, against, opened, every, audio, faces_known).run()


@dataclass(slots=True)
class _Examination:
    """One verification under way."""

    output: Path
    against: Path | None
    detector: Detector
    every: float
    audio: AudioPolicy
    faces_known: bool
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    seen: list[SeenFace] = field(default_factory=list)
    kept: list[tuple[float, Picture]] = field(default_factory=list)
    planted: Planted = field(default_factory=Planted.none)
    frames: int = 0
    sampled: int = 0
    exposed: int = 0

    def run(self) -> Iterator[float | Verification]:
        found = self._facts()
        yield from self._search(found)
        if found is not None and self.against is not None:
            yield from self._compare(found, self.against)
        for seed, (_, picture) in enumerate(self.kept):
            self._plant(picture, seed)
        yield self._conclude(found)

    def _facts(self) -> ContainerFacts | None:
        """Read the container, and note what must not be in it."""
        if not self.output.exists():
            raise SourceOpenError(f"{self.output}: does not exist; name a redacted recording")
        if self.output.is_dir():
            raise SourceOpenError(f"{self.output}: is a folder; name one recording in it")
        try:
            found = facts(self.output)
        except SourceError as exc:
            self.problems.append(str(exc).removeprefix(f"{self.output}: "))
            return None
        if found.fault:
            self.problems.append(found.fault)
        if found.announced and found.announced != found.packets:
            self.problems.append(
                f"the file announces {found.announced} frames and holds {found.packets}"
            )
        for kind in sorted(set(found.other_streams)):
            if kind != "audio" or self.audio == "drop":
                self.problems.append(f"holds a stream of {kind}, which is not redacted")
        if found.tags:
            self.problems.append(f"carries metadata: {', '.join(found.tags)[:200]}")
        if found.chapters:
            self.problems.append(f"carries {found.chapters} chapters")
        return found

    def _search(self, found: ContainerFacts | None) -> Iterator[float]:
        """Decode every frame, and look for faces on some."""
        if found is None:
            return
        spread = 1
        damaged = 0
        try:
            for sample in samples(self.output, self.every):
                self.frames += 1
                damaged += sample.is_damaged
                if sample.picture is None:
                    continue
                if self.sampled % spread == 0:
                    self.kept.append((sample.time, sample.picture))
                    if len(self.kept) > 2 * _PLANTED_FRAMES:  # half of them, twice as far apart
                        self.kept, spread = self.kept[::2], spread * 2
                self.sampled += 1
                self._look(sample.time, sample.picture)
                yield sample.time
        except SourceError as exc:
            self.problems.append(str(exc).removeprefix(f"{self.output}: "))
        if damaged:
            self.problems.append(f"{damaged} frames are damaged")
        if self.frames != found.packets:
            self.problems.append(f"{found.packets} packets give {self.frames} frames")

    def _look(self, time: float, picture: Picture) -> None:
        detections = seen_by(self.detector, picture)
        self.exposed += bool(detections)
        self.seen += [
            SeenFace(round(time, 3), d.box.x0, d.box.y0, d.box.x1, d.box.y1, round(d.confidence, 3))
            for d in detections
        ]

    def _compare(self, ours: ContainerFacts, against: Path) -> Iterator[float]:
        """Note in what the output differs from its input, which it must not."""
        theirs = facts(against)
        if (ours.width, ours.height) != (theirs.width, theirs.height):
            self.problems.append(
                f"is {ours.width}x{ours.height}, and the input {theirs.width}x{theirs.height}"
            )
        if ours.rotation != theirs.rotation:
            self.problems.append(
                f"is turned by {ours.rotation} degrees, and the input by {theirs.rotation}"
            )
        decodable = 0
        finds_any = self.faces_known
        try:
            for sample in samples(against, self.every):
                decodable += 1
                if sample.picture is not None and not finds_any:
                    finds_any = bool(seen_by(self.detector, sample.picture))
                    yield sample.time
        except SourceError as exc:
            self.doubts.append(f"the input is damaged: {exc}")
        self.faces_known = finds_any
        if self.frames != decodable:
            self.problems.append(
                f"has {self.frames} frames, and the input {decodable} that can be decoded"
            )
        elif theirs.packets != decodable:
            self.doubts.append(
                f"of {theirs.packets} pictures of the input only {decodable} can be decoded"
            )
        else:
            self._compare_times(ours, theirs)

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

    def _plant(self, picture: Picture, seed: int) -> None:
        before = seen_by(self.detector, picture)
        for height, copy, where in plantings(picture, seed):
            if any(each.box.meets(where) for each in before):
                continue  # it would be found for what was there
            self.planted.note(height, found=is_found(where, seen_by(self.detector, copy)))

    def _conclude(self, found: ContainerFacts | None) -> Verification:
        must_see = _MUST_SEE[self.detector.name]
        if not self.problems and not self.planted.all_found(must_see):
            self.doubts.append(
                f"{self.detector.name} did not find every planted face of {must_see} px and more, "
                "so that it proves little"
            )
        if self.problems:
            verdict = VerificationVerdict.FAIL
        elif self.seen or self.doubts:
            verdict = VerificationVerdict.REVIEW
        else:
            verdict = (
                VerificationVerdict.PASS if self.faces_known else VerificationVerdict.PASS_EMPTY
            )
        counts = self.planted.counts.values()
        return Verification(
            output=str(self.output),
            against=None if self.against is None else str(self.against),
            verdict=verdict,
            detector=self.detector.name,
            sees_from=self.planted.sees_from,
            planted=sum(count[0] for count in counts),
            planted_found=sum(count[1] for count in counts),
            frames=self.frames,
            duration_s=0.0 if found is None else round(float(found.duration), 3),
            sampled=self.sampled,
            every_s=self.every,
            exposure_s=round(self.exposed * self.every, 3),
            seen=tuple(self.seen[:_MOST_TOLD]),
            seen_count=len(self.seen),
            problems=tuple(self.problems),
            doubts=tuple(self.doubts),
        )


def seen_by(
    detector: Detector, picture: Picture, certain: float | None = None
) -> tuple[Detection, ...]:
    """Return what a detector sees on a whole picture, and in its tiles where it needs them.

    Counts what is ``certain`` to so much; the verifier's own bound where that is not given.
    """
    rows, columns = picture.shape[:2]
    views = [View(picture, Box(0, 0, columns, rows), 0)]
    if detector.name == "mediapipe":
        for y in _steps(rows):
            for x in _steps(columns):
                area = Box(x, y, min(columns, x + _TILE), min(rows, y + _TILE))
                part = picture[area.y0 : area.y1, area.x0 : area.x1].copy()
                views.append(View(part, area, 0))
    found: list[Detection] = []
    for view in views:
        found += detector.start([view]).wait(_TIMEOUT)
    bound = _CONFIDENCE[detector.name] if certain is None else certain
    return merge([each for each in found if each.confidence >= bound])


def _steps(size: int) -> Iterator[int]:
    """Yield where tiles begin, so that they overlap by half and reach the edge."""
    start = 0
    while True:
        yield min(start, max(0, size - _TILE))
        if start + _TILE >= size:
            return
        start += _TILE // 2
