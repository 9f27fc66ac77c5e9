"""An output in a thread of its own, so that a disk that hangs delays no frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from blurcam.encode.encoder import RedactedPacket
from blurcam.errors import SinkError, SinkOpenError, SinkWriteError
from blurcam.media.clock import Clock
from blurcam.runtime.status import Storage
from blurcam.runtime.threads import Future, WorkerThread

# A few seconds of coded video; beyond it packets are dropped up to the next key frame.
_MOST_BYTES: Final = 16 << 20
_MOST_PACKETS: Final = 4096
# A disk that takes nothing for this long is given up, and tried again once it answers.
_STUCK_SECONDS: Final = 8.0
# The time for a disk to close a file; a process that ends has three seconds in all.
_PARTING_SECONDS: Final = 1.5


class LiveSink(Protocol):
    """An output of redacted packets without a known end."""

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet of a frame that came at ``wall_time``; raises SinkError."""

    @property
    def is_up(self) -> bool:
        """Whether the output is known to take packets: a server may need a while to refuse."""

    def storage(self) -> Storage | None:
        """Return what is kept on disk, ``None`` if nothing is."""

    def finish(self) -> None:
        """Complete the output; raises SinkError."""

    def close(self) -> None:
        """Release it; safe to call twice."""


Opens = Callable[[], LiveSink]


def in_own_thread(name: str, open_sink: Opens, clock: Clock) -> Opens:
    """Return a function that opens the same output in a thread of its own.

    While an earlier thread still hangs, it refuses to open another: at most one thread is lost.
    """
    lost: list[WorkerThread[Callable[[], None], None]] = []

    def opens() -> LiveSink:
        lost[:] = [worker for worker in lost if not worker.close()]
        if lost:
            raise SinkOpenError(f"{name}: the disk still hangs")
        return SinkThread(name, open_sink, clock, lost.append)

    return opens


@dataclass(frozen=True, slots=True)
class _Submitted:
    done: Future[None]
    size: int
    since: float


class SinkThread:
    """Passes packets to a thread that writes them, and raises that thread's errors later."""

    def __init__(
        self,
        name: str,
        open_sink: Opens,
        clock: Clock,
        lose: Callable[[WorkerThread[Callable[[], None], None]], None],
    ) -> None:
        """Open the output in the thread; ``lose`` gets a thread that hangs at the end."""
        self._name = name
        self._clock = clock
        self._lose = lose
        self._worker: WorkerThread[Callable[[], None], None] = WorkerThread(_call, _MOST_PACKETS)
        self._submitted: deque[_Submitted] = deque()
        self._bytes = 0
        self._is_skipping = self._is_closed = False
        self._sink: LiveSink | None = None
        self._submit(lambda: self._open(open_sink))

    def _open(self, open_sink: Opens) -> None:
        self._sink = open_sink()

    def _submit(self, work: Callable[[], None], size: int = 0) -> Future[None]:
        future = self._worker.submit(work)
        self._submitted.append(_Submitted(future, size, self._clock.elapsed()))
        self._bytes += size
        return future

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Queue a packet; raises the error of an earlier one."""
        self._settle()
        if self._is_skipping and not (packet.is_key and self._bytes < _MOST_BYTES // 2):
            return
        self._is_skipping = self._bytes > _MOST_BYTES or len(self._submitted) >= _MOST_PACKETS
        if not self._is_skipping:
            self._submit(lambda: self._write(packet, wall_time), len(packet.data))

    def _write(self, packet: RedactedPacket, wall_time: float) -> None:
        assert self._sink is not None
        self._sink.write(packet, wall_time)

    def _settle(self) -> None:
        """Raise SinkError for work that failed or takes too long."""
        while self._submitted and self._submitted[0].done.done():
            first = self._submitted.popleft()
            self._bytes -= first.size
            first.done.result()
        if self._submitted and self._clock.elapsed() - self._submitted[0].since > _STUCK_SECONDS:
            raise SinkWriteError(f"{self._name}: the disk takes nothing for {_STUCK_SECONDS:g} s")

    @property
    def is_up(self) -> bool:
        """Whether it could be opened."""
        return self._sink is not None and self._sink.is_up

    def storage(self) -> Storage | None:
        """Return what is on disk, as last counted."""
        return None if self._sink is None else self._sink.storage()

    def finish(self) -> None:
        """Complete the output, if that does not take long; raises SinkError."""
        finished = self._submit(self._finish)
        try:
            finished.result(_PARTING_SECONDS)
        except TimeoutError:
            raise SinkWriteError(
                f"{self._name}: the disk does not take the end; the file keeps its temporary name"
            ) from None
        self._settle()

    def _finish(self) -> None:
        if self._sink is not None:
            self._sink.finish()

    def close(self) -> None:
        """Release the output as soon as the disk answers; safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(TimeoutError, SinkError):
            self._worker.submit(self._close).result(_PARTING_SECONDS)
        if not self._worker.close():
            self._lose(self._worker)

    def _close(self) -> None:
        if self._sink is not None:
            self._sink.close()


def _call(work: Callable[[], None]) -> None:
    work()
