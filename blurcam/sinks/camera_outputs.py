"""The outputs of a camera side by side: one encode for all, and each fails alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkError
from blurcam.media.clock import Clock
from blurcam.redact.gate import RedactedFrame
from blurcam.runtime.backoff import CRASHED, BackOff
from blurcam.runtime.status import OutputStatus, Storage

logger = logging.getLogger(__name__)


class LiveSink(Protocol):
    """Where redacted packets go, for as long as there are any."""

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet of a picture that the camera took about then; raises SinkError."""

    @property
    def is_up(self) -> bool:
        """Whether something is known to have been taken: a server may need a while to refuse."""

    def storage(self) -> Storage | None:
        """Return what is kept on disk, ``None`` if nothing is."""

    def finish(self) -> None:
        """Complete what was begun; raises SinkError."""

    def close(self) -> None:
        """Release it; safe to call twice."""


class FrameSink(Protocol):
    """Where redacted pictures themselves go."""

    def show(self, picture: RedactedFrame) -> None:
        """Take the newest picture, or not, as its own rhythm wants."""


class CameraOutput:
    """One output: opened at a key frame, and after a failure opened again, later each time."""

    def __init__(self, name: str, open_sink: Callable[[Encoder], LiveSink], clock: Clock) -> None:
        """Take what opens it; ``name`` is safe to print."""
        self.name = name
        self._open = open_sink
        self._clock = clock
        self._backoff = BackOff()
        self._sink: LiveSink | None = None
        self._opened = self._again = float("-inf")
        self._error: str | None = None
        self._bytes = 0
        self._storage: Storage | None = None

    def write(self, packet: RedactedPacket, wall_time: float, encoder: Encoder) -> None:
        """Write a packet if the output is up, or can be; never raises SinkError."""
        try:
            if self._sink is None:
                if not packet.is_key or self._clock.elapsed() < self._again:
                    return
                self._opened = self._clock.elapsed()
                self._sink = self._open(encoder)
            self._sink.write(packet, wall_time)
            self._bytes += len(packet.data)
            self._storage = self._sink.storage()
            if self._sink.is_up:
                self._error = None
        except SinkError as exc:
            self._failed(exc)

    def _failed(self, error: SinkError) -> None:
        if str(error) != self._error:
            logger.warning("%s", error)
        self._error = str(error)
        now = self._clock.elapsed()
        self._again = now + self._backoff.after(CRASHED, now - self._opened)
        self.close()

    def finish(self) -> None:
        """Complete the output; a failure is logged, and counts for this output alone."""
        if self._sink is not None:
            try:
                self._sink.finish()
            except SinkError as exc:
                self._failed(exc)

    def close(self) -> None:
        """Release the output; safe to call twice."""
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


class CameraOutputs:
    """All outputs of one camera, behind its one encoder."""

    def __init__(
        self, encoder: Encoder, outlets: Sequence[CameraOutput], raw: Sequence[FrameSink] = ()
    ) -> None:
        """Take over the encoder; ``outlets`` get its packets, ``raw`` the pictures."""
        self._encoder = encoder
        self._outlets = tuple(outlets)
        self._raw = tuple(raw)

    def show(self, picture: RedactedFrame, pts: int, wall_time: float) -> None:
        """Hand a picture to every output; raises SinkError where it cannot be encoded."""
        self._spread(self._encoder.encode(picture, pts), wall_time)
        for sink in self._raw:
            sink.show(picture)

    def finish(self, wall_time: float) -> None:
        """Hand out what the encoder holds, and complete every output."""
        self._spread(self._encoder.flush(), wall_time)
        for outlet in self._outlets:
            outlet.finish()

    def _spread(self, packets: Iterator[RedactedPacket], wall_time: float) -> None:
        for packet in packets:
            for outlet in self._outlets:
                outlet.write(packet, wall_time, self._encoder)

    def close(self) -> None:
        """Release everything, completed or not; safe to call twice."""
        for outlet in self._outlets:
            outlet.close()
        self._encoder.close()
