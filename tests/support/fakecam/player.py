"""A camera's own work: a clip as RTP, in its own time, with whatever goes wrong."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tests.support.fakecam.clip import CLOCK, Clip
from tests.support.fakecam.tracks import Datagrams, Interleaved, Track

if TYPE_CHECKING:
    from tests.support.fakecam.session import Session

_NTP_EPOCH: Final = 2_208_988_800


class Player:
    """Sends a clip over and over, in its own time."""

    def __init__(self, session: Session, clip: Clip, track: Track) -> None:
        self._session = session
        self._clip = clip
        self._track = track
        self._source = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._origin = random.getrandbits(31)
        self._began = self._started = time.monotonic()
        self._shift = 0
        self._sent = self._octets = 0
        self._report_at = 0.0
        self._loss = 0.0

    async def run(self) -> None:
        """Play until it is cancelled, a fault ends it, or nobody listens any more."""
        with suppress(ConnectionError):
            await self._play()

    async def _play(self) -> None:
        passed = 0
        while True:
            for unit in self._clip.units:
                due = self._began + (passed + unit.dts) / CLOCK
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                stamp = passed + unit.pts
                if not await self._misbehave():
                    return
                if self._is_on("freeze"):
                    stamp = 0
                if not (self._is_on("udp-blocked") and isinstance(self._track, Datagrams)):
                    self._report(stamp)
                    for marker, payload in self._clip.payloads(unit):
                        self._packet(stamp, payload, marker=marker)
                if isinstance(self._track, Interleaved):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._session.writer.drain(), 5)
            passed += self._clip.length

    def _is_on(self, kind: str) -> bool:
        fault = self._session.server.fault
        playing_for = time.monotonic() - self._started
        return fault is not None and fault.kind == kind and fault.is_on(playing_for)

    async def _misbehave(self) -> bool:
        """Do what the fault says; false where the connection is over."""
        server, writer = self._session.server, self._session.writer
        fault = server.fault
        amount = 0.0 if fault is None else fault.amount
        if self._is_on("stall"):
            server.fault = None
            await asyncio.sleep(amount)
            self._began += amount
        elif self._is_on("close"):
            writer.close()
            return False
        elif self._is_on("reset"):
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return False
        elif self._is_on("blackhole"):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            server.is_silent = True
            await asyncio.sleep(3600)
        elif self._is_on("jump"):
            server.fault = None
            self._shift += round(amount * CLOCK)
        self._loss = amount if self._is_on("loss") else 0.0
        return True

    def _time(self, stamp: int) -> int:
        return (self._origin + stamp + self._shift) & 0xFFFFFFFF

    def _packet(self, stamp: int, payload: bytes, *, marker: bool) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._sent += 1
        self._octets += len(payload)
        if self._loss and random.random() < self._loss:
            return
        kind = (0x80 if marker else 0) | 96
        head = struct.pack(">BBHII", 0x80, kind, self._sequence, self._time(stamp), self._source)
        self._session.send(self._track, head + payload)

    def _report(self, stamp: int) -> None:
        """Send a sender report, with the wall clock, every five seconds."""
        if time.monotonic() < self._report_at:
            return
        self._report_at = time.monotonic() + 5
        wall = time.time()
        report = struct.pack(
            ">BBHIIIIII", 0x80, 200, 6, self._source, int(wall) + _NTP_EPOCH,
            int(wall % 1 * 2**32), self._time(stamp), self._sent, self._octets & 0xFFFFFFFF,
        )  # fmt: skip
        name = struct.pack(">BBHIBB", 0x81, 202, 3, self._source, 1, 4) + b"fake\0\0"
        self._session.send(self._track, report + name, rtcp=True)
