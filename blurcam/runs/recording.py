"""One recording to one file of redacted video."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from blurcam.detect.detector import Detector
from blurcam.detect.profiles import passes_for
from blurcam.detect.search import SearchPasses
from blurcam.encode.choice import codec_for, open_encoder
from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.errors import ConfigError, SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.runs.chain import deliver, redact_all, until_fault
from blurcam.runs.frame_budget import look_ahead_bytes
from blurcam.runs.outputs import EncodedOutput, output_to
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runs.regions_header import header_of
from blurcam.runs.summary import Summary
from blurcam.runs.timing import Stages, Timing, Untimed
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import refuse_existing, refuse_same
from blurcam.runtime.threads import prefetch
from blurcam.settings.recording import Config
from blurcam.sinks.containers import format_of
from blurcam.sinks.file import FileSink, SoundOptions, open_file
from blurcam.sources.open import sha256_of_input
from blurcam.sources.recording import RecordingSource, open_source
from blurcam.track.doubts import DoubtfulPlaces
from blurcam.track.regions_file import Header, RegionReader, RegionWriter
from blurcam.track.zones import burn_in

# Decoded frames that may wait for the detector: a few, since each takes 12 MB at 4K.
READER_DEPTH = 4

Covered = Iterator[tuple[Frame, Coverage]]
Watch = Callable[[Covered], Covered]
"""A stage that takes note of coverage and hands everything on as it is."""


class RecordingRun:
    """One redaction under way: exhaust :meth:`steps`, then :meth:`finish`."""

    def __init__(
        self,
        config: Config,
        info: StreamInfo,
        steps: Iterator[Fraction],
        finish: Callable[[], Summary],
    ) -> None:
        """Made by :func:`open_run` alone."""
        self.config = config
        self.info = info
        self._steps = steps
        self._finish = finish

    def steps(self) -> Iterator[Fraction]:
        """Redact and write; yield the media time, in seconds, of each frame handed over.

        When it ends, the video is complete under its final name.
        """
        return self._steps

    def finish(self) -> Summary:
        """Write the files that go beside the video, and return what was done."""
        return self._finish()


@contextmanager
def open_run(
    config: Config, *, detector: Detector | None = None, watch: Watch | None = None
) -> Iterator[RecordingRun]:
    """Open everything a redaction of one recording needs, and release it at the end.

    A ``detector`` that was opened for these settings is used and stays open; ``watch`` sees every
    coverage go by. Left without :meth:`RecordingRun.steps` exhausted, nothing is under the
    final names.
    """
    with ExitStack() as stack:
        yield _open_run(config, stack, detector, watch)


def _open_run(
    config: Config, stack: ExitStack, detector: Detector | None, watch: Watch | None
) -> RecordingRun:
    started = time.monotonic()
    counts = FrameCounts()
    for path in (config.output, config.regions, config.summary):
        if path is not None:
            if isinstance(config.input, Path):
                refuse_same(config.input, path)
            refuse_existing(path, overwrite=config.encode.overwrite)
    timing: Timing = Stages() if config.profile_stages else Untimed()
    source = stack.enter_context(closing(open_source(config.input, counts, config.read_options)))
    ahead = prefetch(timing.timed("decode", source.frames()), READER_DEPTH)
    stack.callback(ahead.close)
    frames = timing.timed("wait", until_fault(ahead, counts))
    origin = CoverageOrigin(config, source.info, counts, timing, stack, detector)
    doubts = DoubtfulPlaces()
    covering = doubts.watch(origin.covered(frames))
    if watch is not None:
        covering = watch(covering)
    writer = None
    if config.regions is not None:
        writer = RegionWriter(config.regions, overwrite=config.encode.overwrite)
        stack.callback(writer.close)
        covering = writer.record(covering)
    covering = timing.timed("cover", covering)
    sink, steps = _open_output(config, source, covering, counts, timing, stack)

    def finish() -> Summary:
        digest = _digest(source, counts)
        wall = time.monotonic() - started
        summary = summary_of(config, origin, sink, counts, timing, digest, wall)
        summary = summary.with_doubts(doubts.told())
        if writer is not None:
            writer.finish(header_of(config, source.info, counts.frames_in, summary))
        if config.summary is not None:
            summary.write(config.summary)
        return summary

    return RecordingRun(config, source.info, steps, finish)


def _digest(source: RecordingSource, counts: FrameCounts) -> str:
    """Return the input's SHA-256; of one that cannot be read any more none, which is a fault."""
    try:
        return source.sha256()
    except SourceReadError as exc:
        counts.fault = counts.fault or exc
        return ""


class CoverageOrigin:
    """Where coverage comes from: a detector, or a regions file."""

    def __init__(
        self,
        config: Config,
        info: StreamInfo,
        counts: FrameCounts,
        timing: Timing,
        stack: ExitStack,
        lent: Detector | None,
    ) -> None:
        """Open the regions file, or the detector unless one is lent; ``stack`` closes it."""
        self._config = config
        self._info = info
        self._counts = counts
        self._timing = timing
        self.reader: RegionReader | None = None
        self.detector: Detector | None = None
        self.passes: SearchPasses | None = None
        if config.render_from is not None:
            self.reader = RegionReader(config.render_from, config.cover.margin)
            stack.callback(self.reader.close)
            _refuse_foreign(config, self.reader.header, info)
        else:
            self.detector = timing.detector(lent or open_detector(config.detect))
            if lent is None:
                stack.callback(self.detector.close)
            self.passes = passes_for(
                config.detect, self.detector.threshold, info.width, info.height
            )

    def covered(self, frames: Iterable[Frame]) -> Covered:
        """Yield every frame with its coverage."""
        masks = self._config.cover.masks
        if self.reader is not None:
            return burn_in(self.reader.redraw(frames, self._counts), masks)
        assert self.detector is not None
        found = searched(frames, self._info, self.detector, self._config.detect)
        most_bytes = look_ahead_bytes(self._info, self._config.memory)
        scanned = self._timing.timed("scan", found)
        return covered(scanned, self._config.cover, self._counts, most_bytes=most_bytes)


def _refuse_foreign(config: Config, header: Header | None, info: StreamInfo) -> None:
    if header is None:  # made by hand, or from another detector
        return
    if (header.width, header.height) != (info.width, info.height) or (
        header.input_sha256 != sha256_of_input(config.input)
    ):
        raise ConfigError(
            f"{config.render_from}: made for another input than {config.input} "
            f"(SHA-256 {header.input_sha256[:12]}…, {header.width}x{header.height})"
        )


def _open_output(
    config: Config,
    source: RecordingSource,
    covering: Covered,
    counts: FrameCounts,
    timing: Timing,
    stack: ExitStack,
) -> tuple[FileSink, Iterator[Fraction]]:
    encoder = stack.enter_context(closing(encoder_for(config, source.info, counts)))
    sink = open_sink(config, encoder, source, counts, stack)
    redacted = timing.timed("redact", redact_all(covering, make_effect(config.effect), counts))
    output = EncodedOutput(timing.encoder(encoder), (output_to(timing.sink(sink), counts),))
    steps = deliver(redacted, (output,), counts)
    stack.callback(steps.close)
    return sink, timing.timed("hand over", steps)


def encoder_for(config: Config, info: StreamInfo, counts: FrameCounts) -> Encoder:
    """Return the encoder that the settings ask for, for a file with the output's suffix."""
    asked = config.encode
    codec = codec_for(info, config.output.suffix, asked.codec)
    container = format_of(config.output)
    options = EncoderOptions(
        codec,
        asked.encoder,
        asked.crf,
        asked.preset,
        reorder=container.name != "mpegts",
        upright=not container.turns,
    )
    return open_encoder(info, options, counts)


def open_sink(
    config: Config, encoder: Encoder, source: RecordingSource, counts: FrameCounts, stack: ExitStack
) -> FileSink:
    """Return the output file, with the input's sound if that is asked for."""
    policy = config.encode.audio
    track = None if policy == "drop" else source.open_sound()
    audio = None if track is None else SoundOptions(track, policy, counts)
    if track is not None:
        stack.callback(track.close)
    return stack.enter_context(
        closing(open_file(config.output, encoder, overwrite=config.encode.overwrite, audio=audio))
    )


def summary_of(
    config: Config,
    origin: CoverageOrigin,
    sink: FileSink,
    counts: FrameCounts,
    timing: Timing,
    digest: str,
    wall: float,
) -> Summary:
    """Return what was done, from all that took part in it."""
    reader = origin.reader
    summary = Summary.of(
        counts,
        origin.detector,
        origin.passes,
        input=config.input,
        output=config.output,
        effect=config.effect,
        duration=sink.duration,
        wall=wall,
    )
    return replace(
        summary,
        detector=summary.detector or str(config.render_from),
        input_sha256=digest,
        output_sha256=sink.output_sha256,
        regions_removed=reader.removed if reader else 0,
        regions_added=reader.added if reader else 0,
        stages=timing.values(counts.frames_in),
    )
