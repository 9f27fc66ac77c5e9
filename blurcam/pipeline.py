"""The chain, composed once: covered frames are redacted here, and nothing else is written."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from typing import Protocol

from blurcam.buffering import outbox
from blurcam.effects import Effect
from blurcam.encoding import RedactedPacket
from blurcam.errors import SourceReadError
from blurcam.frames import Frame
from blurcam.redaction import RedactedFrame, redact
from blurcam.regions import Coverage
from blurcam.stats import Tally
from blurcam.streams import StreamInfo

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


class Encoder(Protocol):
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


def until_fault(frames: Iterable[Frame], tally: Tally) -> Generator[Frame, None, None]:
    """Yield frames up to a failure of the source, which is kept in ``tally.fault``.

    What was decoded before the failure is still worth publishing; the run's exit code tells.
    """
    try:
        yield from frames
    except SourceReadError as exc:
        tally.fault = exc


def redact_all(
    covered: Iterable[tuple[Frame, Coverage]], effect: Effect, tally: Tally
) -> Iterator[RedactedFrame]:
    """Yield every frame redacted, and count it."""
    for frame, coverage in covered:
        redacted = redact(frame, coverage, effect)
        tally.covered(coverage)
        yield redacted


def write_all(
    redacted: Iterable[RedactedFrame], encoder: Encoder, sinks: tuple[Sink, ...], tally: Tally
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


def _audit(tally: Tally) -> None:
    """Every decoded frame must have ended in exactly one way."""
    whole = sum(tally.covered_whole.values())
    if tally.frames_in == 0:
        raise tally.fault or SourceReadError("no frame could be decoded")
    if tally.frames_in != tally.redacted + whole + tally.dropped + tally.frozen:
        raise RuntimeError(
            f"{tally.frames_in} frames in, but {tally.redacted} redacted, {whole} covered whole, "
            f"{tally.dropped} dropped and {tally.frozen} frozen"
        )
