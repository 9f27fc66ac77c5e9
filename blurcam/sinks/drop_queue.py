"""Coded video for a reader that may be slow: bounded, and never waited with."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.sinks.muxer import Muxer

# Some seconds of it.
_MOST_BYTES: Final = 4 << 20


# Of a pipe, where the system lets it be so large: it comes with 64 KiB, and of a key frame larger
# than that the rest would wait for the next picture.
PIPE_BYTES: Final = 1 << 20


def widen(pipe: int) -> None:
    """Have a pipe take a large key frame at once; nothing where it is none, or not Linux's."""
    with suppress(OSError, ImportError, AttributeError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


class PacketFormat(Protocol):
    """Packets as bytes of some format."""

    def coded(self, packet: RedactedPacket) -> bytes:
        """Return a packet in that format, complete."""

    def close(self) -> None:
        """Release what writes it; safe to call twice."""


class DropQueue:
    """Packets coded and not yet taken; where there are too many, none up to the next key frame."""

    def __init__(self, form: PacketFormat) -> None:
        """Hold nothing yet."""
        self._form = form
        self._is_skipping = False
        self.waiting = bytearray()
        self.skipped = 0

    def add(self, packet: RedactedPacket) -> None:
        """Add a packet, unless there is no room for it."""
        if self._is_skipping and not (packet.is_key and len(self.waiting) < _MOST_BYTES // 2):
            self.skipped += 1
            return
        self._is_skipping = len(self.waiting) + len(packet.data) > _MOST_BYTES
        if self._is_skipping:
            self.skipped += 1
            return
        self.waiting += self._form.coded(packet)

    def close(self) -> None:
        """Release the form; safe to call twice."""
        self._form.close()


class TransportStream:
    """Packets as MPEG-TS, in memory."""

    def __init__(self, encoder: Encoder) -> None:
        """Write the header."""
        self._taken = bytearray()
        options = {"flush_packets": "1", "mpegts_flags": "pat_pmt_at_frames"}
        self._muxer = Muxer(self, "mpegts", encoder.template, encoder.time_base, options=options)
        self._muxer.begin()

    def write(self, data: bytes) -> int:
        """Take what the muxer writes."""
        self._taken += data
        return len(data)

    def coded(self, packet: RedactedPacket) -> bytes:
        """Return a packet, and at a key frame the tables."""
        self._muxer.write(packet)
        coded = bytes(self._taken)
        self._taken.clear()
        return coded

    def close(self) -> None:
        """Release the muxer; safe to call twice."""
        self._muxer.close()
