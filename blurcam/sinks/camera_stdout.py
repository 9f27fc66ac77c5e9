"""A live camera on standard output, as MPEG-TS: a reader who is slow misses some of it."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkClosed
from blurcam.runtime.status import Storage
from blurcam.sinks.drop_queue import DropQueue, TransportStream, widen

# POSIX: what a pipe that poll() calls writable takes without waiting. Its flags are left alone,
# since other processes share them.
_ATOMIC: Final = select.PIPE_BUF
_PARTING_MILLISECONDS: Final = 1000


class StdoutSink:
    """Writes to a descriptor what it takes at once, and never waits for its reader."""

    def __init__(self, descriptor: int, encoder: Encoder) -> None:
        """Write to the descriptor, which stays the caller's."""
        self._descriptor = descriptor
        self._backlog = DropQueue(TransportStream(encoder))
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        widen(descriptor)

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Hand a packet on; raises SinkClosed where nobody reads any more."""
        del wall_time
        self._backlog.add(packet)
        self._push(0)

    def _push(self, milliseconds: int) -> None:
        while waiting := self._backlog.waiting:
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
        """Whether something was taken: what was not has raised."""
        return True

    def storage(self) -> Storage | None:
        """Keep nothing."""
        return None

    def finish(self) -> None:
        """Give the reader a moment for what waits."""
        with suppress(SinkClosed):
            self._push(_PARTING_MILLISECONDS)

    def close(self) -> None:
        """Release the muxer; safe to call twice."""
        self._backlog.close()
