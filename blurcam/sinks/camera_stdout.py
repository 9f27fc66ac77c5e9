"""A live camera on standard output as MPEG-TS; a slow reader misses some of it."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkClosed
from blurcam.runtime.pipes import widen
from blurcam.runtime.status import Storage
from blurcam.sinks.drop_queue import DropQueue, TransportStream

# POSIX: a pipe that poll() calls writable takes this many bytes without waiting. The pipe's flags
# are not changed, since other processes share them.
_ATOMIC: Final = select.PIPE_BUF
_PARTING_MILLISECONDS: Final = 1000


class StdoutSink:
    """Writes to a descriptor without ever waiting for its reader."""

    def __init__(self, descriptor: int, encoder: Encoder) -> None:
        """Write to the descriptor, which stays the caller's."""
        self._descriptor = descriptor
        self._queue = DropQueue(TransportStream(encoder))
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        widen(descriptor)

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet; raises SinkClosed if nobody reads any more."""
        del wall_time
        self._queue.add(packet)
        self._push(0)

    def _push(self, milliseconds: int) -> None:
        while waiting := self._queue.waiting:
            events = dict(self._poll.poll(milliseconds))
            if not events:
                return
            try:
                written = os.write(self._descriptor, waiting[:_ATOMIC])
            except OSError as exc:
                raise SinkClosed(f"standard output: {exc.strerror}") from exc
            del waiting[:written]

    @property
    def is_up(self) -> bool:
        """Whether a packet was written; a failure raises."""
        return True

    def storage(self) -> Storage | None:
        """Keep nothing."""
        return None

    def finish(self) -> None:
        """Give the reader a moment for the packets that wait."""
        with suppress(SinkClosed):
            self._push(_PARTING_MILLISECONDS)

    def close(self) -> None:
        """Release the muxer; safe to call twice."""
        self._queue.close()
