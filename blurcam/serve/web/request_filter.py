"""What every request passes before it is answered, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blurcam.runtime.counts import RepeatedTrouble
from blurcam.serve.web.access import Access

logger = logging.getLogger(__name__)

# A reader that takes nothing for so long is let go.
_SEND_SECONDS: Final = 20.0
# Answered without the token: they show no camera.
_OPEN: Final = frozenset({"/healthz", "/readyz", "/login"})
_SAFE: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then say `Origin: null` of our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


class RequestFilter:
    """Refuses what is not for us or not allowed; hardens what goes out."""

    def __init__(self, app: ASGIApp, access: Access, open_files: frozenset[str]) -> None:
        """Stand before ``app``; ``open_files`` are paths of files without secrets."""
        self._app = app
        self._access = access
        self._open = _OPEN | open_files
        self._refusals = RepeatedTrouble(logger, "requests with a wrong token")

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
        """Return why this request is not answered, ``None`` if it is."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if not self._access.is_our_host(hosts):
            return _text(
                "This host name is not the box's. Ask for it by its address, or list the name "
                "under web.names.",
                421,
            )
        if origins and not self._access.is_our_origin(origins, hosts[0]):
            return _text("Other sites may not ask this page for anything.", 403)
        bears = self._access.bears_token(headers.getlist("authorization"))
        if scope["method"] not in _SAFE and not origins and not bears:
            return _text("Say where this comes from (Origin), or send the token.", 403)
        allowed = bears or self._access.in_session(headers.getlist("cookie"))
        scope["blurcam.allowed"] = allowed
        if allowed or not self._access.has_token or scope["path"] in self._open:
            return None
        if headers.getlist("authorization"):
            self._refusals.add(f"from {(scope.get('client') or ('?',))[0]}")
        # The challenge is not Basic, for which a browser would open a dialogue of its own.
        if scope["path"] == "/" and scope["method"] in _SAFE:
            return RedirectResponse("/login", 303)
        return _text("The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer"})


def _text(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text.rstrip() + "\n", status, headers)
