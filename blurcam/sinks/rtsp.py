"""Publishing to an RTSP server, by a process of its own, so that a slow server delays nothing."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkClosed, SinkOpenError, SinkWriteError
from blurcam.media.clock import Clock
from blurcam.runtime.child import SILENT, Child
from blurcam.runtime.pipes import PIPE_BYTES, widen
from blurcam.runtime.status import Storage
from blurcam.settings.addresses import Address
from blurcam.sinks.drop_queue import DropQueue
from blurcam.sinks.rtsp_protocol import PublishFormat

# If a server takes nothing for this long, blurcam connects to it anew.
_STUCK_SECONDS: Final = 8.0
# The child tells that the server takes frames, and then nothing until it ends.
_FOREVER: Final = float("inf")


class Publisher:
    """Sends redacted packets to a child process, which sends them to the server.

    PyAV's RTSP muxer holds Python's lock while it waits for the server at the start and the end: a
    dead server froze a whole process for 20 s. So the child does that, and the pipe to it never
    blocks. When it is full, packets are dropped up to the next key frame.
    """

    def __init__(self, address: Address, encoder: Encoder, clock: Clock) -> None:
        """Start the child; raises SinkOpenError if it does not start."""
        self._address = address
        self._clock = clock
        self._moved = clock.elapsed()
        try:
            self._child = Child(
                "blurcam.sinks.rtsp_process",
                clock,
                starts_within=_FOREVER,
                hangs_after=_FOREVER,
                stderr=SILENT,  # FFmpeg's messages may have the password
            )
        except OSError as exc:
            raise SinkOpenError(f"{address}: no process to publish with: {exc.strerror}") from exc
        self._pipe = self._child.input.fileno()
        self._is_up = False
        self._word = ""
        os.set_blocking(self._pipe, False)
        widen(self._pipe)
        self._queue = DropQueue(PublishFormat(encoder, address.location))

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Pass a packet to the child without ever waiting for it."""
        del wall_time
        self._refuse_ended()
        self._push()
        self._queue.add(packet)
        self._push()
        if self._clock.elapsed() - self._moved > _STUCK_SECONDS:
            raise SinkWriteError(f"{self._address}: takes nothing for {_STUCK_SECONDS:g} s")

    def _push(self) -> None:
        try:
            while waiting := self._queue.waiting:
                written = os.write(self._pipe, waiting[:PIPE_BYTES])
                del waiting[:written]
                self._moved = self._clock.elapsed()
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._child.wait(1.0)
            self._refuse_ended()
            raise SinkClosed(f"{self._address}: the publishing process is gone") from None
        self._moved = self._clock.elapsed()

    def _refuse_ended(self) -> None:
        """Raise SinkWriteError with the child's last words, if it has ended."""
        if not self._child.is_running:
            self._listen()
            word = self._word or f"its process {self._child.how_it_ended()}"
            raise SinkWriteError(f"{self._address}: {self._address.mask(word)}")

    def _listen(self) -> None:
        for kind, body in self._child.hear():
            if kind == "up":
                self._is_up = True
            elif kind == "failed":
                self._word = str(json.loads(body))

    @property
    def is_up(self) -> bool:
        """Whether the child has told that the server takes frames."""
        if not self._is_up:
            self._listen()
        return self._is_up

    def storage(self) -> Storage | None:
        """Keep nothing."""
        return None

    def finish(self) -> None:
        """Give the child a moment to send what it has."""
        with suppress(SinkWriteError, SinkClosed):
            self._push()
        self._child.close(1.0)

    def close(self) -> None:
        """End the child; safe to call twice."""
        self._child.close()
        self._queue.close()
