"""The protocol of the pipe to the RTSP process: each coded frame is known to be complete.

MPEG-TS does not tell where a frame ends: FFmpeg waits for the next frame, or for the one after
that. At 15 frames a second that was 130 to 260 ms.
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

# Size in bytes, pts, dts, duration, and whether it is a key frame.
_HEAD: Final = struct.Struct(">Iqqq?")


@dataclass(frozen=True, slots=True)
class PublishStart:
    """The start of the stream: the address, the time base, and one frame as MPEG-TS.

    That frame tells FFmpeg all that it needs to know of the stream.
    """

    url: str
    time_base: Fraction
    sample: bytes


@dataclass(frozen=True, slots=True)
class PublishPacket:
    """A coded frame; its times are in the time base of the :class:`PublishStart`."""

    data: bytes
    pts: int
    dts: int
    duration: int
    is_key: bool


class PublishFormat:
    """The format of packets in the pipe, from a key frame on."""

    def __init__(self, encoder: Encoder, url: str) -> None:
        """Send the address with the first packet: other users can read a process's arguments."""
        self._encoder = encoder
        self._url = url
        self._has_begun = False
        sets: bytes = encoder.template.codec_context.extradata or b""
        # Parameter sets are repeated at key frames, so that a viewer can begin there.
        self._sets = sets if sets.startswith((b"\0\0\0\1", b"\0\0\1")) else b""

    def coded(self, packet: RedactedPacket) -> bytes:
        """Return a packet as bytes; the start comes before the first one."""
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
        """Do nothing: there is nothing to release."""


def read_packets(
    line: bytes, read: Callable[[int], bytes]
) -> tuple[PublishStart, Iterator[PublishPacket]]:
    """Return the start in the first ``line`` of a :class:`PublishFormat`, and the packets after it.

    ``read`` reads those up to the end.
    """
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
