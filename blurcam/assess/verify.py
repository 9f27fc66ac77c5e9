"""The verification of a finished output, from outside.

Code and a detector that had no part in the redaction read and search the file. Every frame is
compared with what was searched before, so that a face that shows for a single frame is searched for
on that frame. It is not enough that nothing is found: the detector must also find planted faces on
this footage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from blurcam.assess.compare_input import InputComparison
from blurcam.assess.doubtful_places import doubtful_places, places_of_summary
from blurcam.assess.inspect_output import ContainerFacts, decoded, facts
from blurcam.assess.output_search import CONFIDENCE, OutputSearch
from blurcam.assess.planted_faces import Planted, PlantedFrames
from blurcam.assess.same_way_up import OrientationComparison
from blurcam.assess.search_schedule import SearchSchedule
from blurcam.assess.seen_faces import SeenFaces
from blurcam.assess.verification import (
    MOST_TOLD,
    SearchEffort,
    Verification,
    VerificationVerdict,
)
from blurcam.errors import ConfigError, ModelError, SourceError, SourceOpenError
from blurcam.models.load import load
from blurcam.runtime.counts import counted
from blurcam.settings.redaction import AudioPolicy, DetectorName

# Faces are planted into this many searched frames, spread over the recording.
_PLANTED_FRAMES: Final = 4


def independent_of(redactor: str) -> DetectorName:
    """Return a detector other than those that redacted: YuNet if it is here, else MediaPipe.

    Raises :class:`~blurcam.errors.ConfigError` for a redactor that is not a detector.
    """
    names = set(redactor.split("+"))
    if unknown := names - CONFIDENCE.keys():
        raise ConfigError(
            f'redacted-by: there is no detector "{min(unknown)}"; there are: '
            f"{', '.join(CONFIDENCE)}, and several joined by +"
        )
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
    regions: Path | None = None,
    summary: Path | None = None,
) -> Iterator[float | Verification]:
    """Verify an output: yield the seconds searched so far, and last the verification.

    ``against`` is the recording from which it was made. ``redactor`` is the detector that redacted
    it; ``detector`` is the one to verify with, ``None`` to have one chosen. A frame is searched
    fully every ``every`` seconds (0: each frame), and every other frame where it changed. With
    ``faces_known`` the run found faces. ``regions`` and ``summary`` are the run's: their doubtful
    places are searched, too.

    Raises :class:`~blurcam.errors.SourceOpenError` for a file that does not exist, ConfigError for
    a detector that would repeat its own mistakes.
    """
    independent = independent_of(redactor)
    chosen = detector or independent
    if set(chosen.split("+")) & set(redactor.split("+")):
        raise ConfigError(
            f"detector: {chosen} also redacted it, and would miss the same faces; choose another"
        )
    places = doubtful_places(regions) if regions is not None else {}
    for number, boxes in (places_of_summary(summary) if summary is not None else {}).items():
        places.setdefault(number, []).extend(boxes)
    with closing(OutputSearch(chosen)) as search:
        schedule = SearchSchedule(search, every, places)
        yield from _Examination(output, against, schedule, audio, faces_known).run()


@dataclass(slots=True)
class _Examination:
    """One verification under way."""

    output: Path
    against: Path | None
    schedule: SearchSchedule
    audio: AudioPolicy
    faces_known: bool
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    ground: PlantedFrames = field(default_factory=lambda: PlantedFrames(_PLANTED_FRAMES))
    ways: OrientationComparison = field(default_factory=OrientationComparison)
    frames: int = 0
    frame_s: float = 0.0

    @property
    def seen(self) -> SeenFaces:
        return self.schedule.seen

    def run(self) -> Iterator[float | Verification]:
        found = self._facts()
        if found is not None:
            self.schedule.begin(found.orientation)
            yield from self._search(found)
            if self.against is not None:
                yield from self._compare(found, self.against)
        planted = self.ground.plant(self.schedule.search, self.schedule.shown)
        yield self._conclude(found, planted)

    def _facts(self) -> ContainerFacts | None:
        """Read the container, and note contents that must not be there."""
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
                f"the file announces {counted(found.announced, 'frame')} and holds {found.packets}"
            )
        for kind in sorted(set(found.other_streams)):
            if kind != "audio" or self.audio == "drop":
                self.problems.append(f"holds a stream of {kind}, which is not redacted")
        if found.tags:
            self.problems.append(f"carries metadata: {', '.join(found.tags)[:200]}")
        if found.chapters:
            self.problems.append(f"carries {counted(found.chapters, 'chapter')}")
        return found

    def _search(self, found: ContainerFacts) -> Iterator[float]:
        """Decode every frame, and search as the schedule says."""
        damaged = 0
        try:
            for frame in decoded(self.output):
                self.frames += 1
                damaged += frame.is_damaged
                if self.schedule.take(frame):
                    self.ground.offer(frame)
                    self.ways.offer(frame.number, found.orientation.applied(frame.luma()))
                    yield frame.time
            self.schedule.end()
        except SourceError as exc:
            self.problems.append(str(exc).removeprefix(f"{self.output}: "))
        self.frame_s = float(found.duration) / max(1, self.frames - 1)
        self.seen.end(self.schedule.time + self.frame_s)
        if damaged:
            self.problems.append(f"{counted(damaged, 'frame')} damaged")
        if self.frames != found.packets:
            self.problems.append(
                f"{counted(found.packets, 'packet')} for {counted(self.frames, 'frame')}"
            )

    def _compare(self, ours: ContainerFacts, against: Path) -> Iterator[float]:
        """Note the differences between the output and its input."""
        comparison = InputComparison(
            against, self.schedule, self.ways, faces_known=self.faces_known
        )
        yield from comparison.run(ours, self.frames)
        self.faces_known = comparison.faces_known
        self.problems += comparison.problems
        self.doubts += comparison.doubts

    def _conclude(self, found: ContainerFacts | None, planted: Planted) -> Verification:
        search = self.schedule.search
        if not self.problems and not planted.all_found(search.must_see):
            self.doubts.append(
                f"{search.name} did not find every planted face of {search.must_see} px and more, "
                "so that it proves little"
            )
        if not self.problems and planted.unnoticed:
            self.doubts.append(
                f"{planted.unnoticed} planted faces of {search.must_see} px and more differ too "
                "little from what is behind them to be noticed between two full searches"
            )
        seen = tuple(self.seen.told())
        counts = planted.counts.values()
        effort = self._effort(found)
        return Verification(
            output=str(self.output),
            against=None if self.against is None else str(self.against),
            verdict=self._verdict(bool(seen)),
            detector=search.name,
            sees_from=planted.sees_from,
            planted=sum(count[0] for count in counts),
            planted_found=sum(count[1] for count in counts),
            frames=self.frames,
            duration_s=0.0 if found is None else round(float(found.duration), 3),
            sampled=effort.sampled,
            every_s=self.schedule.every,
            exposure_s=round(self.seen.exposure_s(self.frame_s), 3),
            effort=effort,
            seen=seen[:MOST_TOLD],
            seen_count=len(seen),
            dismissed=self.seen.dismissed,
            problems=tuple(self.problems),
            doubts=tuple(self.doubts),
        )

    def _effort(self, found: ContainerFacts | None) -> SearchEffort:
        pixels = 0 if found is None else found.width * found.height * self.frames
        return replace(
            self.schedule.effort,
            frames=self.frames,
            scale=round(self.schedule.effort.scale, 2),
            searched_share=round(self.schedule.pixels / max(1, pixels), 3),
        )

    def _verdict(self, is_seen: bool) -> VerificationVerdict:
        if self.problems:
            return VerificationVerdict.FAIL
        if is_seen or self.doubts:
            return VerificationVerdict.REVIEW
        return VerificationVerdict.PASS if self.faces_known else VerificationVerdict.PASS_EMPTY
