"""The evaluation: it redacts labelled pictures or a labelled recording, and measures the cover."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from blurcam import __version__
from blurcam.assess.extra_boxes import read_extra
from blurcam.assess.labels import LabelledFace, Labels, read_labels
from blurcam.assess.measure import Measure
from blurcam.assess.picture_findings import PictureFindings, only_frame
from blurcam.detect.detector import Answered, Detection, Finding
from blurcam.detect.profiles import detector_of, passes_for
from blurcam.errors import ConfigError
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.threads import prefetch
from blurcam.settings.evaluation import Evaluation
from blurcam.settings.redaction import Detect
from blurcam.sources.recording import open_source

_NO_LABELS = Labels(Path(), {}, {})


@dataclass(slots=True)
class EvaluationReport:
    """The result of a trial."""

    trial: Evaluation
    measure: Measure
    is_video: bool
    seconds_per_frame: float
    threshold: float
    searched_share: float = 1.0

    def values(self) -> dict[str, Any]:
        """Return everything for JSON, under stable keys."""
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
            if self.trial.extra is not None:
                values["on_nothing_per_picture"] = round(measure.on_nothing_per_frame, 4)
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
        nothing = f" ({measure.on_nothing_per_frame:.2f} on nothing)" if self.trial.extra else ""
        return (
            f"threshold {self.threshold:.3f}: {share:.1%} covered, "
            f"{measure.false_per_frame:.2f} false boxes each{nothing}, "
            f"{measure.over_cover:.2%} covered needlessly"
        )


def evaluate(trials: Sequence[Evaluation]) -> Iterator[EvaluationReport | float]:
    """Yield a report for each trial of one input, and between them the progress, 0 to 1.

    Trials of pictures that differ only in their threshold share one search. Raises
    :class:`~blurcam.errors.ConfigError` for labels that do not fit.
    """
    first = trials[0]
    labels = read_labels(first.labels) if first.labels is not None else _NO_LABELS
    if labels.pictures:
        found = PictureFindings(first, labels)
        yield from found.search()
        for trial in trials:
            yield _pictures(trial, labels, found)
    else:
        for trial in trials:
            yield from _recording(trial, labels)


def _pictures(trial: Evaluation, labels: Labels, found: PictureFindings) -> EvaluationReport:
    """Cover each picture by the findings at or above the threshold, and measure."""
    measure = Measure(trial.min_face)
    threshold = _threshold(trial.detect)
    extra = read_extra(trial.extra) if trial.extra is not None else {}
    for name, faces in labels.pictures.items():
        width, height = found.sizes[name]
        labels.refuse_outside(faces, width, height)
        counted = tuple(d for d in found.detections[name] if d.confidence >= threshold)
        with open_source(found.paths[name], FrameCounts()) as source:
            ((_, coverage),) = _covered(only_frame(source, found.paths[name]), counted, trial)
        size = (width, height)
        measure.add(faces, coverage, counted, size, where=name, extra=extra.get(name, ()))
    seconds = sum(found.seconds.values()) / max(1, len(found.seconds))
    return EvaluationReport(trial, measure, False, seconds, threshold)


def _threshold(detect: Detect) -> float:
    if detect.threshold is not None:
        return detect.threshold
    own = {"mediapipe": 0.3, "yunet": 0.48}.get(detector_of(detect), 0.25)
    return passes_for(detect, own, 1000, 1000).threshold


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
    """Collects the findings between search and cover."""

    detections: dict[int, tuple[Detection, ...] | None] = field(default_factory=dict)

    def watch(self, found: Iterable[tuple[Frame, Finding]]) -> Iterator[tuple[Frame, Finding]]:
        for frame, finding in found:
            answer = finding.detections if isinstance(finding, Answered) else None
            self.detections[frame.seq] = answer
            yield frame, finding


def _recording(trial: Evaluation, labels: Labels) -> Iterator[EvaluationReport | float]:
    counts, watched = FrameCounts(), _Watched()
    effect = make_effect("blur")
    coverages: dict[int, tuple[Coverage, float]] = {}
    started = time.perf_counter()
    with (
        open_source(trial.input, counts) as source,
        closing(open_detector(trial.detect)) as detector,
        closing(prefetch(source.frames(), 4)) as frames,
    ):
        size = (source.info.width, source.info.height)
        for faces in labels.frames.values():
            labels.refuse_outside(faces, *size)
        total = source.info.frame_count or 0
        found = watched.watch(searched(frames, source.info, detector, trial.detect))
        for frame, coverage in covered(found, trial.cover, counts):
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
