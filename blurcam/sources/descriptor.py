"""The input descriptor: a stream of bytes that can be interrupted, and peeked at."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path
from typing import Final, Protocol

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.runtime.pipes import PIPE_BYTES, widen

_CHUNK: Final = 1 << 16


class RestartWatch(Protocol):
    """Examines all that is read, and finds the place where the stream starts anew."""

    def cut(self, data: bytes) -> tuple[int, bytes] | None:
        """Return how many bytes of ``data`` still belong to the stream, and the next one's start.

        Returns ``None`` if all of it belongs to the stream.
        """


class InputDescriptor:
    """An open descriptor, read as a stream of bytes.

    A read waits in :func:`select.poll` for the descriptor and for one of this object's own. So
    :meth:`interrupt`, from any thread or a signal handler, ends the stream at once. The flags of
    the descriptor are not changed, since other processes share it.
    """

    def __init__(self, descriptor: int, name: str, *, gone: int | None = None) -> None:
        """Take over ``descriptor``; the stream also ends when nobody reads ``gone`` any more.

        ``waited`` grows by the seconds for which reads waited for bytes.
        """
        self.name = name
        self.count = 0
        self.waited = 0.0
        self._descriptor = descriptor
        self._held = bytearray()
        self._next: bytes | None = None  # how the stream goes on after a cut
        self._watch: RestartWatch | None = None
        self._ended = False
        self._wake, self._waker = os.pipe()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        if gone is not None:
            self._poll.register(gone, 0)  # POLLERR is always reported
        self._gone = gone

    @property
    def ended(self) -> bool:
        """Whether nothing more will ever be read."""
        return self._ended and not self._held and self._next is None

    def interrupt(self) -> None:
        """End the stream here, also for a read that waits; safe to call twice."""
        self._ended = True
        if self._waker >= 0:
            os.write(self._waker, b"\0")

    def peek(self, count: int) -> bytes:
        """Return the next ``count`` bytes, or all that are left, without consuming them."""
        while len(self._held) < count and (data := self._receive(_CHUNK)):
            self._held += data
        return bytes(self._held[:count])

    def read(self, count: int) -> bytes:
        """Return up to ``count`` of the next bytes as soon as there are any; none at the end.

        The place where the watch finds a new start counts as an end, once.
        """
        if self._next is not None:
            return b""
        if self._held:
            data = bytes(self._held[:count])
            del self._held[:count]
        else:
            data = self._receive(count)
        found = self._watch.cut(data) if self._watch is not None and data else None
        if found is None:
            return data
        place, begins = found
        self._next = begins
        return data[:place]

    def read_exactly(self, count: int) -> bytes:
        """Return ``count`` bytes; fewer only at the end."""
        parts = []
        while count and (data := self.read(count)):
            parts.append(data)
            count -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, of which all bytes are there already."""
        return stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def widen(self) -> None:
        """Enlarge a pipe's buffer, so that a large frame needs fewer reads."""
        widen(self._descriptor)

    def watch(self, watch: RestartWatch | None) -> None:
        """Have ``watch`` examine all that is read from now on."""
        self._watch = watch

    def go_on(self) -> bool:
        """Go on after a cut; false if there was none."""
        if self._next is None:
            return False
        self._held[:0] = self._next
        self._next = None
        self._watch = None
        return True

    def _receive(self, count: int) -> bytes:
        """Wait for bytes; none at the end."""
        while not self._ended:
            began = time.monotonic()
            events = dict(self._poll.poll())
            self.waited += time.monotonic() - began
            if self._wake in events or (self._gone is not None and self._gone in events):
                self._ended = True
            elif self._descriptor in events:
                try:
                    data = os.read(self._descriptor, min(count, PIPE_BYTES))
                except BlockingIOError:  # another process made it non-blocking, and read first
                    continue
                except OSError as exc:
                    self._ended = True
                    raise SourceReadError(f"{self.name}: cannot be read: {exc.strerror}") from exc
                self.count += len(data)
                self._ended = not data
                return data
        return b""

    def release(self) -> None:
        """Close what is open; safe to call twice."""
        for descriptor in (self._descriptor, self._wake, self._waker):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._wake = self._waker = -1


def open_descriptor(path: Path, *, gone: int | None = None) -> InputDescriptor:
    """Open standard input (``-``), a FIFO, a device or a file.

    Raises :class:`~blurcam.errors.SourceOpenError`.
    """
    if str(path) == "-":
        return InputDescriptor(_standard_input(), "standard input", gone=gone)
    try:
        # Otherwise the opening of a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise SourceOpenError(f"{path}: cannot be opened: {exc.strerror}") from exc
    os.set_blocking(descriptor, True)
    return InputDescriptor(descriptor, str(path), gone=gone)


def _standard_input() -> int:
    try:
        descriptor = os.dup(0)
    except OSError as exc:
        raise SourceOpenError("standard input is closed; pipe a video into it") from exc
    if os.isatty(descriptor):
        os.close(descriptor)
        raise SourceOpenError(
            "standard input is a terminal; pipe a video into it, such as: "
            "ffmpeg -i rtsp://… -c copy -f mpegts - | blurcam pipe"
        )
    return descriptor
