"""Signing in and out: the token for a session, which a cookie names."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from blurcam.serve.web.access import COOKIE, Access
from blurcam.serve.web.request_body import body_of
from blurcam.serve.web.request_filter import address_of, too_many_tokens
from blurcam.serve.web.throttle import TokenThrottle

_LOGIN_BYTES: Final = 1024
_LOGIN_SECONDS: Final = 10.0


def sign_in_pages() -> dict[str, bytes]:
    """Return the page to sign in, and the same with its error shown, which is hidden otherwise."""
    login = (files("blurcam.serve.web") / "static" / "login.html").read_bytes()
    invalid = b'aria-invalid="true" aria-describedby="error">'
    refused = login.replace(b" hidden>", b">").replace(b" autofocus>", b" autofocus " + invalid)
    return {"login.html": login, "refused.html": refused}


class SignInPage:
    """Answers ``/login`` and ``/logout``."""

    def __init__(
        self, access: Access, throttle: TokenThrottle, page: Callable[[str, int], Response]
    ) -> None:
        """``page`` gives a file as an answer, by its name, with a status."""
        self._access = access
        self._throttle = throttle
        self._page = page

    async def login(self, request: Request) -> Response:
        """Show the form, or open a session for the right token."""
        if request.method != "POST":
            return self._page("login.html", HTTPStatus.OK)
        body = await body_of(request, _LOGIN_BYTES, _LOGIN_SECONDS)
        fields = parse_qs(body.decode("utf-8", "replace"))
        address = address_of(request.scope)
        if wait := self._throttle.wait(address):
            return too_many_tokens(wait)
        session = self._access.open_session(fields.get("token", [""])[0].strip())
        if self._access.has_token:
            self._throttle.note(address, is_right=session is not None)
        if session is None:
            return self._page("refused.html", HTTPStatus.UNAUTHORIZED)
        return with_session(request, session)

    async def logout(self, request: Request) -> Response:
        """End the session."""
        self._access.close_session(request.headers.getlist("cookie"))
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


def with_session(request: Request, session: str) -> Response:
    """Return the way to the front page, with the cookie of a session."""
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        session,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=12 * 3600,
    )
    return answer
