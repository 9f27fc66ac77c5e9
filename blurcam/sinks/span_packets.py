"""Redacted packets of one span on disk, for the process that joins the spans.

The file is signed with the key of its job: each packet with all before it, and the end with all of
them. A file that another writer made, cut short, or put in another order is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from blurcam.encode.encoder import RedactedPacket, SignedPackets
from blurcam.errors import SinkOpenError, SinkWriteError
from blurcam.runtime.files import StagedFile

_LENGTH: Final = struct.Struct(">I")
_TAG: Final = 32


class SpanPacketSink:
    """Writes the packets of a span; the file gets its name when it is complete."""

    def __init__(self, path: Path, signed: SignedPackets) -> None:
        """Open the file under a temporary name."""
        self.path = path
        self._staged = StagedFile(path, overwrite=True)
        self._signed = signed
        self._finished = False
        try:
            self._file: IO[bytes] = self._staged.open()
        except OSError as exc:
            raise SinkOpenError(f"{path}: cannot be written: {exc.strerror}") from exc

    def write(self, packet: RedactedPacket) -> None:
        """Write one packet; raises SinkWriteError."""
        body, tag = self._signed.pack(packet)
        with self._border():
            self._file.write(_LENGTH.pack(len(body)) + tag + body)

    def finish(self) -> None:
        """Sign the end, sync the file to disk, and give it its name; raises SinkWriteError."""
        with self._border():
            self._file.write(_LENGTH.pack(0) + self._signed.end())
            self._file.close()
            self._staged.publish()
        self._finished = True

    def close(self) -> None:
        """Release the file, and remove it if it is not finished."""
        with suppress(OSError):  # a full disk, reported before
            self._file.close()
        if not self._finished:
            self._staged.discard()

    @contextmanager
    def _border(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise SinkWriteError(f"{self.path}: cannot be written: {exc.strerror}") from exc


def read_span(path: Path, signed: SignedPackets) -> Iterator[RedactedPacket]:
    """Yield the packets of a span in order; raises SinkWriteError if a signature is wrong."""
    try:
        with path.open("rb") as file:
            while True:
                head = file.read(_LENGTH.size + _TAG)
                if len(head) < _LENGTH.size + _TAG:
                    raise SinkWriteError(f"{path}: is cut short; its span has to be redacted again")
                (length,) = _LENGTH.unpack(head[: _LENGTH.size])
                tag = head[_LENGTH.size :]
                if not length:
                    signed.refuse_other_end(tag, str(path))
                    return
                yield signed.unpack(file.read(length), tag, str(path))
    except OSError as exc:
        raise SinkWriteError(f"{path}: cannot be read: {exc.strerror}") from exc
