"""The one chain: covered frames are redacted here, and what is redacted goes to every output.

A recording, a span, a pipe and a camera are recipes for it: they differ in where frames come from,
in how they are searched, and in their outputs. What is common stands here: the gate, the writer's
thread, the order in which outputs end, and the account of frames.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Final, Protocol

from blurcam.errors import SinkClosed, SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage, Reason
from blurcam.redact.effects import Effect
from blurcam.redact.gate import RedactedFrame, redact
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.last_words import step
from blurcam.runtime.threads import outbox

# Redacted frames that may wait for the encoder: enough to even out key frames.
WRITER_DEPTH: Final = 4


class Source(Protocol):
    """Where frames come from."""

    @property
    def info(self) -> StreamInfo:
        """What the stream is."""

    def frames(self) -> Iterator[Frame]:
        """Yield every frame; raises :class:`~blurcam.errors.SourceError` where it fails."""

    def close(self) -> None:
        """Release it; safe to call twice."""


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A redacted frame and when it is shown; while frozen, one is shown more than once.

    ``pts`` counts in the frame's own time base. ``coverage`` and ``wall_time``, seconds since
    1970, are those of the source's frame in whose place this one is shown.
    """

    frame: RedactedFrame
    pts: int
    wall_time: float
    coverage: Coverage

    @property
    def time(self) -> Fraction:
        """Seconds of media time."""
        return self.pts * self.frame.time_base


class FrameOutput(Protocol):
    """Where redacted frames go, encoded or as they are."""

    def write(self, shown: ShownFrame) -> None:
        """Write a frame; raises :class:`~blurcam.errors.SinkError` where that fails."""

    def finish(self) -> None:
        """Write what is left, and the end."""


class Freezer:
    """Keeps the last redacted frame, to be shown while the source's own may be damaged."""

    def __init__(self, *, active: bool) -> None:
        """Keep nothing unless ``active``: damaged frames are then fully covered."""
        self._active = active
        self.last: RedactedFrame | None = None

    def keep(self, redacted: RedactedFrame) -> None:
        """Keep a frame of the scene; one that is fully covered shows none."""
        if self._active and redacted.reason is None:
            self.last = redacted


def until_fault(frames: Iterable[Frame], counts: FrameCounts) -> Generator[Frame, None, None]:
    """Yield frames up to a failure of the source, which is kept in ``counts.fault``.

    What was decoded before the failure is still worth publishing; the run's exit code tells.
    Raises the failure, or SourceReadError, where there was no frame at all.
    """
    try:
        yield from frames
    except SourceReadError as exc:
        counts.fault = exc
    if counts.frames_in == 0:
        raise counts.fault or SourceReadError("no frame could be decoded")


def redact_all(
    covered: Iterable[tuple[Frame, Coverage]],
    effect: Effect,
    counts: FrameCounts,
    freezer: Freezer | None = None,
) -> Iterator[ShownFrame]:
    """Yield every frame redacted, and count it; damaged ones frozen if there is a ``freezer``."""
    for frame, coverage in covered:
        if freezer is not None and freezer.last is not None and coverage.reason is Reason.CORRUPT:
            counts.frozen += 1
            yield ShownFrame(freezer.last, frame.pts, frame.wall_time, coverage)
            continue
        redacted = redact(frame, coverage, effect)
        counts.covered(coverage)
        if freezer is not None:
            freezer.keep(redacted)
        yield ShownFrame(redacted, frame.pts, frame.wall_time, coverage)


def deliver(
    frames: Iterable[ShownFrame],
    outputs: Sequence[FrameOutput],
    counts: FrameCounts,
    *,
    may_end_early: bool = False,
) -> Generator[Fraction, None, None]:
    """Write to every output, in a thread, and yield the media time of each frame handed over.

    The outputs are finished after the last frame, once every decoded frame is accounted for. A
    failure anywhere, or closing this generator early, leaves them all unfinished. A stream
    ``may_end_early``: a reader that goes away is a normal end, and frames that waited when the end
    was asked for count as dropped. Of a recording both are errors.
    """
    try:
        with (
            step("redacting"),
            outbox(partial(_write, outputs, may_end_early), WRITER_DEPTH) as put,
        ):
            for each in frames:
                put(each)
                yield each.time
            account(counts, may_drop=may_end_early)
    except SinkClosed as exc:
        if not may_end_early:
            raise
        counts.notice(str(exc))
        account(counts, may_drop=True)


def _write(
    outputs: Sequence[FrameOutput], may_end_early: bool, frames: Iterator[ShownFrame]
) -> None:
    """Write the frames to every output, and the end; the work of the writer's thread."""
    closed: SinkClosed | None = None
    try:
        for each in frames:
            for output in outputs:
                output.write(each)
    except SinkClosed as exc:
        if not may_end_early:
            raise
        closed = exc
    for output in outputs:
        try:
            output.finish()
        except SinkClosed as exc:
            closed = exc
    if closed is not None:
        raise closed


def account(counts: FrameCounts, *, may_drop: bool) -> None:
    """Have every decoded frame end in exactly one way; raises RuntimeError where one does not.

    Where frames ``may_drop``, those that came to nothing else were dropped.
    """
    done = counts.redacted + sum(counts.covered_whole.values()) + counts.frozen
    if may_drop and done <= counts.frames_in:
        counts.dropped = counts.frames_in - done
    if done + counts.dropped != counts.frames_in:
        raise RuntimeError(
            f"{counts.frames_in} frames in, but {counts.redacted} redacted, "
            f"{sum(counts.covered_whole.values())} fully covered, {counts.dropped} dropped "
            f"and {counts.frozen} frozen"
        )
