"""The output descriptor: writes can be interrupted, and the reader may go away."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path
from typing import Final

from blurcam.errors import SinkClosed, SinkOpenError, SinkWriteError
from blurcam.runtime.pipes import PIPE_BYTES

# POSIX: a pipe that poll() calls writable takes this many bytes at once.
_ATOMIC: Final = select.PIPE_BUF
_RETRY_SECONDS: Final = 0.05


class OutputDescriptor:
    """An open descriptor, written as a stream of bytes.

    A write waits for the reader in :func:`select.poll`, so that :meth:`hurry` takes effect from
    any thread or signal handler.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        """Take over ``descriptor``."""
        self.name = name
        self.count = 0
        self._descriptor = descriptor
        self._deadline: float | None = None
        self._wake, self._waker = os.pipe()
        self._private = _reopened(descriptor)
        # A file takes everything; a socket or terminal gets only as much as surely does not block.
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._most = PIPE_BYTES if is_file or self._private is not None else _ATOMIC
        self._poll = select.poll()
        self._poll.register(self._target, select.POLLOUT)
        self._poll.register(self._wake, select.POLLIN)

    @property
    def _target(self) -> int:
        return self._descriptor if self._private is None else self._private

    @property
    def descriptor(self) -> int:
        """The descriptor that reports by POLLERR that the reader has gone."""
        return self._descriptor

    def hurry(self, seconds: float) -> None:
        """Count the reader as gone if it does not read all within this many seconds."""
        self._deadline = time.monotonic() + seconds
        if self._waker >= 0:
            os.write(self._waker, b"\0")

    def write(self, data: bytes | memoryview) -> int:
        """Write all of it, and return how many bytes that was.

        Raises :class:`~blurcam.errors.SinkClosed` if the reader has gone away, and
        :class:`~blurcam.errors.SinkWriteError` if the disk is full.
        """
        rest = memoryview(data).cast("B")
        count = len(rest)
        while rest:
            self._wait()
            try:
                written = os.write(self._target, rest[: self._most])
            except BlockingIOError:
                continue
            except OSError as exc:
                raise self._failed(exc) from exc
            rest = rest[written:]
        self.count += count
        return count

    def _wait(self) -> None:
        left = None
        if self._deadline is not None:
            left = max(0.0, self._deadline - time.monotonic()) * 1000
        events = dict(self._poll.poll(left))
        if self._wake in events:
            os.read(self._wake, 64)
        elif not events:
            raise SinkClosed(f"{self.name}: its reader took nothing more; the end is missing there")

    def _failed(self, error: OSError) -> SinkClosed | SinkWriteError:
        if error.errno in (errno.EPIPE, errno.ECONNRESET):
            return SinkClosed(f"{self.name}: its reader went away")
        return SinkWriteError(f"{self.name}: cannot be written: {error.strerror}")

    def release(self) -> None:
        """Close what is open; safe to call twice."""
        for descriptor in (self._descriptor, self._private, self._wake, self._waker):
            if descriptor is not None and descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._wake = self._waker = -1
        self._private = None


def _reopened(descriptor: int) -> int | None:
    """Return another descriptor of the same pipe, non-blocking; ``None`` if that is impossible.

    The flag belongs to the open file, which other processes share. So it is set on a second open
    file of our own.
    """
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return None
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no /proc, or the reader has gone, which the first write reports
        return None


class FifoOpening:
    """Waits for a reader of a FIFO, until interrupted."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self.is_interrupted = False

    def open(self) -> OutputDescriptor:
        """Return the FIFO, file or device, open; raises SinkOpenError or SinkClosed."""
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
        while not self.is_interrupted:
            try:
                descriptor = os.open(self._path, flags)
            except OSError as exc:
                if exc.errno != errno.ENXIO:
                    raise SinkOpenError(f"{self._path}: cannot be opened: {exc.strerror}") from exc
                time.sleep(_RETRY_SECONDS)  # nobody reads it yet, and nothing tells when
            else:
                os.set_blocking(descriptor, True)
                return OutputDescriptor(descriptor, str(self._path))
        raise SinkClosed(f"{self._path}: nobody came to read it")
