"""Runs the chain over labelled pictures or a labelled recording, and measures what it covers."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from blurcam import __version__
from blurcam.assess.labels import LabelledFace, Labels, read_labels
from blurcam.assess.measure import Measure
from blurcam.detect.detector import Answered, Detection, Detector, Finding
from blurcam.detect.profiles import detector_of, looks_for
from blurcam.errors import ConfigError
from blurcam.media.frames import Frame
from blurcam.media.regions import Box, Coverage
from blurcam.models.manifest import models
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import sha256_of
from blurcam.runtime.threads import prefetch
from blurcam.settings.evaluation import Evaluation
from blurcam.settings.redaction import Detect
from blurcam.sources.recording import FileSource, open_source

# Pictures are searched from this confidence on, so that any higher threshold can be tried on
# what was found without searching again.
_LOWEST = 0.1
_NO_LABELS = Labels(Path(), {}, {})


@dataclass(slots=True)
class EvaluationReport:
    """What a trial found."""

    trial: Evaluation
    measure: Measure
    is_video: bool
    seconds_per_frame: float
    threshold: float
    searched_share: float = 1.0

    def values(self) -> dict[str, Any]:
        """Return everything under its stable keys, as JSON takes it."""
        measure = self.measure
        settings = asdict(self.trial.detect) | asdict(self.trial.cover)
        settings |= {"threshold": self.threshold, "min_face": self.trial.min_face}
        values: dict[str, Any] = {
            "faces": measure.faces,
            "by_height": measure.by_height(),
            "over_cover": round(measure.over_cover, 6),
            "seconds_per_frame": round(self.seconds_per_frame, 4),
        }
        if self.is_video:
            minutes = measure.seconds / 60 or 1
            values |= measure.video()
            values["false_per_minute"] = round(measure.false / minutes, 2)
            values["searched_share"] = round(self.searched_share, 4)
        else:
            values["exposed_face_frames"] = len(measure.exposed)
            values["false_per_picture"] = round(measure.false_per_frame, 4)
        return values | {"settings": settings, "version": __version__}

    def lines(self) -> Iterator[str]:
        """Yield the report as text for people."""
        yield from self.measure.lines()
        values = self.values()
        for key, value in values.items():
            if not isinstance(value, dict) and key not in ("faces", "version", "over_cover"):
                yield f"{key.replace('_', ' ')}: {value}"
        yield f"threshold: {self.threshold:g}"

    def summary(self) -> str:
        """Return one line: the threshold, recall, false boxes and needless cover."""
        measure = self.measure
        covered = sum(bucket.covered for bucket in measure.buckets)
        share = covered / max(1, measure.faces)
        return (
            f"threshold {self.threshold:.3f}: {share:.1%} covered, "
            f"{measure.false_per_frame:.2f} false boxes each, "
            f"{measure.over_cover:.2%} covered needlessly"
        )


def evaluate(trials: Sequence[Evaluation]) -> Iterator[EvaluationReport | float]:
    """Yield a report for each trial of one input, and between them how far it has come, in 0 to 1.

    Trials of pictures that differ in their threshold alone share one search. Raises
    :class:`~blurcam.errors.ConfigError` for labels that do not fit.
    """
    first = trials[0]
    labels = read_labels(first.labels) if first.labels is not None else _NO_LABELS
    if labels.pictures:
        found = _Found(first, labels)
        yield from found.search()
        for trial in trials:
            yield _pictures(trial, labels, found)
    else:
        for trial in trials:
            yield from _recording(trial, labels)


class _Found:
    """What was found on each picture, kept on disk by content and settings."""

    def __init__(self, trial: Evaluation, labels: Labels) -> None:
        folder = trial.input if trial.input.is_dir() else trial.input.parent
        self.paths = {name: folder / name for name in labels.pictures}
        for name, path in self.paths.items():
            if not path.is_file():
                row = labels.pictures[name][0].row if labels.pictures[name] else 0
                raise ConfigError(f"{labels.path}: row {row}: there is no picture {path}")
        lowest = min(_LOWEST, trial.detect.threshold or _LOWEST)
        self._detect = replace(trial.detect, threshold=lowest)
        self.seconds: dict[str, float] = {}
        self.detections: dict[str, tuple[Detection, ...]] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self._last = (0, 0)

    def search(self) -> Iterator[float]:
        """Search what was not searched before; yield how far it has come."""
        # Pictures of one size in a row: a network is compiled for each size of picture.
        order = sorted(self.paths, key=lambda name: _size(self.paths[name]))
        detector: Detector | None = None
        try:
            for number, name in enumerate(order):
                kept = _cache(self._key(name))
                if not self._recall(name, kept):
                    detector = detector or open_detector(self._detect)
                    self._see(name, detector)
                    self._keep(name, kept)
                yield (number + 1) / len(order)
        finally:
            if detector is not None:
                detector.close()

    def _see(self, name: str, detector: Detector) -> None:
        tally = FrameCounts()
        with open_source(self.paths[name], tally) as source:
            (frame,) = _only(source, self.paths[name])
            size = (frame.width, frame.height)
            for _ in range(1 if size == self._last else 2):  # the first of a size compiles
                started = time.perf_counter()
                ((_, finding),) = searched([frame], source.info, detector, self._detect, 0.0)
                self.seconds[name] = time.perf_counter() - started
        if not isinstance(finding, Answered):
            raise ConfigError(f"{self.paths[name]}: could not be searched")
        self.detections[name] = finding.detections
        self.sizes[name] = self._last = size

    def _key(self, name: str) -> str:
        pinned = {each.name: each.sha256 for each in models().values()}
        settings = [sha256_of(self.paths[name]), asdict(self._detect), pinned, __version__]
        settings.append(repr(looks_for(self._detect, _LOWEST, 1000, 1000)))
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def _keep(self, name: str, path: Path) -> None:
        boxes = [
            (d.box.x0, d.box.y0, d.box.x1, d.box.y1, d.confidence) for d in self.detections[name]
        ]
        with suppress(OSError):  # a cache that cannot be written is no cache
            path.parent.mkdir(parents=True, exist_ok=True)
            content = {"size": self.sizes[name], "seconds": self.seconds[name], "boxes": boxes}
            path.write_text(json.dumps(content), encoding="utf-8")

    def _recall(self, name: str, path: Path) -> bool:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            boxes = tuple(Detection(Box(*map(int, b[:4])), float(b[4])) for b in kept["boxes"])
            self.sizes[name] = (int(kept["size"][0]), int(kept["size"][1]))
            self.seconds[name] = float(kept["seconds"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return False
        self.detections[name] = boxes
        return True


def _size(path: Path) -> tuple[int, int]:
    tally = FrameCounts()
    with open_source(path, tally) as source:
        return source.info.width, source.info.height


def _only(source: FileSource, path: Path) -> list[Frame]:
    frames = list(source.frames())
    if len(frames) != 1:
        raise ConfigError(f"{path}: holds {len(frames)} pictures where one is labelled")
    return frames


def _cache(key: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "blurcam" / "evaluate" / key[:2] / f"{key}.json"


def _pictures(trial: Evaluation, labels: Labels, found: _Found) -> EvaluationReport:
    """Cover each picture by what was found on it from the threshold on, and measure."""
    measure = Measure(trial.min_face)
    threshold = _threshold(trial.detect)
    for name, faces in labels.pictures.items():
        width, height = found.sizes[name]
        labels.refuse_outside(faces, width, height)
        counted = tuple(d for d in found.detections[name] if d.confidence >= threshold)
        with open_source(found.paths[name], FrameCounts()) as source:
            ((_, coverage),) = _covered(_only(source, found.paths[name]), counted, trial)
        measure.add(faces, coverage, counted, (width, height), where=name)
    seconds = sum(found.seconds.values()) / max(1, len(found.seconds))
    return EvaluationReport(trial, measure, False, seconds, threshold)


def _threshold(detect: Detect) -> float:
    if detect.threshold is not None:
        return detect.threshold
    own = {"mediapipe": 0.3, "yunet": 0.48}.get(detector_of(detect), 0.25)
    return looks_for(detect, own, 1000, 1000).threshold


def _covered(
    frames: Iterable[Frame], detections: tuple[Detection, ...], trial: Evaluation
) -> Iterator[tuple[Frame, Coverage]]:
    effect = make_effect("blur")
    scanned = ((frame, Answered(detections)) for frame in frames)
    for frame, coverage in covered(scanned, trial.cover, FrameCounts()):
        redact(frame, coverage, effect)
        yield frame, coverage


@dataclass(slots=True)
class _Watched:
    """What passed between search and cover."""

    detections: dict[int, tuple[Detection, ...] | None] = field(default_factory=dict)

    def watch(self, found: Iterable[tuple[Frame, Finding]]) -> Iterator[tuple[Frame, Finding]]:
        for frame, finding in found:
            answer = finding.detections if isinstance(finding, Answered) else None
            self.detections[frame.seq] = answer
            yield frame, finding


def _recording(trial: Evaluation, labels: Labels) -> Iterator[EvaluationReport | float]:
    tally, watched = FrameCounts(), _Watched()
    effect = make_effect("blur")
    coverages: dict[int, tuple[Coverage, float]] = {}
    started = time.perf_counter()
    with (
        open_source(trial.input, tally) as source,
        closing(open_detector(trial.detect)) as detector,
        closing(prefetch(source.frames(), 4)) as frames,
    ):
        size = (source.info.width, source.info.height)
        for faces in labels.frames.values():
            labels.refuse_outside(faces, *size)
        total = source.info.frame_count or 0
        found = watched.watch(
            searched(frames, source.info, detector, trial.detect, trial.cover.lead)
        )
        for frame, coverage in covered(found, trial.cover, tally):
            redact(frame, coverage, effect)
            coverages[frame.seq] = coverage, float(frame.time)
            if total:
                yield min(1.0, (frame.seq + 1) / total)
    seconds = (time.perf_counter() - started) / max(1, len(coverages))
    measure = _measured(trial, labels, coverages, watched, size)
    share = sum(d is not None for d in watched.detections.values()) / max(1, len(coverages))
    yield EvaluationReport(trial, measure, True, seconds, _threshold(trial.detect), share)


def _measured(
    trial: Evaluation,
    labels: Labels,
    coverages: dict[int, tuple[Coverage, float]],
    watched: _Watched,
    size: tuple[int, int],
) -> Measure:
    measure = Measure(trial.min_face)
    labelled = sorted(labels.frames) if labels.frames else sorted(coverages)
    missing = [seq for seq in labelled if seq not in coverages]
    if missing:
        row = labels.frames[missing[0]][0].row if labels.frames[missing[0]] else 0
        raise ConfigError(
            f"{labels.path}: row {row}: frame {missing[0]} is not in {trial.input} "
            f"({len(coverages)} frames)"
        )
    steps = [coverages[b][1] - coverages[a][1] for a, b in pairwise(labelled)]
    steps.append(steps[-1] if steps else 0.0)
    for seq, step in zip(labelled, steps, strict=True):
        faces: tuple[LabelledFace, ...] = labels.frames.get(seq, ())
        coverage, at = coverages[seq]
        measure.add(
            faces, coverage, watched.detections.get(seq), size, where=str(seq), time=at, step=step
        )
    return measure
