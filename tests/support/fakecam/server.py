"""The server: it listens, and holds what may be played."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support.fakecam.clip import Clip
from tests.support.fakecam.faults import Fault
from tests.support.fakecam.session import Published, Session, Settings


class FakeCam:
    """An RTSP server on the loopback; ``fault`` may be changed at any time."""

    def __init__(
        self,
        clips: Mapping[str, Path | Clip] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        login: tuple[str, str] | None = None,
        basic: bool = False,
        fault: Fault | None = None,
        tcp: bool = True,
        udp: bool = True,
    ) -> None:
        self.clips = {
            name: clip if isinstance(clip, Clip) else Clip(clip)
            for name, clip in (clips or {}).items()
        }
        self.host, self.port = host, port
        self.settings = Settings(login, basic, tcp, udp)
        self.fault = fault
        self.published: dict[str, Published] = {}
        self.requests: list[tuple[str, str]] = []
        self.connections = 0
        self.is_silent = False  # a black hole has begun
        self._sessions: set[Session] = set()
        self._ready = threading.Event()

    def url(self, name: str) -> str:
        """Return where something is played, or may be published to."""
        return f"rtsp://{self.host}:{self.port}/{name}"

    def methods(self) -> list[str]:
        """Return the methods that were asked for, in order."""
        return [method for method, _ in self.requests]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise TimeoutError("fakecam does not listen")
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(
            self._connected, self.host, self.port, reuse_address=True
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for session in list(self._sessions):
            session.abort()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        session = Session(self, reader, writer)
        self._sessions.add(session)
        try:
            with suppress(asyncio.CancelledError):
                await session.run()
        finally:
            self._sessions.discard(session)
