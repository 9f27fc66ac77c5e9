"""Restarts: the places where another stream begins within a stream."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, Final

import numpy as np

from blurcam.settings.pipe import FromName
from blurcam.sources.descriptor import RestartWatch
from blurcam.sources.signatures import TS_PACKET, TS_SEARCH, is_transport_stream

# The head of each kind, long enough that coded frames contain it by accident once in years.
_HEADS: Final[dict[FromName, re.Pattern[bytes]]] = {
    "nut": re.compile(rb"nut/multimedia container\0"),
    "matroska": re.compile(rb"\x1a\x45\xdf\xa3(?:[\x80-\xff]|\x01.{7})\x42[\x82\x86]", re.DOTALL),
    "flv": re.compile(rb"FLV\x01[\0-\x05]\0\0\0\x09\0\0\0\0"),
    "avi": re.compile(rb"RIFF.{4}AVI LIST.{4}hdrlavih", re.DOTALL),
    "mp4": re.compile(rb"\0\0\0.ftyp(?:iso[m2-9]|mp4[12]|cmf[cf]|dash|avc1|M4V )", re.DOTALL),
}
# Longer than every head.
_OVERLAP: Final = 32
# This many bytes of a file are examined at once.
_SCANNED_BYTES: Final = 8 << 20
_SYNC: Final = 0x47
# The head and the checksum of a section that names nothing.
_LEAST_SECTION: Final = 12


def watch_for(name: FromName) -> RestartWatch | None:
    """Return the watch for a new start of this kind of stream; ``None`` if FFmpeg notices it."""
    if name == "ts":
        return _ProgramWatch()
    return _HeadWatch(_HEADS[name]) if name in _HEADS else None


def changes_program(path: Path) -> bool:
    """Return whether the video of a transport stream changes its codec or PID on the way."""
    try:
        with path.open("rb") as file:
            return changes_program_in(file)
    except OSError:
        return False


def changes_program_in(file: IO[bytes]) -> bool:
    """Return the same of an open file, of which a transport stream is read to its end."""
    data = file.read(_SCANNED_BYTES)
    if not is_transport_stream(data[:TS_SEARCH]):
        return False
    watch = _ProgramWatch()
    while data:
        if watch.cut(data) is not None:
            return True
        data = file.read(_SCANNED_BYTES)
    return False


class _HeadWatch:
    """Finds the head of another stream of the same kind."""

    def __init__(self, head: re.Pattern[bytes]) -> None:
        self._head = head
        self._before: bytes | None = None

    def cut(self, data: bytes) -> tuple[int, bytes] | None:
        # The first bytes are the stream's own head.
        before = b"" if self._before is None else self._before
        joined = before + data
        found = self._head.search(joined, 0 if self._before is not None else 1)
        self._before = joined[-_OVERLAP:]
        if found is None or found.end() <= len(before):
            return None
        return max(0, found.start() - len(before)), joined[found.start() :]


class _ProgramWatch:
    """Finds a change of the program map: another codec, on the same or another PID.

    FFmpeg keeps the first decoder (measured: every later frame is lost). So what follows the change
    is read as a stream of its own, beginning with the last program association.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._association = b""
        self._map_pid = -1
        self._streams: frozenset[tuple[int, int]] | None = None

    def cut(self, data: bytes) -> tuple[int, bytes] | None:
        joined = self._rest + data
        start = self._synchronised(joined)
        count = (len(joined) - start) // TS_PACKET
        end = start + count * TS_PACKET
        packets = np.frombuffer(joined, np.uint8, count * TS_PACKET, start)
        packets = packets.reshape(count, TS_PACKET)
        pids = (packets[:, 1].astype(np.int32) & 0x1F) << 8 | packets[:, 2]
        old = len(self._rest)
        self._rest = joined[end:]
        for index in np.flatnonzero((pids == 0) | (pids == self._map_pid) | (self._map_pid < 0)):
            packet = packets[index].tobytes()
            if pids[index] == 0:
                self._association = packet
                self._map_pid = _map_pid(packet, self._map_pid)
            elif pids[index] == self._map_pid and self._changes(packet):
                place = start + int(index) * TS_PACKET
                return max(0, place - old), self._association + joined[place:]
        return None

    @staticmethod
    def _synchronised(data: bytes) -> int:
        """Return the place of the first packet."""
        place = data.find(b"\x47")
        while place >= 0 and place + TS_PACKET < len(data) and data[place + TS_PACKET] != _SYNC:
            place = data.find(b"\x47", place + 1)
        return len(data) if place < 0 else place

    def _changes(self, packet: bytes) -> bool:
        found = _videos(packet)
        if found is None:
            return False
        known, self._streams = self._streams, found
        return known is not None and bool(known) and bool(found) and known != found


def _section(packet: bytes) -> bytes | None:
    """Return the section that begins in a packet, ``None`` if none does or it is damaged."""
    if packet[0] != _SYNC or not packet[1] & 0x40 or packet[1] & 0x80 or not packet[3] & 0x10:
        return None
    begin = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    begin += 1 + packet[begin] if begin < TS_PACKET else 0
    section = packet[begin:]
    if len(section) < _LEAST_SECTION:
        return None
    length = 3 + ((section[1] & 0x0F) << 8 | section[2])
    return section[:length] if _LEAST_SECTION <= length <= len(section) else None


def _map_pid(packet: bytes, known: int) -> int:
    """Return the PID of the first program's map (ISO 13818-1, 2.4.4.3)."""
    section = _section(packet)
    if section is None or section[0] != 0:
        return known
    for place in range(8, len(section) - 7, 4):
        if section[place : place + 2] != b"\0\0":
            return (section[place + 2] & 0x1F) << 8 | section[place + 3]
    return known


# Stream types of video: MPEG-1, MPEG-2, MPEG-4, H.264, H.265, AVS2.
_VIDEO_TYPES: Final = frozenset({0x01, 0x02, 0x10, 0x1B, 0x24, 0xD2})


def _videos(packet: bytes) -> frozenset[tuple[int, int]] | None:
    """Return the PID and type of every video stream of a program map (ISO 13818-1, 2.4.4.8)."""
    section = _section(packet)
    if section is None or section[0] != 2:
        return None
    place = 12 + ((section[10] & 0x0F) << 8 | section[11])
    found = set()
    while place + 5 <= len(section) - 4:
        kind, pid = section[place], (section[place + 1] & 0x1F) << 8 | section[place + 2]
        if kind in _VIDEO_TYPES:
            found.add((pid, kind))
        place += 5 + ((section[place + 3] & 0x0F) << 8 | section[place + 4])
    return frozenset(found)
