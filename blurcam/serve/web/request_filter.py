"""The checks that every request passes, and the headers that every answer carries."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blurcam.serve.web.access import Access
from blurcam.serve.web.throttle import TokenThrottle

HEADER_BYTES: Final = 16 * 1024
"""The most bytes of the request line and the headers together."""
HEALTH: Final = frozenset({"/healthz", "/healthz/redacting", "/healthz/outputs", "/readyz"})
"""The paths for monitors: answered without the token, even while other clients are refused."""
# A client that reads nothing for this long is disconnected.
_SEND_SECONDS: Final = 20.0
# Answered without the token: they show no camera.
_OPEN: Final = HEALTH | {"/login"}
_SAFE: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer, browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


class RequestFilter:
    """Refuses requests that are not for this machine or not allowed; hardens all answers."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        throttle: TokenThrottle,
        open_files: frozenset[str],
        is_crowded: Callable[[], bool],
    ) -> None:
        """Filter the requests to ``app``; ``open_files`` are paths of files without secrets.

        While ``is_crowded``, only monitors get an answer.
        """
        self._app = app
        self._access = access
        self._throttle = throttle
        self._open = _OPEN | open_files
        self._is_crowded = is_crowded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            async with asyncio.timeout(_SEND_SECONDS):
                await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, hardened)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the refusal of a request, ``None`` if it is allowed."""
        headers = Headers(scope=scope)
        return self._misplaced(scope, headers) or self._forbidden(scope, headers)

    def _misplaced(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuse a request that is too large, or not meant for this machine."""
        if _head_bytes(scope) > HEADER_BYTES:
            return _text("The headers are too large.", 431)
        if scope["path"] not in HEALTH and self._is_crowded():
            return _text("Too many connections; try again.", 503, {"Retry-After": "2"})
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if not self._access.is_our_host(hosts):
            return _text(
                "This machine is not known by this host name. Use its address, or list the name "
                "under web.names.",
                421,
            )
        if origins and not self._access.is_our_origin(origins, hosts[0]):
            return _text("Other sites may not ask this page for anything.", 403)
        return None

    def _forbidden(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuse a request that needs the token, or a session made with it, and has neither."""
        address, offered = address_of(scope), headers.getlist("authorization")
        if offered and self._access.has_token:
            if wait := self._throttle.wait(address):
                return too_many_tokens(wait)
            self._throttle.note(address, is_right=self._access.bears_token(offered))
        bears = self._access.bears_token(offered)
        if scope["method"] not in _SAFE and not headers.getlist("origin") and not bears:
            return _text("Send the header Origin, or the token.", 403)
        allowed = bears or self._access.in_session(headers.getlist("cookie"))
        scope["blurcam.allowed"] = allowed
        if allowed or not self._access.has_token or scope["path"] in self._open:
            return None
        # The challenge is not Basic, since a browser would open a dialogue of its own for that.
        is_page = scope["path"] == "/" or scope["path"].endswith("/zones")
        if is_page and scope["method"] in _SAFE:
            return RedirectResponse("/login", 303)
        return _text("The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer"})


def address_of(scope: Scope) -> str:
    """Return the address that a request came from: that of the proxy, if there is one."""
    client = scope.get("client")
    return str(client[0]) if client else "?"


def too_many_tokens(wait: float) -> Response:
    """Return the answer to a token that is not checked, because wrong ones came before."""
    seconds = str(math.ceil(wait))
    text = f"Too many wrong tokens; try again in {seconds} s."
    return _text(text, 429, {"Retry-After": seconds})


def _head_bytes(scope: Scope) -> int:
    """Return the size of the request line and the headers."""
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")


def _text(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text.rstrip() + "\n", status, headers)
