"""The page's routes: its files, statuses, stills, health, metrics and the one action."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from blurcam import __version__
from blurcam.media.clock import Clock
from blurcam.runtime.status import Board
from blurcam.serve.health import SiteHealth, health_values, verdict
from blurcam.serve.web.access import Access
from blurcam.serve.web.history import History
from blurcam.serve.web.metrics import Metrics
from blurcam.serve.web.request_filter import RequestFilter
from blurcam.serve.web.sign_in import SignInPage, sign_in_pages
from blurcam.serve.web.static_files import file_answer
from blurcam.serve.web.stills import BOUNDARY, LatestStills
from blurcam.serve.web.throttle import TokenThrottle
from blurcam.serve.web.zone_routes import ZoneRoutes
from blurcam.serve.zone_store import ZoneStore
from blurcam.settings.web import Web

_FILES: Final = (
    "drawing.css",
    "drawing.js",
    "icon.svg",
    "login.css",
    "page.css",
    "page.js",
    "plots.js",
    "shapes.js",
    "zones.css",
    "zones.js",
)


class Page:
    """The routes of the page."""

    def __init__(
        self,
        board: Board,
        web: Web,
        clock: Clock,
        history: History,
        is_crowded: Callable[[], bool],
        zones: ZoneStore | None,
    ) -> None:
        """Read every file once, so that no path of one ever leads to the disk.

        ``is_crowded`` tells whether more clients are connected than can be answered; ``zones`` are
        those of the cameras, if they can be edited.
        """
        self._board = board
        self._clock = clock
        self._history = history
        self._access = Access(web, clock)
        self._throttle = TokenThrottle(clock)
        self._is_crowded = is_crowded
        self._zones = zones
        self._metrics = Metrics(board, clock)
        self._stills = LatestStills(board, clock)
        static = files("blurcam.serve.web") / "static"
        names = (*_FILES, "index.html", "zones.html")
        self._files = {name: (static / name).read_bytes() for name in names} | sign_in_pages()

    def app(self) -> ASGIApp:
        """Return the application, behind the checks of every request."""
        sign_in = SignInPage(self._access, self._throttle, self._page)
        routes = [
            Route("/", self._front),
            Route("/login", sign_in.login, methods=["GET", "POST"]),
            Route("/logout", sign_in.logout, methods=["POST"]),
            Route("/status.json", self._status),
            Route("/history.json", self._past),
            Route("/cameras/{name}/still.jpg", self._still),
            Route("/cameras/{name}/live.mjpeg", self._live),
            Route("/cameras/{name}/restart", self._restart, methods=["POST"]),
            Route("/healthz", self._healthz),
            Route("/healthz/redacting", self._healthz_redacting),
            Route("/healthz/outputs", self._healthz_outputs),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics_text),
            *(Route(f"/{name}", self._file) for name in _FILES),
        ]
        if self._zones is not None:
            editor = ZoneRoutes(self._zones, lambda: self._page("zones.html"), self._named)
            routes += editor.routes()
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        open_files = frozenset(f"/{name}" for name in _FILES)
        return RequestFilter(app, self._access, self._throttle, open_files, self._is_crowded)

    def _page(self, name: str, status: int = 200) -> Response:
        return file_answer(self._files, name, status)

    async def _front(self, request: Request) -> Response:
        del request
        return self._page("index.html")

    async def _file(self, request: Request) -> Response:
        return self._page(request.url.path.removeprefix("/"))

    async def _status(self, request: Request) -> Response:
        statuses, now = self._board.statuses(), self._clock.wall()
        found = verdict(statuses, now, self._history.covered())
        cameras = [
            asdict(status) | asdict(judged)
            for status, judged in zip(statuses, found.cameras, strict=True)
        ]
        values = asdict(found) | {
            "answers": [asdict(answer) for answer in found.answers],
            "tone": found.tone,
            "cameras": cameras,
            "version": __version__,
            "now": now,
            "may_restart": request.scope["blurcam.allowed"],
            "may_edit_zones": request.scope["blurcam.allowed"] and self._zones is not None,
            "has_token": self._access.has_token,
        }
        return _json(values)

    async def _past(self, request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", "0")[:20])
        except ValueError:
            raise HTTPException(400, "after: not a number") from None
        return _json(self._history.after(after))

    def _named(self, request: Request) -> str:
        """Return the camera's name in the path; 404 if no camera has that name."""
        name: str = request.path_params["name"]
        names = {status.name for status in self._board.statuses()}
        self._stills.keep_only(names)
        if name not in names:
            raise HTTPException(404, "There is no camera of this name.")
        return name

    async def _still(self, request: Request) -> Response:
        picture = self._stills.still(self._named(request))
        if picture is None:
            raise HTTPException(503, "No redacted frame yet.", {"Retry-After": "1"})
        return Response(picture, media_type="image/jpeg")

    async def _live(self, request: Request) -> Response:
        name = self._named(request)
        if self._stills.is_crowded:
            raise HTTPException(503, "Too many viewers; use still.jpg.", {"Retry-After": "10"})
        return StreamingResponse(
            self._stills.stream(name), media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        )

    async def _restart(self, request: Request) -> Response:
        name = self._named(request)
        if not request.scope["blurcam.allowed"]:
            raise HTTPException(403, "Restarting a camera needs the token; set web.token.")
        try:
            self._board.restart(name)
        except KeyError:
            raise HTTPException(404, "There is no camera of this name.") from None
        return PlainTextResponse("The camera is being restarted.\n", HTTPStatus.ACCEPTED)

    async def _healthz(self, request: Request) -> Response:
        found = self._found()
        is_well = found.redaction.is_yes and found.delivery.is_yes
        if "application/json" in request.headers.get("accept", ""):
            may_name = request.scope["blurcam.allowed"] or not self._access.has_token
            return _json(health_values(found, with_cameras=may_name), _code(is_well))
        return _said(is_well, *(answer.title for answer in found.answers if answer.title))

    async def _healthz_redacting(self, request: Request) -> Response:
        del request
        found = self._found().redaction
        return _said(found.is_yes, found.title)

    async def _healthz_outputs(self, request: Request) -> Response:
        del request
        found = self._found().delivery
        return _said(found.is_yes, found.title)

    async def _readyz(self, request: Request) -> Response:
        del request
        is_ready = self._found().is_ready
        return _said(is_ready, "Ready" if is_ready else "Not every camera has started yet")

    def _found(self) -> SiteHealth:
        return verdict(self._board.statuses(), self._clock.wall(), self._history.covered())

    async def _metrics_text(self, request: Request) -> Response:
        del request
        return Response(self._metrics.text(), headers={"Content-Type": self._metrics.content_type})


def _json(values: dict[str, Any], code: int = HTTPStatus.OK) -> Response:
    return Response(json.dumps(values, allow_nan=False), code, media_type="application/json")


def _said(is_yes: bool, *lines: str) -> Response:
    return PlainTextResponse("\n".join(lines) + "\n", _code(is_yes))


def _code(is_yes: bool) -> int:
    return HTTPStatus.OK if is_yes else HTTPStatus.SERVICE_UNAVAILABLE
