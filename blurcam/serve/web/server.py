"""The server of the page, with limits on connections, time and request size."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from blurcam.media.clock import Clock, SystemClock
from blurcam.runtime.status import Board
from blurcam.serve.steady_times import SteadyBoard
from blurcam.serve.web.app import Page
from blurcam.serve.web.history import INTERVAL, History
from blurcam.serve.web.listener import BACKLOG, listen
from blurcam.serve.web.request_filter import HEADER_BYTES
from blurcam.serve.zone_store import ZoneStore
from blurcam.settings.web import Web

_CONNECTIONS: Final = 128
# Further connections for monitors, which get an answer while other clients are refused.
_RESERVED: Final = 32
_REQUEST_SECONDS: Final = 10.0


class WebServer:
    """Serves an application until it is stopped; clients may connect as soon as it exists."""

    def __init__(self, web: Web, make_app: Callable[[Callable[[], bool]], ASGIApp]) -> None:
        """Open the port; ConfigError names the key that prevents it.

        ``make_app`` gets a function that tells whether too many clients are connected.
        """
        self._web = web
        self._socket = listen(web, _CONNECTIONS + 2 * _RESERVED)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                make_app(self._is_crowded),
                http=_BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=HEADER_BYTES,
                backlog=BACKLOG,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=1,
                ssl_certfile=web.certificate,
                ssl_keyfile=web.key,
            )
        )
        self._socket.in_use = self._in_use

    def _in_use(self) -> set[int]:
        """Return the descriptors of the connections that have HTTP requests."""
        transports = (each.transport for each in self._server.server_state.connections)
        return {each.get_extra_info("socket").fileno() for each in transports}

    def _is_crowded(self) -> bool:
        return len(self._server.server_state.connections) > _CONNECTIONS

    @property
    def url(self) -> str:
        """The address of the page for a browser on this machine."""
        host = f"[{self._web.host}]" if ":" in self._web.host else self._web.host
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
        return f"http{'s' if self._web.certificate else ''}://{host}:{self.port}/"

    def run(self) -> None:
        """Serve until :meth:`stop`."""
        asyncio.run(self.serve())

    async def serve(self) -> None:
        """Serve until :meth:`stop`, in the event loop that runs."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Stop serving, from any thread; open connections have a second to end."""
        self._server.should_exit = True


class PageServer:
    """Serves the page of the box, and samples what it plots."""

    def __init__(
        self, board: Board, web: Web, clock: Clock | None = None, zones: ZoneStore | None = None
    ) -> None:
        """Open the port; ConfigError names the key where that fails.

        Without ``zones`` there is no editor of zones.
        """
        self._clock = clock or SystemClock()
        self._board = SteadyBoard(board, self._clock)
        self._history = History()

        def make_app(is_crowded: Callable[[], bool]) -> ASGIApp:
            return Page(self._board, web, self._clock, self._history, is_crowded, zones).app()

        self._server = WebServer(web, make_app)
        self.port = self._server.port
        self.url = self._server.url

    def run(self) -> None:
        """Serve until :meth:`stop`; raises what goes wrong in the board."""
        asyncio.run(self.serve())

    async def serve(self) -> None:
        """Serve until :meth:`stop`, in the event loop that runs."""
        sampling = asyncio.create_task(self._sample())
        serving = asyncio.create_task(self._server.serve())
        try:
            await asyncio.wait((sampling, serving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.stop()
            await serving
            sampling.cancel()
        if not sampling.cancelled() and sampling.done():
            sampling.result()

    def stop(self) -> None:
        """Stop serving, from any thread; open connections get a second to end."""
        self._server.stop()

    async def _sample(self) -> None:
        while True:
            self._history.take(self._board.statuses(), self._clock.wall())
            await asyncio.sleep(INTERVAL)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the command that runs it handles signals."""

    def capture_signals(self) -> Any:
        return nullcontext()


class _BoundedProtocol(H11Protocol):
    """Closes a connection on which no complete request arrives in time; sooner if many wait.

    uvicorn itself waits for ever for the rest of a header, so that a hundred such clients
    (slowloris) would take every connection. When all are taken, the one that has waited longest is
    closed.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > _CONNECTIONS:
            self._make_room()
        self._expect()

    def _make_room(self) -> None:
        """Close the connection that has waited longest for a request, or this one if none does."""
        others = [each for each in self.connections if isinstance(each, _BoundedProtocol)]
        oldest = min(others, key=lambda each: each.due)
        if oldest.due < math.inf:
            oldest.drop()
        elif len(self.connections) > _CONNECTIONS + _RESERVED:
            self.drop()

    def drop(self) -> None:
        """Close the connection at once."""
        self._forget()
        self.connections.discard(self)
        self.transport.abort()

    @property
    def due(self) -> float:
        """The time by which the request must be complete; infinity if none is awaited."""
        return self._deadline.when() if self._deadline is not None else math.inf

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget()

    def _expect(self) -> None:
        """Set the deadline, or clear it while a request is being answered."""
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is not None and not cycle.response_complete:
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(_REQUEST_SECONDS, self.transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
