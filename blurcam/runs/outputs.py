"""Outputs of a run, each with what happens where it fails; frames are encoded once for all of them.

Where the run stands or falls with an output, its failure fails the run. A recording beside a stream
is given up. What a camera writes to is opened again, later each time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Protocol

from blurcam.encode.encoder import RedactedPacket
from blurcam.errors import SinkClosed, SinkError
from blurcam.media.clock import Clock, SystemClock
from blurcam.redact.gate import RedactedFrame
from blurcam.runs.chain import ShownFrame
from blurcam.runtime.backoff import CRASHED, BackOff
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.status import OutputStatus, Storage
from blurcam.sinks.own_thread import LiveSink

logger = logging.getLogger(__name__)


class FrameEncoder(Protocol):
    """Turns redacted frames into packets."""

    def encode(self, frame: RedactedFrame, pts: int | None = None) -> Iterator[RedactedPacket]:
        """Yield the packets that are ready; ``pts`` in place of the frame's own."""

    def flush(self) -> Iterator[RedactedPacket]:
        """Yield what is left."""


class PacketSink(Protocol):
    """Where redacted packets go."""

    def write(self, packet: RedactedPacket) -> None:
        """Write one packet; raises :class:`~blurcam.errors.SinkError` where it fails."""

    def finish(self) -> None:
        """Complete the output and publish it."""

    def close(self) -> None:
        """Release it, published or not; safe to call twice."""


class FrameSink(Protocol):
    """Where redacted frames go as they are."""

    def write(self, frame: RedactedFrame) -> None:
        """Write one frame; raises :class:`~blurcam.errors.SinkError` where it fails."""

    def finish(self) -> None:
        """Write what is left."""


class OnFailure(Enum):
    """What happens where an output fails."""

    FAIL = "the run fails"
    GIVE_UP = "the output is given up, and counted as a fault"
    REOPEN = "the output is opened again, later each time"


class Output:
    """One output for packets: a sink, and what happens where it fails."""

    def __init__(
        self,
        name: str,
        open_sink: Callable[[], LiveSink],
        on_failure: OnFailure,
        counts: FrameCounts,
        clock: Clock,
    ) -> None:
        """Take what opens the sink; ``name`` is safe to print.

        One that may be opened again is opened at its first key frame, any other now.
        """
        self.name = name
        self.on_failure = on_failure
        self._open = open_sink
        self._counts = counts
        self._clock = clock
        self._backoff = BackOff()
        self._opened = self._again = float("-inf")
        self._error: str | None = None
        self._bytes = 0
        self._storage: Storage | None = None
        self._sink = None if on_failure is OnFailure.REOPEN else open_sink()

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet if the output is up, or can be; raises SinkError where the run fails."""
        try:
            if self._sink is None:
                if not packet.is_key or self._clock.elapsed() < self._again:
                    return
                self._opened = self._clock.elapsed()
                self._sink = self._open()
            self._sink.write(packet, wall_time)
            self._bytes += len(packet.data)
            self._storage = self._sink.storage()
            if self._sink.is_up:
                self._error = None
        except SinkError as exc:
            self._failed(exc)

    def finish(self) -> None:
        """Complete the output, if it is up; raises SinkError where the run fails."""
        if self._sink is not None:
            try:
                self._sink.finish()
            except SinkError as exc:
                self._failed(exc)

    def _failed(self, error: SinkError) -> None:
        if self.on_failure is OnFailure.FAIL:
            raise error
        if self.on_failure is OnFailure.GIVE_UP:
            self._again = float("inf")
            self._counts.fault = error
            logger.warning("%s; the rest goes on without it", error)
        else:
            if str(error) != self._error:
                logger.warning("%s", error)
            now = self._clock.elapsed()
            self._again = now + self._backoff.after(CRASHED, now - self._opened)
        self._error = str(error)
        self.close()

    def close(self) -> None:
        """Release the sink; safe to call twice."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def status(self) -> OutputStatus:
        """Return how the output does; any thread may ask."""
        return OutputStatus(
            name=self.name,
            up=self._error is None,
            error=self._error,
            bytes=self._bytes,
            storage=self._storage,
        )


class PlainSink:
    """A sink that needs no time of day and keeps no recordings, as an output takes it."""

    is_up = True

    def __init__(self, sink: PacketSink) -> None:
        """Write to ``sink``."""
        self._sink = sink

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet."""
        del wall_time
        self._sink.write(packet)

    def storage(self) -> Storage | None:
        """Keep nothing."""
        return None

    def finish(self) -> None:
        """Complete it."""
        self._sink.finish()

    def close(self) -> None:
        """Release it."""
        self._sink.close()


def output_to(
    sink: PacketSink, counts: FrameCounts, on_failure: OnFailure = OnFailure.FAIL
) -> Output:
    """Return an output that writes to a sink which is open already."""
    return Output("output", lambda: PlainSink(sink), on_failure, counts, SystemClock())


class EncodedOutput:
    """Encodes each frame once, for all the outputs that take packets."""

    def __init__(self, encoder: FrameEncoder, outputs: Sequence[Output]) -> None:
        """Encode with ``encoder``."""
        self._encoder = encoder
        self._outputs = tuple(outputs)
        self._wall_time = 0.0

    def write(self, shown: ShownFrame) -> None:
        """Encode a frame; every output gets its packets before SinkClosed is raised."""
        self._wall_time = shown.wall_time
        self._spread(self._encoder.encode(shown.frame, shown.pts))

    def finish(self) -> None:
        """Write what the encoder still holds, and finish the outputs."""
        closed: SinkClosed | None = None
        try:
            self._spread(self._encoder.flush())
        except SinkClosed as exc:
            closed = exc
        for output in self._outputs:
            try:
                output.finish()
            except SinkClosed as exc:
                closed = exc
        if closed is not None:
            raise closed

    def _spread(self, packets: Iterator[RedactedPacket]) -> None:
        closed: SinkClosed | None = None
        for packet in packets:
            for output in self._outputs:
                try:
                    output.write(packet, self._wall_time)
                except SinkClosed as exc:
                    closed = exc
        if closed is not None:
            raise closed


class PlainOutput:
    """Hands redacted frames to a sink as they are."""

    def __init__(self, sink: FrameSink) -> None:
        """Write to ``sink``."""
        self._sink = sink

    def write(self, shown: ShownFrame) -> None:
        """Write a frame."""
        self._sink.write(shown.frame)

    def finish(self) -> None:
        """Write what is left."""
        self._sink.finish()
