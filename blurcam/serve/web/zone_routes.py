"""The zone editor's part of the page: for viewers who are signed in, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from blurcam.errors import ConfigError
from blurcam.serve.web.request_body import body_of
from blurcam.serve.web.request_filter import address_of
from blurcam.serve.zone_store import BadZones, StaleZones, ZoneStore
from blurcam.settings.zones_file import MOST_BYTES, StoredZones

_SECONDS: Final = 10.0


class ZoneRoutes:
    """Answers the editor: its page, the zones of a camera, and other zones in their place."""

    def __init__(
        self, store: ZoneStore, page: Callable[[], Response], named: Callable[[Request], str]
    ) -> None:
        """Take the editor's page, and what finds a request's camera or raises 404."""
        self._store = store
        self._page = page
        self._named = named
        self._saving = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Return the routes of the editor."""
        return [
            Route("/cameras/{name}/zones", self._editor),
            Route("/cameras/{name}/zones.json", self._zones),
            Route("/cameras/{name}/zones.json", self._save, methods=["POST"]),
        ]

    async def _editor(self, request: Request) -> Response:
        self._allowed(request)
        return self._page()

    async def _zones(self, request: Request) -> Response:
        name = self._allowed(request)
        try:
            return _told(await run_in_threadpool(self._store.read, name))
        except ConfigError as exc:
            return _refused(exc)

    async def _save(self, request: Request) -> Response:
        name = self._allowed(request)
        mark = request.headers.get("if-match", "").strip('"')
        if not mark:
            raise HTTPException(428, "Send the ETag of the zones that these replace as If-Match.")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "Send application/json.")
        content = await body_of(request, MOST_BYTES, _SECONDS)
        try:
            async with self._saving:
                stored = await run_in_threadpool(
                    self._store.save, name, content, mark, address_of(request.scope)
                )
        except ConfigError as exc:
            return _refused(exc)
        return _told(stored)

    def _allowed(self, request: Request) -> str:
        """Return the camera of a request by a viewer who is signed in; refuse any other."""
        if not request.scope["blurcam.allowed"]:
            raise HTTPException(403, "Zones are for those who are signed in; set web.token.")
        return self._named(request)


def _told(stored: StoredZones) -> Response:
    zones = [zone.model_dump(exclude_defaults=True) for zone in stored.zones]
    return JSONResponse({"zones": zones}, headers={"ETag": f'"{stored.mark}"'})


def _refused(error: ConfigError) -> Response:
    code = HTTPStatus.CONFLICT
    if isinstance(error, StaleZones):
        code = HTTPStatus.PRECONDITION_FAILED
    elif isinstance(error, BadZones):
        code = HTTPStatus.UNPROCESSABLE_ENTITY
    return PlainTextResponse(f"{error}\n", code)
