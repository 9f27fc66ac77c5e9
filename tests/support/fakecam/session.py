"""One connection to the server: RTSP requests, and RTP both ways."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import random
import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.support.fakecam.player import Player
from tests.support.fakecam.tracks import BUFFERED, Datagrams, Interleaved, Track, socket_pair

if TYPE_CHECKING:
    from tests.support.fakecam.server import FakeCam

_REALM: Final = "fakecam"
_METHODS: Final = "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, TEARDOWN, GET_PARAMETER"

Subscriber = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server demands and allows."""

    login: tuple[str, str] | None
    basic: bool
    tcp: bool
    udp: bool


@dataclass(slots=True)
class Published:
    """A stream that is being published: what it is, how much came, who watches."""

    sdp: str
    packets: int = 0
    octets: int = 0
    subscribers: set[Subscriber] = field(default_factory=set)

    def take(self, channel: int, packet: bytes) -> None:
        """Take a packet in, and pass it on; odd channels are RTCP."""
        self.octets += len(packet)
        self.packets += channel % 2 == 0
        for subscriber in tuple(self.subscribers):
            subscriber(channel, packet)


class Session:
    """One client."""

    def __init__(
        self, server: FakeCam, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self._reader, self.writer = reader, writer
        self._id = f"{random.getrandbits(32):08X}"
        self._nonce = os.urandom(8).hex()
        self._tracks: list[Track] = []
        self._path = ""
        self._publishing: Published | None = None
        self._subscription: tuple[Published, Subscriber] | None = None
        self._playing: asyncio.Task[None] | None = None

    def abort(self) -> None:
        """End at once, with RST."""
        self.writer.transport.abort()

    async def run(self) -> None:
        """Answer requests until the client or a fault ends it."""
        try:
            if self._has_fault("no-answer"):
                await asyncio.sleep(3600)
            while await self._turn():
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._release()

    def _release(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
        if self._subscription is not None:
            published, subscriber = self._subscription
            published.subscribers.discard(subscriber)
        if self.server.published.get(self._path) is self._publishing:
            self.server.published.pop(self._path, None)
        for track in self._tracks:
            if isinstance(track, Datagrams):
                for each in track.sockets:
                    asyncio.get_running_loop().remove_reader(each)
                    each.close()
        self.writer.close()

    async def _turn(self) -> bool:
        """Take in one request, or one packet; false where that was the last."""
        first = await self._reader.readexactly(1)
        if first == b"$":
            channel, length = struct.unpack(">BH", await self._reader.readexactly(3))
            packet = await self._reader.readexactly(length)
            if self._publishing is not None:
                self._publishing.take(channel, packet)
            return True
        head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        method, url, _ = request.split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        self.server.requests.append((method, url))
        return self._answer(method, url, headers, body.decode())

    def _answer(self, method: str, url: str, headers: dict[str, str], body: str) -> bool:
        def reply(status: str = "200 OK", body: str = "", **fields: str) -> None:
            lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
            if body:
                lines.append(f"Content-Length: {len(body)}")
            self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

        path = re.sub(r"^rtsps?://[^/]*", "", url).strip("/")
        name = path.split("/")[0].split("?")[0]
        if method == "OPTIONS":
            reply(Public=_METHODS)
        elif self._has_fault("busy"):
            reply("503 Service Unavailable")
        elif not self._is_welcome(method, url, headers.get("authorization", "")):
            kind = "Basic" if self.server.settings.basic else "Digest"
            nonce = "" if kind == "Basic" else f', nonce="{self._nonce}"'
            reply("401 Unauthorized", WWW_Authenticate=f'{kind} realm="{_REALM}"{nonce}')
        elif method == "DESCRIBE":
            sdp = self._description(name)
            if sdp is None:
                reply("404 Not Found")
            else:
                kind = "application/sdp"
                reply(body=sdp, Content_Type=kind, Content_Base=url.rstrip("/") + "/")
        elif method == "ANNOUNCE":
            self._path = name
            self._publishing = self.server.published[name] = Published(body)
            reply()
        elif method == "SETUP":
            transport = self._set_up(headers["transport"])
            if transport is None:
                reply("461 Unsupported Transport")
            else:
                reply(Transport=transport, Session=f"{self._id};timeout=60")
        elif method == "PLAY":
            reply(Session=self._id, Range="npt=now-")
            self._play(name)
        else:
            reply(Session=self._id)
        return method != "TEARDOWN"

    def _is_welcome(self, method: str, url: str, authorization: str) -> bool:
        login = self.server.settings.login
        if login is None:
            return True
        if self.server.settings.basic:
            coded = base64.b64encode(":".join(login).encode()).decode()
            return authorization == f"Basic {coded}"
        given = dict(re.findall(r'(\w+)="([^"]*)"', authorization))
        if given.get("nonce") != self._nonce or given.get("username") != login[0]:
            return False
        secret = _md5(f"{login[0]}:{_REALM}:{login[1]}")
        request = _md5(f"{method}:{given.get('uri', url)}")
        wanted = _md5(f"{secret}:{self._nonce}:{request}")
        return given.get("response") == wanted

    def _description(self, name: str) -> str | None:
        if name in self.server.clips:
            return self.server.clips[name].sdp("127.0.0.1")
        published = self.server.published.get(name)
        return None if published is None else published.sdp

    def _set_up(self, wanted: str) -> str | None:
        settings, mode = self.server.settings, ";mode=record" if "record" in wanted else ""
        if "TCP" in wanted:
            if not settings.tcp:
                return None
            asked = re.search(r"interleaved=(\d+)-(\d+)", wanted)
            first = int(asked[1]) if asked else 2 * len(self._tracks)
            self._tracks.append(Interleaved(first, first + 1))
            return f"RTP/AVP/TCP;unicast;interleaved={first}-{first + 1}{mode}"
        asked = re.search(r"client_port=(\d+)-(\d+)", wanted)
        if not settings.udp or asked is None:
            return None
        peer = self.writer.get_extra_info("peername")[0]
        port, sockets = socket_pair()
        loop, channel = asyncio.get_running_loop(), 2 * len(self._tracks)
        for offset, each in enumerate(sockets):
            loop.add_reader(each, self._received, each, channel + offset)
        targets = (peer, int(asked[1])), (peer, int(asked[2]))
        self._tracks.append(Datagrams(sockets, targets))
        return (
            f"RTP/AVP;unicast;client_port={asked[1]}-{asked[2]};server_port={port}-{port + 1}{mode}"
        )

    def _received(self, source: socket.socket, channel: int) -> None:
        with suppress(BlockingIOError, OSError):
            while True:
                packet = source.recv(65536)
                if self._publishing is not None:
                    self._publishing.take(channel, packet)

    def send(self, track: Track, packet: bytes, *, rtcp: bool = False) -> None:
        """Send an RTP or RTCP packet; a client that does not read misses it."""
        if isinstance(track, Interleaved):
            if self.writer.transport.get_write_buffer_size() < BUFFERED:
                channel = track.rtcp if rtcp else track.rtp
                self.writer.write(b"$" + struct.pack(">BH", channel, len(packet)) + packet)
        else:
            with suppress(OSError):
                track.sockets[rtcp].sendto(packet, track.targets[rtcp])

    def _play(self, name: str) -> None:
        if name in self.server.clips:
            player = Player(self, self.server.clips[name], self._tracks[0])
            self._playing = asyncio.create_task(player.run())
            return
        published = self.server.published[name]

        def forward(channel: int, packet: bytes) -> None:
            if channel // 2 < len(self._tracks):
                self.send(self._tracks[channel // 2], packet, rtcp=bool(channel % 2))

        published.subscribers.add(forward)
        self._subscription = published, forward

    def _has_fault(self, kind: str) -> bool:
        return self.server.fault is not None and self.server.fault.kind == kind


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
