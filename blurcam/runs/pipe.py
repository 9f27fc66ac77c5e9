"""One stream, as it comes, to one stream of redacted video."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from blurcam import __version__
from blurcam.detect.detector import Detector
from blurcam.detect.profiles import passes_for
from blurcam.detect.search import SearchPasses
from blurcam.errors import SinkClosed
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.runs.chain import Source, account, deliver, redact_all, until_fault
from blurcam.runs.frame_budget import look_ahead_bytes
from blurcam.runs.pace import StreamPace
from blurcam.runs.perception import LIVE_TIMEOUT, covered, open_detector, searched
from blurcam.runs.pipe_outputs import open_outputs
from blurcam.runs.summary import Summary
from blurcam.runtime.counts import FrameCounts, RepeatedTrouble
from blurcam.runtime.files import refuse_existing, refuse_same
from blurcam.runtime.signals import Stop
from blurcam.runtime.threads import LIVE_SECONDS, live, prefetch
from blurcam.settings.addresses import Address
from blurcam.settings.pipe import PipeSettings, is_stream
from blurcam.settings.redaction import Detect
from blurcam.sinks.descriptor import FifoOpening, OutputDescriptor
from blurcam.sources.descriptor import InputDescriptor, open_descriptor
from blurcam.sources.pipe import open_pipe
from blurcam.sources.recording import open_source
from blurcam.track.regions_stream import open_regions

logger = logging.getLogger(__name__)

# Decoded frames that may wait for the detector where nothing may be lost.
READER_DEPTH = 4
# How long a reader may take to read the end, once that was asked for.
LAST_SECONDS = 1.0


class PipeRun:
    """A redaction of a stream: enter it, :meth:`open` it, exhaust :meth:`steps`.

    :meth:`stop` ends it well-formed from the moment that it was made, also from a signal handler.
    """

    def __init__(self, settings: PipeSettings, output: int | None) -> None:
        """Write to the descriptor ``output``, which is taken over, where the output is ``-``."""
        self.settings = settings
        self.counts = FrameCounts()
        self.info: StreamInfo | None = None
        self.is_writing = False
        self._stop = Stop()
        self._stack = ExitStack()
        self._input: InputDescriptor | None = None
        self._output_descriptor: OutputDescriptor | None = None
        self._opening: FifoOpening | None = None
        self._output = output
        self._detector: Detector | None = None
        self._passes: SearchPasses | None = None
        self._trouble = RepeatedTrouble(logger, "frames dropped")
        self._steps: Iterator[Fraction] = iter(())
        self._started = time.monotonic()
        self._media = Fraction(0)

    @property
    def stopped(self) -> bool:
        """Whether the end was asked for."""
        return self._stop.asked

    def stop(self) -> None:
        """Read nothing more, and write what is redacted, for at most a second."""
        self._stop.ask()
        if self._opening is not None:
            self._opening.is_interrupted = True
        if self._input is not None:
            self._input.interrupt()
        if self._output_descriptor is not None:
            self._output_descriptor.hurry(LAST_SECONDS)

    def late(self) -> None:
        """Wait for no search any longer."""
        self._stop.late()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Release everything; what was not finished stays unfinished."""
        self._stack.close()

    def open(self) -> None:
        """Open all that is needed; waits for the first frame."""
        settings, counts, stack = self.settings, self.counts, self._stack
        for path in (settings.tee, settings.summary, self._output_file):
            if path is not None:
                if isinstance(settings.input, Path):
                    refuse_same(settings.input, path)
                refuse_existing(path, overwrite=settings.encode.overwrite)
        regions = open_regions(settings, counts)
        if regions is not None:
            stack.callback(regions.close)
        if self._output_file is None:
            self._output_descriptor = self._open_outflow()
            stack.callback(self._output_descriptor.release)
        self._input = self._open_intake()
        self._detector = stack.enter_context(closing(open_detector(settings.detect)))
        if self._stop.asked:
            return
        if settings.source == "raw":  # whose size is known before its first frame
            self._warm(self._detector, *settings.layout.pixels)
        source = self._open_source()
        info = self.info = source.info
        if settings.source != "raw" and self._is_live:
            self._warm(self._detector, info.width, info.height)
        self._passes = passes_for(
            settings.detect, self._detector.threshold, info.width, info.height
        )
        frames = until_fault(self._buffered(source), counts)
        stack.callback(frames.close)
        covering = self._covered(self._stop.until_asked(frames), info, self._detector)
        if regions is not None:
            regions.begin(info, __version__)
            covering = regions.record(covering)
        redacted = redact_all(self._stop.until_late(covering), make_effect(settings.effect), counts)
        self.is_writing = True
        outputs = open_outputs(settings, info, self._output_descriptor, counts, stack)
        steps = deliver(redacted, outputs, counts, may_end_early=True)
        stack.callback(steps.close)
        self._steps = steps

    def _covered(
        self, frames: Iterable[Frame], info: StreamInfo, detector: Detector
    ) -> Iterator[tuple[Frame, Coverage]]:
        settings, is_live = self.settings, self._is_live
        found = searched(frames, info, detector, self._detect, live=is_live)
        most_bytes = look_ahead_bytes(info, settings.memory)
        return covered(found, settings.cover, self.counts, live=is_live, most_bytes=most_bytes)

    @property
    def _output_file(self) -> Path | None:
        return None if is_stream(self.settings.output) else self.settings.output

    def _open_outflow(self) -> OutputDescriptor:
        if str(self.settings.output) == "-":
            if self._output is None:
                raise SinkClosed("standard output is closed; there is nobody to write to")
            return OutputDescriptor(self._output, "standard output")
        self._opening = FifoOpening(self.settings.output)
        return self._opening.open()

    def _open_intake(self) -> InputDescriptor | None:
        """Return what to read; ``None`` for a file, which FFmpeg may read in any order."""
        settings = self.settings
        if isinstance(settings.input, Address) or (
            not is_stream(settings.input) and settings.source is None
        ):
            return None
        gone = None if self._output_descriptor is None else self._output_descriptor.descriptor
        descriptor = open_descriptor(settings.input, gone=gone)
        self._stack.callback(descriptor.release)
        return descriptor

    def _warm(self, detector: Detector, width: int, height: int) -> None:
        """Search a grey frame: models compile for every size anew, which takes 0.2 s and more.

        What comes in meanwhile waits; else the first frames would not be answered for in time.
        """
        settings = self.settings
        grey = np.full((height, width), 128, np.uint8)
        info = StreamInfo("grey", width, height, PIXEL_FORMATS["gray"], Fraction(1, 25))
        frame = Frame((grey,), info.pixel_format, 0, 0, info.time_base)
        for _ in searched([frame], info, detector, settings.detect):
            pass

    def _open_source(self) -> Source:
        settings, descriptor = self.settings, self._input
        if descriptor is None:
            source: Source = open_source(settings.input, self.counts, settings.read_options)
        else:
            if self._stop.asked:
                descriptor.interrupt()
            options = settings.read_options
            source = open_pipe(descriptor, settings.source, settings.layout, self.counts, options)
        return self._stack.enter_context(closing(source))

    def _buffered(self, source: Source) -> Generator[Frame, None, None]:
        """Return the frames as a thread of their own decodes them.

        Nothing is dropped of a stream that comes faster than it plays: that is no camera, and its
        producer can wait.
        """
        frames, when_slow, descriptor = source.frames(), self.settings.when_slow, self._input
        if not self._is_live:
            return prefetch(frames, READER_DEPTH, self._interrupt)
        pace = None if when_slow == "drop" or descriptor is None else StreamPace(descriptor)
        return live(
            frames if pace is None else pace.measured(frames),
            LIVE_SECONDS,
            time_of=lambda frame: frame.time,
            dropped=self._dropped,
            interrupt=self._interrupt,
            hold_at=(lambda most: None) if pace is None else pace.hold_at,
        )

    @property
    def _detect(self) -> Detect:
        """How frames are searched; a late answer is waited for unless frames are dropped."""
        detect = self.settings.detect
        if self.settings.when_slow != "drop":
            return detect
        return replace(detect, timeout=min(detect.timeout, LIVE_TIMEOUT))

    @property
    def _is_live(self) -> bool:
        """Whether frames are searched as they come, and left out where they come too fast."""
        is_file = self._input is None or self._input.is_file
        asked = self.settings.when_slow
        return not is_file if asked is None else asked == "drop"

    def _interrupt(self) -> None:
        if self._input is not None:
            self._input.interrupt()

    def _dropped(self, count: int) -> None:
        self.counts.dropped += count
        for _ in range(count):
            self._trouble.add("slower than the stream; --when-slow block loses none")

    def steps(self) -> Iterator[Fraction]:
        """Redact and write; yield the media time, in seconds, of each frame handed over."""
        first: Fraction | None = None
        for when in self._steps:
            first = when if first is None else first
            self._media = when - first
            yield when

    def summary(self) -> Summary:
        """Return what was done, once all is released; write it down where that was asked for."""
        account(self.counts, may_drop=True)  # also for what waited when the input was released
        settings = self.settings
        summary = Summary.of(
            self.counts,
            self._detector,
            self._passes,
            input=settings.input,
            output=settings.output,
            effect=settings.effect,
            duration=self._media,
            wall=time.monotonic() - self._started,
        )
        if settings.summary is not None:
            summary.write(settings.summary)
        return summary
