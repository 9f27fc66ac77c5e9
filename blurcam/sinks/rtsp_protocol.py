"""Coded pictures through a pipe to the process that publishes: each is known to be complete.

MPEG-TS does not say where a picture ends: FFmpeg waits for the next one, or for the one after, to
know. At 15 pictures a second that was 130 to 260 ms.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.sinks.drop_queue import TransportStream

# How many bytes, pts, dts, duration, and whether it is a key frame.
_HEAD: Final = struct.Struct(">Iqqq?")


@dataclass(frozen=True, slots=True)
class PublishStart:
    """What comes before the pictures: where to, their time base, and one of them as MPEG-TS.

    The last tells FFmpeg all that it has to know of the stream.
    """

    url: str
    time_base: Fraction
    sample: bytes


@dataclass(frozen=True, slots=True)
class PublishPacket:
    """A coded picture; its times count in the time base of the :class:`PublishStart`."""

    data: bytes
    pts: int
    dts: int
    duration: int
    is_key: bool


class PublishFeed:
    """Packets as they go through the pipe, from a key frame on."""

    def __init__(self, encoder: Encoder, url: str) -> None:
        """Say where to with the first packet: arguments and environment can be read by others."""
        self._encoder = encoder
        self._url = url
        self._has_begun = False
        sets: bytes = encoder.template.codec_context.extradata or b""
        # Whoever begins to watch at a later key frame finds them there.
        self._sets = sets if sets.startswith((b"\0\0\0\1", b"\0\0\1")) else b""

    def coded(self, packet: RedactedPacket) -> bytes:
        """Return a packet, the first after the start."""
        data = self._sets + packet.data if packet.is_key else packet.data
        head = _HEAD.pack(len(data), packet.pts, packet.dts, packet.duration, packet.is_key)
        if self._has_begun:
            return head + data
        self._has_begun = True
        return self._start(packet) + head + data

    def _start(self, packet: RedactedPacket) -> bytes:
        stream = TransportStream(self._encoder)
        sample = stream.coded(packet)
        stream.close()
        base = packet.time_base
        said = {"url": self._url, "time_base": [base.numerator, base.denominator]}
        line = json.dumps(said | {"sample": len(sample)}).encode()
        return line + b"\n" + sample

    def close(self) -> None:
        """Release nothing."""


def fed(line: bytes, read: Callable[[int], bytes]) -> tuple[PublishStart, Iterator[PublishPacket]]:
    """Read what a :class:`PublishFeed` wrote: its first line, then with ``read``, up to its end."""
    said = json.loads(line)
    start = PublishStart(said["url"], Fraction(*said["time_base"]), read(said["sample"]))
    return start, _pictures(read)


def _pictures(read: Callable[[int], bytes]) -> Iterator[PublishPacket]:
    while len(head := read(_HEAD.size)) == _HEAD.size:
        size, pts, dts, duration, is_key = _HEAD.unpack(head)
        data = read(size)
        if len(data) < size:
            return
        yield PublishPacket(data, pts, dts, duration, is_key)
