"""Redacted frames to everything that a live run writes, until its end or until nobody reads."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Protocol

from blurcam.encode.encoder import RedactedPacket
from blurcam.errors import SinkClosed, SinkError, SourceReadError
from blurcam.redact.gate import RedactedFrame
from blurcam.runs.chain import WRITER_DEPTH, FrameEncoder, Sink
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.threads import outbox

logger = logging.getLogger(__name__)


class FrameOutput(Protocol):
    """Where redacted frames go, coded or as they are."""

    def write(self, frame: RedactedFrame) -> None:
        """Write a frame; raises :class:`~blurcam.errors.SinkError` where that fails."""

    def finish(self) -> None:
        """Write what is left, and the end."""


class Coded:
    """Encodes once, for all the sinks that want it so."""

    def __init__(self, encoder: FrameEncoder, sinks: Sequence[Sink]) -> None:
        """Encode with ``encoder``."""
        self._encoder = encoder
        self._sinks = tuple(sinks)

    def write(self, frame: RedactedFrame) -> None:
        """Encode a frame; every sink gets its packets before a reader who left is mentioned."""
        self._spread(self._encoder.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and finish the sinks."""
        try:
            self._spread(self._encoder.flush())
        finally:
            for sink in self._sinks:
                sink.finish()

    def _spread(self, packets: Iterator[RedactedPacket]) -> None:
        closed: SinkClosed | None = None
        for packet in packets:
            for sink in self._sinks:
                try:
                    sink.write(packet)
                except SinkClosed as exc:
                    closed = exc
        if closed is not None:
            raise closed


class Aside:
    """A sink beside the one that matters: where it fails it fails alone, and is counted."""

    def __init__(self, sink: Sink, tally: FrameCounts) -> None:
        """Write to ``sink`` while it works."""
        self._sink = sink
        self._tally = tally
        self._works = True

    def write(self, packet: RedactedPacket) -> None:
        """Write a packet, or give the sink up."""
        if self._works:
            try:
                self._sink.write(packet)
            except SinkError as exc:
                self._give_up(exc)

    def finish(self) -> None:
        """Complete it, if it works."""
        if self._works:
            try:
                self._sink.finish()
            except SinkError as exc:
                self._give_up(exc)

    def _give_up(self, error: SinkError) -> None:
        self._works = False
        self._tally.fault = error
        logger.warning("%s; the rest goes on without it", error)

    def close(self) -> None:
        """Release it."""
        self._sink.close()


def deliver(
    redacted: Iterable[RedactedFrame], outlets: Sequence[FrameOutput], tally: FrameCounts
) -> Generator[Fraction, None, None]:
    """Write to every outlet, in a thread, and yield the media time of each frame handed over.

    The end is written after the last frame, and also where the first outlet's reader went away,
    which is a normal end. A failure anywhere, or closing this generator early, leaves everything
    unfinished. Frames that were decoded and never redacted count as dropped. Raises the source's
    own error where there was no frame at all.
    """

    def consume(frames: Iterator[RedactedFrame]) -> None:
        closed: SinkClosed | None = None
        try:
            for frame in frames:
                for outlet in outlets:
                    outlet.write(frame)
        except SinkClosed as exc:
            closed = exc
        for outlet in outlets:
            try:
                outlet.finish()
            except SinkClosed as exc:
                closed = exc
        if closed is not None:
            raise closed

    try:
        with outbox(consume, WRITER_DEPTH) as put:
            for frame in redacted:
                put(frame)
                yield frame.pts * frame.time_base
            if tally.frames_in == 0:
                raise tally.fault or SourceReadError("no frame could be decoded")
    except SinkClosed as exc:
        tally.notice(str(exc))
    settle(tally)


def settle(tally: FrameCounts) -> None:
    """Count as dropped what was decoded, and was still waiting when the end was asked for."""
    done = tally.redacted + sum(tally.covered_whole.values()) + tally.frozen
    if done > tally.frames_in:
        raise RuntimeError(f"{tally.frames_in} frames in, but {done} out")
    tally.dropped = tally.frames_in - done
