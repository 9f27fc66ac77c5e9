"""A bounded queue of coded video for a slow reader; it drops packets and never waits."""

from __future__ import annotations

from typing import Final, Protocol

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.sinks.muxer import Muxer

# A few seconds of video.
_MOST_BYTES: Final = 4 << 20


class PacketFormat(Protocol):
    """A format that turns packets into bytes."""

    def coded(self, packet: RedactedPacket) -> bytes:
        """Return a complete packet in that format."""

    def close(self) -> None:
        """Release its writer; safe to call twice."""


class DropQueue:
    """Packets that wait for the reader; if too many wait, the rest up to a key frame is dropped."""

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
        """Release the format; safe to call twice."""
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
        """Return a packet; before a key frame, the tables, too."""
        self._muxer.write(packet)
        coded = bytes(self._taken)
        self._taken.clear()
        return coded

    def close(self) -> None:
        """Release the muxer; safe to call twice."""
        self._muxer.close()
