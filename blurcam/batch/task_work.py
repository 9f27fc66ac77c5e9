"""The work that a task asks for, done in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Final

from blurcam.assess.verification import Verification
from blurcam.assess.verify import verify
from blurcam.batch.coverage_by_second import CoverageBySecond, CoveredSecond
from blurcam.batch.kept_regions import regions_beside
from blurcam.batch.report_pictures import pictures_of
from blurcam.batch.tasks import (
    JoinSpans,
    Outcome,
    RecordingCut,
    RecordingRedacted,
    RedactRecording,
    RedactSpan,
    SpanRedacted,
    Task,
    TaskFailed,
    TaskStep,
)
from blurcam.detect.detector import Detector
from blurcam.errors import BlurcamError, ConfigError, ModelError, SinkError
from blurcam.runs.regions_header import header_of
from blurcam.runs.span_cuts import Span
from blurcam.runs.summary import Summary
from blurcam.runtime.files import is_full
from blurcam.settings.redaction import Cover, Detect, Encode
from blurcam.sinks.picture import SUFFIXES as PICTURES
from blurcam.track.region_parts import join_regions
from blurcam.track.regions_file import RegionReader, RegionWriter

# Recordings and pictures of one job are searched differently.
_OPEN_AT_ONCE: Final = 2


@dataclass(slots=True)
class WorkerState:
    """The open detectors of a worker, kept between tasks: to open one takes a second."""

    _open: dict[Detect, Detector] = field(default_factory=dict)

    def detector(self, detect: Detect) -> Detector:
        """Return the detector of these settings, opened and tested once."""
        from blurcam.runs.perception import open_detector

        if detect not in self._open:
            if len(self._open) == _OPEN_AT_ONCE:
                self.close()
            self._open[detect] = open_detector(detect)
        return self._open[detect]

    def close(self) -> None:
        """Release the detector."""
        for each in self._open.values():
            each.close()
        self._open.clear()


def refuse_encoder(encode: Encode) -> None:
    """Raise ConfigError if this machine can encode no recording with these settings.

    An encoder that fails here is named once, before the first recording.
    """
    from blurcam.encode.choice import codec_for, open_encoder
    from blurcam.encode.encoder_options import EncoderOptions
    from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
    from blurcam.runtime.counts import FrameCounts

    grey = StreamInfo("test", 320, 240, PIXEL_FORMATS["yuv420p"], Fraction(1, 25), Fraction(25))
    if encode.codec == "same":
        return  # each recording decides
    codec = codec_for(grey, "", encode.codec)
    coding = EncoderOptions(codec, encode.encoder, encode.crf, encode.preset)
    open_encoder(grey, coding, FrameCounts()).close()


def perform(task: Task, state: WorkerState) -> Iterator[TaskStep | Outcome]:
    """Do a task: yield its steps, and last its outcome.

    Errors that blurcam raises on purpose become an outcome. Any other error ends the worker.
    """
    try:
        match task:
            case RedactRecording():
                yield from _redact_recording(task, state)
            case RedactSpan():
                yield from _redact_span(task, state)
            case JoinSpans():
                yield from _join_spans(task, state)
    except (ConfigError, ModelError) as exc:
        yield TaskFailed(str(exc), fatal=isinstance(exc, ModelError))
    except SinkError as exc:
        yield TaskFailed(str(exc), fatal=is_full(exc), remedy="make room and ")
    except BlurcamError as exc:
        yield TaskFailed(str(exc))


def _redact_recording(task: RedactRecording, state: WorkerState) -> Iterator[TaskStep | Outcome]:
    from blurcam.runs.recording import open_run
    from blurcam.runs.span import spans_of

    if task.config.output.suffix.lower() in PICTURES:
        yield from _redact_picture(task, state)
        return
    spans = spans_of(task.config, task.span)
    if spans:
        yield RecordingCut(spans)
        return
    timeline = CoverageBySecond()
    detector = state.detector(task.config.detect)
    with open_run(task.config, detector=detector, watch=timeline.watch) as run:
        total = float((run.info.duration or 0) * run.info.time_base)
        for time in _since_first(run.steps()):
            yield TaskStep("redacting", time, total)
        summary = run.finish()
    yield from finish_redaction(task, summary, timeline)


def _redact_picture(task: RedactRecording, state: WorkerState) -> Iterator[TaskStep | Outcome]:
    from blurcam.runs.picture import for_pictures, redact_picture

    yield TaskStep("redacting", 0.0)
    usual, asked = Cover(), task.config
    # Settings of recordings have no effect on a picture, and must not make it fail.
    cover = replace(asked.cover, lead=usual.lead, hold=usual.hold, bridge=usual.bridge)
    detect = for_pictures(replace(asked.detect, refresh=None))
    config = replace(asked, encode=Encode(overwrite=True), cover=cover, detect=detect)
    summary = redact_picture(config, detector=state.detector(detect))
    covered = CoveredSecond(1, summary.tracks, summary.frames_covered_whole)
    yield from finish_redaction(task, summary, CoverageBySecond({0: covered}))


def _since_first(times: Iterator[Fraction]) -> Iterator[float]:
    """Yield each time in seconds after the first."""
    start: Fraction | None = None
    for time in times:
        start = time if start is None else start
        yield float(time - start)


def _label(file: int, span: Span) -> str:
    """Return the label for signing a span's packets: it names this span alone."""
    return f"recording {file}, {span}"


def _redact_span(task: RedactSpan, state: WorkerState) -> Iterator[TaskStep | Outcome]:
    from blurcam.encode.encoder import SignedPackets
    from blurcam.runs.span import open_span

    timeline = CoverageBySecond()
    packets = SignedPackets(bytes.fromhex(task.key), _label(task.file, task.span))
    detector = state.detector(task.config.detect)
    regions = RegionWriter(regions_beside(task.packets), overwrite=True)
    with (
        closing(regions),
        open_span(
            task.config,
            task.span,
            task.packets,
            packets,
            detector=detector,
            watch=lambda covered: timeline.watch(regions.record(covered)),
        ) as run,
    ):
        for count, time in enumerate(_since_first(run.steps()), 1):
            # The time of the whole span follows from its share of frames.
            yield TaskStep("redacting", time, time * task.span.frames / count)
        part = run.finish()
        regions.finish(header_of(task.config, run.info, regions.frame_count))
    yield SpanRedacted(json.dumps(asdict(part) | {"timeline": timeline.to_values()}))


def _join_spans(task: JoinSpans, state: WorkerState) -> Iterator[TaskStep | Outcome]:
    from blurcam.encode.encoder import SignedPackets
    from blurcam.runs.span import RedactedSpans, join, part_from

    timeline = CoverageBySecond()
    parts = []
    for text in task.parts:
        values = json.loads(text)
        timeline.merge(CoverageBySecond.from_values(values.pop("timeline")))
        parts.append(part_from(values))
    key = bytes.fromhex(task.key)
    packets = [SignedPackets(key, _label(task.file, span)) for span in task.spans]
    spans = RedactedSpans(task.spans, task.packets, tuple(parts))
    detector = state.detector(task.config.detect)
    start = min(timeline.seconds, default=0)
    for made in join(task.config, spans, packets, detector=detector):
        if isinstance(made, Summary):
            _join_regions(task, made)
            yield from finish_redaction(task, made, timeline)
        else:
            yield TaskStep("joining", max(0.0, float(made) - start), float(len(timeline.seconds)))


def _join_regions(task: JoinSpans, summary: Summary) -> None:
    """Make the regions of the recording of those of its spans.

    Without all of them, as after an update in the middle of a job, there are none.
    """
    parts = [regions_beside(path) for path in task.packets]
    if task.config.regions is None or not all(each.exists() for each in parts):
        return
    with closing(RegionReader(parts[0])) as reader:
        first = reader.header
    assert first is not None
    header = header_of(task.config, first, summary.frames_in, summary)
    join_regions(parts, task.config.regions, header)


def finish_redaction(
    task: RedactRecording | JoinSpans, summary: Summary, timeline: CoverageBySecond
) -> Iterator[TaskStep | Outcome]:
    """Verify a complete output if asked, take the report's pictures, and yield the outcome."""
    path = task.config.output
    verification = None
    if task.verify:
        for said in _verify(task, summary):
            if isinstance(said, Verification):
                verification = said
            else:
                yield said
    pictures = tuple(pictures_of(path, summary, timeline, verification))
    yield RecordingRedacted(summary, timeline, path.stat().st_size, verification, pictures)


def _verify(
    task: RedactRecording | JoinSpans, summary: Summary
) -> Iterator[TaskStep | Verification]:
    """Verify an output; a second pass, over the input, is counted after the first."""
    faces_known = summary.tracks > 0
    length = summary.duration_s
    total = length if faces_known else 2 * length
    before = last = 0.0
    is_picture = task.config.output.suffix.lower() in PICTURES
    # The run's doubtful places are searched, too.
    told = task.config.output.with_suffix(".json")
    summary.write(told)
    for said in verify(
        task.config.output,
        # A picture is written as it is shown: it may have the input's size with sides exchanged.
        None if is_picture else task.config.input_file,
        redactor=summary.detector,
        audio=task.config.encode.audio,
        faces_known=faces_known,
        summary=told,
    ):
        if isinstance(said, float):
            before = length if said < last else before
            last = said
            yield TaskStep("verifying", before + said, total)
        else:
            told.unlink(missing_ok=True)
            yield said
