"""The work of a job in pieces that a process of its own can do: what is asked, and what came of it.

Tasks and outcomes are values that travel between processes, and machines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.detect.detector import Detector
from blurcam.errors import BlurcamError, ConfigError, ModelError, SinkError
from blurcam.runs.span_cuts import Span
from blurcam.runs.summary import Summary
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Detect, Encode

if TYPE_CHECKING:
    from blurcam.assess.verify import Verification


@dataclass(frozen=True, slots=True)
class RedactRecording:
    """Redact a recording into ``config.output``, a name of blurcam's own.

    One that is longer than 1.5 times ``span`` seconds is only cut; 0 cuts none.
    """

    file: int
    config: Config
    verify: bool = False
    span: float = 0.0


@dataclass(frozen=True, slots=True)
class RedactSpan:
    """Redact one span of a recording into ``spool``, sealed with ``key``."""

    file: int
    config: Config
    span: Span
    spool: Path
    key: bytes


@dataclass(frozen=True, slots=True)
class JoinSpans:
    """Make one file, ``config.output``, of the spools of a recording's spans."""

    file: int
    config: Config
    spans: tuple[Span, ...]
    spools: tuple[Path, ...]
    parts: tuple[str, ...]
    key: bytes
    verify: bool = False


Task = RedactRecording | RedactSpan | JoinSpans


@dataclass(frozen=True, slots=True)
class RecordingRedacted:
    """A recording is redacted, and lies complete under the name that the task gave.

    ``thumbnails`` are (seconds, why, JPEG), of the redacted recording.
    """

    summary: Summary
    timeline: CoverageBySecond
    size: int
    verification: Verification | None = None
    thumbnails: tuple[tuple[float, str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task came to nothing.

    ``fatal``: no other recording would fare better, since the disk is full or a model is missing.
    ``remedy`` is what to do before the job is run again.
    """

    error: str
    fatal: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RecordingCut:
    """A recording is long, and is to be redacted in these spans."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class SpanRedacted:
    """A span is redacted; ``part`` says what became of it, as JSON."""

    part: str


Outcome = RecordingRedacted | RecordingCut | SpanRedacted | TaskFailed


@dataclass(slots=True)
class WorkerState:
    """What a worker keeps from one task to the next: a detector takes a second to open."""

    _open: dict[Detect, Detector] = field(default_factory=dict)

    def detector(self, detect: Detect) -> Detector:
        """Return the detector of these settings, opened and proven once."""
        from blurcam.runs.perception import open_detector

        if detect not in self._open:
            self.close()
            self._open[detect] = open_detector(detect)
        return self._open[detect]

    def close(self) -> None:
        """Release it."""
        for each in self._open.values():
            each.close()
        self._open.clear()


def refuse_encoder(encode: Encode) -> None:
    """Raise ConfigError where no recording could be encoded so on this machine.

    An encoder that does not work here is announced, once, before the first recording.
    """
    from blurcam.encode.choice import codec_for, open_encoder
    from blurcam.encode.encoder_options import EncoderOptions
    from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
    from blurcam.runtime.counts import FrameCounts

    grey = StreamInfo("test", 320, 240, PIXEL_FORMATS["yuv420p"], Fraction(1, 25), Fraction(25))
    if encode.codec == "same":
        return  # that depends on each recording
    codec = codec_for(grey, "", encode.codec)
    coding = EncoderOptions(codec, encode.encoder, encode.crf, encode.preset)
    open_encoder(grey, coding, FrameCounts()).close()


def perform(task: Task, kept: WorkerState) -> Iterator[float | Outcome]:
    """Do a task: yield the seconds of media time done so far now and then, and last the outcome.

    Errors that blurcam raises on purpose become an outcome; a bug is raised, and takes the worker.
    """
    try:
        match task:
            case RedactRecording():
                yield from _whole(task, kept)
            case RedactSpan():
                yield from _span(task, kept)
            case JoinSpans():
                yield from _join(task, kept)
    except (ConfigError, ModelError) as exc:
        yield TaskFailed(str(exc), fatal=isinstance(exc, ModelError))
    except SinkError as exc:
        yield TaskFailed(str(exc), fatal=_is_full(exc), remedy="make room and ")
    except BlurcamError as exc:
        yield TaskFailed(str(exc))


def _is_full(error: BaseException | None) -> bool:
    """Whether the disk, or what may be used of it, is full."""
    import errno

    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return True
        error = error.__cause__
    return False


def _whole(task: RedactRecording, kept: WorkerState) -> Iterator[float | Outcome]:
    from blurcam.runs.recording import open_run
    from blurcam.runs.span import spans_of

    spans = spans_of(task.config, task.span)
    if spans:
        yield RecordingCut(spans)
        return
    timeline = CoverageBySecond()
    detector = kept.detector(task.config.detect)
    with open_run(task.config, detector=detector, watch=timeline.watch) as run:
        start: float | None = None
        for time in run.steps():
            start = float(time) if start is None else start
            yield float(time) - start
        summary = run.finish()
    yield from _finished(task, summary, timeline)


def _label(file: int, span: Span) -> str:
    """Return what the spool of a span is sealed under: it is of this one and no other."""
    return f"recording {file}, {span}"


def _span(task: RedactSpan, kept: WorkerState) -> Iterator[float | Outcome]:
    from blurcam.encode.encoder import SignedPackets
    from blurcam.runs.span import open_span

    timeline = CoverageBySecond()
    passage = SignedPackets(task.key, _label(task.file, task.span))
    detector = kept.detector(task.config.detect)
    with open_span(
        task.config, task.span, task.spool, passage, detector=detector, watch=timeline.watch
    ) as run:
        start: float | None = None
        for time in run.steps():
            start = float(time) if start is None else start
            yield float(time) - start
        part = run.finish()
    yield SpanRedacted(json.dumps(asdict(part) | {"timeline": timeline.to_values()}))


def _join(task: JoinSpans, kept: WorkerState) -> Iterator[float | Outcome]:
    from blurcam.encode.encoder import SignedPackets
    from blurcam.runs.span import RedactedSpans as Spools
    from blurcam.runs.span import join, part_from

    timeline = CoverageBySecond()
    parts = []
    for text in task.parts:
        values = json.loads(text)
        timeline.merge(CoverageBySecond.from_values(values.pop("timeline")))
        parts.append(part_from(values))
    passages = [SignedPackets(task.key, _label(task.file, span)) for span in task.spans]
    spools = Spools(task.spans, task.spools, tuple(parts))
    detector = kept.detector(task.config.detect)
    for said in join(task.config, spools, passages, detector=detector):
        if isinstance(said, Summary):
            yield from _finished(task, said, timeline)
        else:
            yield float(said)


def _finished(
    task: RedactRecording | JoinSpans, summary: Summary, timeline: CoverageBySecond
) -> Iterator[float | Outcome]:
    """Verify a redaction that is complete under its first name, if asked, and take small pictures.

    The pictures are decoded from that file: they show what it shows.
    """
    from blurcam.assess.inspect_output import thumbnail

    path = task.config.output
    verification = None
    if task.verify:
        for said in _verified(task, summary):
            if isinstance(said, float):
                yield said
            else:
                verification = said
    wanted = [
        ("most faces", timeline.busiest),
        ("covered whole", timeline.first_whole),
        ("the middle", (min(timeline.seconds) + max(timeline.seconds)) // 2),
    ]
    made = ((float(at), why, thumbnail(path, at)) for why, at in wanted if at is not None)
    pictures = tuple((at, why, jpeg) for at, why, jpeg in made if jpeg is not None)
    yield RecordingRedacted(summary, timeline, path.stat().st_size, verification, pictures)


def _verified(
    task: RedactRecording | JoinSpans, summary: Summary
) -> Iterator[float | Verification]:
    from blurcam.assess.verify import verify

    return verify(
        task.config.output,
        task.config.input,
        redactor=summary.detector,
        audio=task.config.encode.audio,
        faces_known=summary.tracks > 0,
    )
