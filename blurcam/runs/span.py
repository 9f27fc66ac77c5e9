"""One span of a recording to signed packets on disk, and those of all spans to one file.

A span goes through the same chain as a whole recording. A track that crosses a cut is seen by both
spans, since each is searched from before its first frame and until after its last; and the encoder
of each begins with a key frame, under the same settings, so that their packets can follow one
another as if one encoder had made them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from blurcam.detect.detector import Detector
from blurcam.encode.encoder import SignedPackets, retimed
from blurcam.errors import SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage, Reason
from blurcam.redact.effects import make_effect
from blurcam.runs.chain import deliver, redact_all
from blurcam.runs.outputs import EncodedOutput, output_to
from blurcam.runs.recording import (
    READER_DEPTH,
    CoverageOrigin,
    Covered,
    Watch,
    encoder_for,
    open_sink,
    summary_of,
)
from blurcam.runs.span_cuts import Span, cut
from blurcam.runs.summary import Summary
from blurcam.runs.timing import Untimed
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.threads import prefetch
from blurcam.settings.recording import Config
from blurcam.sinks.span_packets import SpanPacketSink, read_span
from blurcam.sources.keyframe_index import index_of
from blurcam.sources.open import sha256_of_input
from blurcam.sources.recording import open_source


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What became of a span: counts, and what a decoder has to know of its packets, in hex."""

    frames: int
    redacted: int
    covered_whole: dict[str, int]
    tracks: int
    wall_s: float
    parameters: str
    notices: tuple[str, ...] = ()
    ignored: int = 0


@dataclass(slots=True)
class RedactedSpans:
    """The spans of one recording, redacted: where they lie, and what became of each."""

    spans: tuple[Span, ...]
    paths: tuple[Path, ...]
    parts: tuple[SpanResult, ...]


def spans_of(config: Config, seconds: float) -> tuple[Span, ...]:
    """Return the spans to redact a recording in; none where it must stay in one piece."""
    index = index_of(config.input_file, 1.5 * seconds, config.read_options) if seconds else None
    if index is None:
        return ()
    cover = config.cover
    spans = cut(
        index.times,
        index.keys,
        index.time_base,
        seconds=seconds,
        before=max(cover.hold, cover.bridge),
        after=max(cover.lead, cover.bridge),
    )
    return spans if len(spans) > 1 else ()


@dataclass(slots=True)
class _Own:
    """Lets the frames pass that are a span's own, and counts them and their tracks."""

    span: Span
    counts: FrameCounts
    tracks: set[int] = field(default_factory=set)
    before: set[int] = field(default_factory=set)

    def only(self, covered: Iterable[tuple[Frame, Coverage]]) -> Iterator[tuple[Frame, Coverage]]:
        for frame, coverage in covered:
            if frame.pts < self.span.start:
                continue
            if self.span.stop is not None and frame.pts >= self.span.stop:
                return
            seen = {region.track for region in coverage.regions if region.track is not None}
            if not self.counts.frames_in and self.span.number:
                self.before = seen  # counted by the span before
            self.tracks |= seen
            self.counts.frames_in += 1
            yield frame, coverage


class SpanRun:
    """One span under way: exhaust :meth:`steps`, then :meth:`finish`."""

    def __init__(
        self, steps: Iterator[Fraction], own: _Own, parameters: bytes, info: StreamInfo
    ) -> None:
        """Made by :func:`open_span` alone."""
        self._steps = steps
        self._own = own
        self._parameters = parameters
        self.info = info
        self._began = time.monotonic()

    def steps(self) -> Iterator[Fraction]:
        """Redact and write; yield the media time of each frame. Then its packets are complete.

        Raises :class:`~blurcam.errors.SourceReadError` where the span is not as it was indexed.
        """
        yield from self._steps
        if self._own.counts.frames_in != self._own.span.frames:
            raise SourceReadError(
                f"span {self._own.span.number + 1} gives {self._own.counts.frames_in} frames where "
                f"{self._own.span.frames} were expected"
            )

    def finish(self) -> SpanResult:
        """Return what was done."""
        counts = self._own.counts
        return SpanResult(
            frames=counts.frames_in,
            redacted=counts.redacted,
            covered_whole={reason.name: n for reason, n in counts.covered_whole.items()},
            tracks=len(self._own.tracks - self._own.before),
            wall_s=round(time.monotonic() - self._began, 3),
            parameters=self._parameters.hex(),
            ignored=counts.ignored,
            notices=tuple(counts.notices),
        )


@contextmanager
def open_span(
    config: Config,
    span: Span,
    path: Path,
    packets: SignedPackets,
    *,
    detector: Detector,
    watch: Watch,
) -> Iterator[SpanRun]:
    """Open everything that redacting a span needs; ``watch`` sees the span's own coverage only."""
    with ExitStack() as stack:
        counts = FrameCounts()
        # What is decoded around the span is not counted: the spans on both sides do that.
        source = open_source(config.input_file, FrameCounts(), config.read_options)
        stack.callback(source.close)
        if span.key is not None:
            source.seek(span.key)
        frames = prefetch(_until(source.frames(), span.end), READER_DEPTH)
        stack.callback(frames.close)
        covering: Covered = CoverageOrigin(
            config, source.info, FrameCounts(), Untimed(), stack, detector
        ).covered(frames)
        own = _Own(span, counts)
        covering = watch(own.only(covering))
        encoder = stack.enter_context(closing(encoder_for(config, source.info, counts)))
        sink = stack.enter_context(closing(SpanPacketSink(path, packets)))
        redacted = redact_all(covering, make_effect(config.effect), counts)
        steps = deliver(redacted, (EncodedOutput(encoder, (output_to(sink, counts),)),), counts)
        stack.callback(steps.close)
        yield SpanRun(steps, own, encoder.parameters, source.info)


def _until(frames: Iterator[Frame], end: int | None) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        if end is not None and frame.pts >= end:
            return


def join(
    config: Config, redacted: RedactedSpans, signed: Iterable[SignedPackets], *, detector: Detector
) -> Iterator[Fraction | Summary]:
    """Write the spans into one file; yield the media time written, and last the summary.

    Raises :class:`~blurcam.errors.SourceReadError` where the spans cannot be one recording: it is
    then to be redacted in one piece.
    """
    began = time.monotonic()
    keys = list(signed)
    with ExitStack() as stack:
        counts = _counts_of(config, redacted)
        source = open_source(config.input_file, FrameCounts(), config.read_options)
        stack.callback(source.close)
        origin = CoverageOrigin(config, source.info, counts, Untimed(), stack, detector)
        encoder = stack.enter_context(closing(encoder_for(config, source.info, counts)))
        if any(part.parameters != encoder.parameters.hex() for part in redacted.parts):
            raise SourceReadError(
                f"{config.input}: its spans were encoded by different encoders, so that they do "
                "not follow one another"
            )
        sink = open_sink(config, encoder, source, counts, stack)
        times = [_times(p, k) for p, k in zip(redacted.paths, keys, strict=True)]
        delay = max(_delay(each) for each in times)
        step = encoder.step
        first = min(times[0])
        # Decoding begins so many frames before the first is shown, and goes on in order of time.
        early = (first - (delay - n) * step for n in range(delay))
        decoded_at = chain(early, *(sorted(each) for each in times))
        for path, packets in zip(redacted.paths, keys, strict=True):
            for packet in read_span(path, packets.anew()):
                sink.write(retimed(packet, next(decoded_at)))
                yield packet.pts * packet.time_base
        sink.finish()
        digest = sha256_of_input(config.input_file)
        wall = sum(part.wall_s for part in redacted.parts) + time.monotonic() - began
        yield summary_of(config, origin, sink, counts, Untimed(), digest, wall)


def _counts_of(config: Config, redacted: RedactedSpans) -> FrameCounts:
    """Return the counts of all spans together; raises SourceReadError where one is in doubt."""
    whole: Counter[Reason] = Counter()
    counts = FrameCounts(covered_whole=whole)
    for span, part in zip(redacted.spans, redacted.parts, strict=True):
        if part.frames != span.frames or Reason.CORRUPT.name in part.covered_whole:
            raise SourceReadError(
                f"{config.input_file}: damaged in span {span.number + 1}, and so not to be cut"
            )
        counts.frames_in += part.frames
        counts.redacted += part.redacted
        counts.tracks += part.tracks
        counts.ignored += part.ignored
        whole.update({Reason[name]: n for name, n in part.covered_whole.items()})
        for notice in part.notices:
            counts.notice(notice)
    return counts


def _times(path: Path, packets: SignedPackets) -> list[int]:
    """Return the pts of a span's packets, in the order of decoding."""
    return [packet.pts for packet in read_span(path, packets.anew())]


def _delay(times: list[int]) -> int:
    """Return by how many frames decoding has to run ahead of showing."""
    rank = {pts: n for n, pts in enumerate(sorted(times))}
    return max(n - rank[pts] for n, pts in enumerate(times))


def part_from(values: dict[str, Any]) -> SpanResult:
    """Return a part from what ``dataclasses.asdict`` made of it."""
    return SpanResult(**values | {"notices": tuple(values["notices"])})
