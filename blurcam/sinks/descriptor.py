"""Bytes to a descriptor, waited for where a signal can interrupt; its reader may go away."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from blurcam.errors import SinkClosed, SinkOpenError, SinkWriteError

# POSIX: what a pipe that poll() calls writable takes at once.
_ATOMIC: Final = select.PIPE_BUF
_LARGE: Final = 1 << 20
_RETRY_SECONDS: Final = 0.05


class OutputDescriptor:
    """An open descriptor, written as a stream of bytes.

    Whoever waits for the reader waits in :func:`select.poll`, so that :meth:`hurry` (from any
    thread, or a signal handler) is heard.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        """Take over ``descriptor``."""
        self.name = name
        self.count = 0
        self._descriptor = descriptor
        self._deadline: float | None = None
        self._wake, self._waker = os.pipe()
        self._private = _reopened(descriptor)
        # A file takes everything; a socket or terminal only as much as surely does not block.
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._most = _LARGE if is_file or self._private is not None else _ATOMIC
        self._poll = select.poll()
        self._poll.register(self._target, select.POLLOUT)
        self._poll.register(self._wake, select.POLLIN)

    def widen(self) -> None:
        """Let a pipe hold more, for pictures that are larger than it: fewer are the turns."""
        with suppress(OSError):  # no pipe, or more than this user may have
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _LARGE)

    @property
    def _target(self) -> int:
        return self._descriptor if self._private is None else self._private

    @property
    def descriptor(self) -> int:
        """What tells, by POLLERR, that the reader has gone."""
        return self._descriptor

    def hurry(self, seconds: float) -> None:
        """Take the reader for gone if it does not read all within so many seconds."""
        self._deadline = time.monotonic() + seconds
        if self._waker >= 0:
            os.write(self._waker, b"\0")

    def write(self, data: bytes | memoryview) -> int:
        """Write all of it, and return how much that was.

        Raises :class:`~blurcam.errors.SinkClosed` where the reader has gone away, and
        :class:`~blurcam.errors.SinkWriteError` where the disk is full.
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
    """Return another descriptor of the same pipe, non-blocking; ``None`` where there is none.

    The flag belongs to the open file, which other processes share: it is set on one of our own.
    """
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return None
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no /proc, or the reader is gone already, which the first write tells
        return None


class FifoOpening:
    """Waits for somebody to read a FIFO, unless interrupted."""

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
