"""Redacted stills over HTTP: at most two a second for each camera, for any number of viewers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from blurcam.media.clock import Clock
from blurcam.runtime.status import Board

INTERVAL: Final = 0.5
_MOST_STREAMS: Final = 16
BOUNDARY: Final = "blurcam-next-picture"


class LatestStills:
    """Gives the newest redacted still of a camera; fetches at most two a second."""

    def __init__(self, board: Board, clock: Clock) -> None:
        """Take the stills from ``board``."""
        self._board = board
        self._clock = clock
        self._kept: dict[str, tuple[float, bytes | None]] = {}
        self._streams = 0

    def still(self, name: str) -> bytes | None:
        """Return a JPEG, ``None`` if the camera has no redacted frame yet."""
        now = self._clock.elapsed()
        taken, jpeg = self._kept.get(name, (float("-inf"), None))
        if now - taken >= INTERVAL:
            jpeg = self._board.still(name)
            self._kept[name] = (now, jpeg)
        return jpeg

    def keep_only(self, names: set[str]) -> None:
        """Forget the stills of cameras that are gone."""
        for name in set(self._kept) - names:
            del self._kept[name]

    @property
    def is_crowded(self) -> bool:
        """Whether there are as many streams as allowed."""
        return self._streams >= _MOST_STREAMS

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """Yield the parts of an MJPEG stream, one for each still that differs from the last."""
        self._streams += 1
        last: bytes | None = None
        try:
            while True:
                jpeg = self.still(name)
                if jpeg is not None and jpeg is not last:
                    last = jpeg
                    yield _part(jpeg)
                await asyncio.sleep(INTERVAL)
        finally:
            self._streams -= 1


def _part(jpeg: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
