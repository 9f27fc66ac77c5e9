"""Redacted pictures over HTTP: never more than two a second of a camera, whoever asks."""

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
    """Hands out the newest redacted still of a camera, renewed at most every half second."""

    def __init__(self, board: Board, clock: Clock) -> None:
        """Take the stills from ``board``."""
        self._board = board
        self._clock = clock
        self._kept: dict[str, tuple[float, bytes | None]] = {}
        self._streams = 0

    def still(self, name: str) -> bytes | None:
        """Return a JPEG, ``None`` where the camera has not given a redacted picture yet."""
        now = self._clock.elapsed()
        taken, picture = self._kept.get(name, (float("-inf"), None))
        if now - taken >= INTERVAL:
            picture = self._board.still(name)
            self._kept[name] = (now, picture)
        return picture

    def keep_only(self, names: set[str]) -> None:
        """Forget the pictures of cameras that are gone."""
        for name in set(self._kept) - names:
            del self._kept[name]

    @property
    def is_crowded(self) -> bool:
        """Whether no further stream may begin."""
        return self._streams >= _MOST_STREAMS

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """Yield MJPEG (multipart) parts, one a picture that differs from the last."""
        self._streams += 1
        last: bytes | None = None
        try:
            while True:
                picture = self.still(name)
                if picture is not None and picture is not last:
                    last = picture
                    yield _part(picture)
                await asyncio.sleep(INTERVAL)
        finally:
            self._streams -= 1


def _part(picture: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"
