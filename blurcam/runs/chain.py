"""The chain, composed once: covered frames are redacted here, and nothing else is written."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from blurcam.encode.encoder import RedactedPacket
from blurcam.errors import SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage, Reason
from blurcam.redact.effects import Effect
from blurcam.redact.gate import RedactedFrame, redact
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.threads import outbox

# Redacted pictures that may wait for the encoder: enough to even out key frames.
WRITER_DEPTH = 4


class Source(Protocol):
    """Where frames come from."""

    @property
    def info(self) -> StreamInfo:
        """What the stream is."""

    def frames(self) -> Iterator[Frame]:
        """Yield every frame; raises :class:`~blurcam.errors.SourceError` where it fails."""

    def close(self) -> None:
        """Release it; safe to call twice."""


class FrameEncoder(Protocol):
    """Turns redacted frames into packets."""

    def encode(self, frame: RedactedFrame) -> Iterator[RedactedPacket]:
        """Yield the packets that are ready."""

    def flush(self) -> Iterator[RedactedPacket]:
        """Yield what is left."""


class Sink(Protocol):
    """Where redacted packets go."""

    def write(self, packet: RedactedPacket) -> None:
        """Write one packet; raises :class:`~blurcam.errors.SinkError` where it fails."""

    def finish(self) -> None:
        """Complete the output and publish it."""

    def close(self) -> None:
        """Release it, published or not; safe to call twice."""


def until_fault(frames: Iterable[Frame], tally: FrameCounts) -> Generator[Frame, None, None]:
    """Yield frames up to a failure of the source, which is kept in ``tally.fault``.

    What was decoded before the failure is still worth publishing; the run's exit code tells.
    """
    try:
        yield from frames
    except SourceReadError as exc:
        tally.fault = exc


def redact_all(
    covered: Iterable[tuple[Frame, Coverage]], effect: Effect, tally: FrameCounts
) -> Iterator[RedactedFrame]:
    """Yield every frame redacted, and count it."""
    for frame, coverage in covered:
        redacted = redact(frame, coverage, effect)
        tally.covered(coverage)
        yield redacted


@dataclass(frozen=True, slots=True)
class Shown:
    """A redacted picture and when it is shown; one that is frozen is shown more than once.

    ``pts`` counts in the picture's own time base. ``wall_time`` is when the camera's picture
    arrived in whose place this one is shown, in seconds since 1970.
    """

    picture: RedactedFrame
    pts: int
    wall_time: float


def redact_live(
    covered: Iterable[tuple[Frame, Coverage]], effect: Effect, tally: FrameCounts, on_loss: Freezer
) -> Iterator[tuple[Shown, Coverage]]:
    """Yield every frame redacted, or in place of a damaged one the last redacted picture."""
    for frame, coverage in covered:
        again = on_loss.last if coverage.reason is Reason.CORRUPT else None
        if again is not None:
            tally.frozen += 1
            yield Shown(again, frame.pts, frame.wall_time), coverage
            continue
        redacted = redact(frame, coverage, effect)
        tally.covered(coverage)
        on_loss.keep(redacted)
        yield Shown(redacted, frame.pts, frame.wall_time), coverage


class Freezer:
    """Keeps the last redacted picture, to be shown while the camera's own may be damaged."""

    def __init__(self, *, active: bool) -> None:
        """Keep nothing unless ``active``: damaged frames are then covered whole."""
        self._active = active
        self.last: RedactedFrame | None = None

    def keep(self, redacted: RedactedFrame) -> None:
        """Keep a picture of the scene; one that is covered whole shows none."""
        if self._active and redacted.reason is None:
            self.last = redacted


def write_all(
    redacted: Iterable[RedactedFrame],
    encoder: FrameEncoder,
    sinks: tuple[Sink, ...],
    tally: FrameCounts,
) -> Generator[Fraction, None, None]:
    """Encode once, write to every sink, and yield the media time of each frame handed over.

    After the last one the sinks are finished. A failure anywhere, or closing this generator
    early, leaves them unfinished. Raises the source's own error where there was no frame at all,
    and RuntimeError rather than publish where the counts do not add up.
    """

    def consume(frames: Iterator[RedactedFrame]) -> None:
        for frame in frames:
            _spread(encoder.encode(frame), sinks)
        _spread(encoder.flush(), sinks)
        for sink in sinks:
            sink.finish()

    with outbox(consume, WRITER_DEPTH) as put:
        for frame in redacted:
            put(frame)
            yield frame.pts * frame.time_base
        _audit(tally)


def _spread(packets: Iterator[RedactedPacket], sinks: tuple[Sink, ...]) -> None:
    for packet in packets:
        for sink in sinks:
            sink.write(packet)


def _audit(tally: FrameCounts) -> None:
    """Every decoded frame must have ended in exactly one way."""
    whole = sum(tally.covered_whole.values())
    if tally.frames_in == 0:
        raise tally.fault or SourceReadError("no frame could be decoded")
    if tally.frames_in != tally.redacted + whole + tally.dropped + tally.frozen:
        raise RuntimeError(
            f"{tally.frames_in} frames in, but {tally.redacted} redacted, {whole} covered whole, "
            f"{tally.dropped} dropped and {tally.frozen} frozen"
        )
