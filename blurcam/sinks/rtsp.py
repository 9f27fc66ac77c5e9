"""Publishing to a server, by a process of its own: however slow or dead, it holds nothing up."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkClosed, SinkOpenError, SinkWriteError
from blurcam.media.clock import Clock
from blurcam.runtime.status import Storage
from blurcam.settings.addresses import Address
from blurcam.sinks.drop_queue import PIPE_BYTES, DropQueue, widen
from blurcam.sinks.rtsp_protocol import PublishFeed

# A server that takes nothing for so long is connected to anew.
_STUCK_SECONDS: Final = 8.0
_ERROR_BYTES: Final = 4096


class Publisher:
    """Sends redacted packets to a child process, which sends them to the server.

    The first mux and the last of PyAV's RTSP hold Python's lock while the server thinks: a dead
    one froze a whole process for 20 s. So that happens in the child, and the pipe to it never
    blocks. When it is full, packets are left out up to the next key frame.
    """

    def __init__(self, address: Address, encoder: Encoder, clock: Clock) -> None:
        """Start the child; raises SinkOpenError where it does not start."""
        self._address = address
        self._clock = clock
        self._moved = clock.elapsed()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "blurcam.sinks.rtsp_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as exc:
            raise SinkOpenError(f"{address}: no process to publish with: {exc.strerror}") from exc
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._pipe = self._child.stdin.fileno()
        self._word = self._child.stdout.fileno()
        self._errors = self._child.stderr.fileno()
        self._is_up = False
        os.set_blocking(self._pipe, False)
        os.set_blocking(self._word, False)
        os.set_blocking(self._errors, False)
        widen(self._pipe)
        self._backlog = DropQueue(PublishFeed(encoder, address.location))

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Hand a packet to the child, without ever waiting for it."""
        del wall_time
        self._refuse_ended()
        self._push()
        self._backlog.add(packet)
        self._push()
        if self._clock.elapsed() - self._moved > _STUCK_SECONDS:
            raise SinkWriteError(f"{self._address}: takes nothing for {_STUCK_SECONDS:g} s")

    def _push(self) -> None:
        try:
            while waiting := self._backlog.waiting:
                written = os.write(self._pipe, waiting[:PIPE_BYTES])
                del waiting[:written]
                self._moved = self._clock.elapsed()
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._refuse_ended(timeout=1.0)
            raise SinkClosed(f"{self._address}: the publishing process is gone") from None
        self._moved = self._clock.elapsed()

    def _refuse_ended(self, timeout: float | None = None) -> None:
        """Raise SinkWriteError with the child's last words, if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            if timeout is not None:
                self._child.wait(timeout)
        if self._child.poll() is not None:
            said = b""
            with suppress(OSError):
                said = os.read(self._errors, _ERROR_BYTES)
            lines = said.decode("utf-8", "replace").strip().splitlines()
            lines = lines or [f"its process ended with {self._child.returncode}"]
            raise SinkWriteError(f"{self._address}: {self._address.mask(lines[-1])}")

    @property
    def is_up(self) -> bool:
        """Whether the child has said that the server takes pictures."""
        if not self._is_up:
            with suppress(BlockingIOError):
                self._is_up = bool(os.read(self._word, 1))
        return self._is_up

    def storage(self) -> Storage | None:
        """Keep nothing."""
        return None

    def finish(self) -> None:
        """Let the child send what it has, for a moment."""
        with suppress(SinkWriteError, SinkClosed):
            self._push()
        assert self._child.stdin is not None
        with suppress(OSError):
            self._child.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(1.0)

    def close(self) -> None:
        """End the child; safe to call twice."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._backlog.close()
