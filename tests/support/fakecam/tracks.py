"""How packets reach a client: within the RTSP connection, or as datagrams."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

BUFFERED: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Interleaved:
    """RTP within the RTSP connection."""

    rtp: int
    rtcp: int


@dataclass(frozen=True, slots=True)
class Datagrams:
    """RTP in datagrams: our sockets, and where to."""

    sockets: tuple[socket.socket, socket.socket]
    targets: tuple[tuple[str, int], tuple[str, int]]


Track = Interleaved | Datagrams


def socket_pair() -> tuple[int, tuple[socket.socket, socket.socket]]:
    """Return an even port and sockets on it and on the next one."""
    for _ in range(200):
        port = random.randrange(20_000, 32_000, 2)
        pair = []
        with suppress(OSError):
            for number in (port, port + 1):
                each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                pair.append(each)
                each.setblocking(False)
                for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                    each.setsockopt(socket.SOL_SOCKET, option, BUFFERED)
                each.bind(("127.0.0.1", number))
            return port, (pair[0], pair[1])
        for each in pair:
            each.close()
    raise OSError("no free pair of ports")
