"""Decides which requests are allowed: by host name, origin, token and session."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
import secrets
import socket
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie
from typing import Final

from blurcam.media.clock import Clock
from blurcam.settings.web import Web

COOKIE: Final = "blurcam"
_SESSION_SECONDS: Final = 12 * 3600.0
_MOST_SESSIONS: Final = 64
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")


class Access:
    """Decides by the headers of a request alone."""

    def __init__(self, web: Web, clock: Clock) -> None:
        """Take the token and the names from the settings."""
        self._token = web.token
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", *(name.lower() for name in web.names)}
        self._clock = clock
        self._sessions: OrderedDict[str, float] = OrderedDict()

    @property
    def has_token(self) -> bool:
        """Whether a token is set: then everything but health needs it."""
        return self._token is not None

    def is_our_host(self, hosts: list[str]) -> bool:
        """Whether there is one ``Host`` header, with an address or a name of this machine.

        This prevents DNS rebinding: an attacker's page, whose name now points here, still sends
        its own name. An address cannot be rebound.
        """
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if found is None:
            return False
        name = found[1].strip("[]").rstrip(".").lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    def is_our_origin(self, origins: list[str], host: str) -> bool:
        """Whether there is one ``Origin`` header, and it names the requested host.

        The scheme may differ: a proxy in front may speak HTTPS where this server does not.
        """
        return len(origins) == 1 and origins[0] in (f"http://{host}", f"https://{host}")

    def is_token(self, offered: str) -> bool:
        """Whether this is the token; the check takes the same time for every wrong one."""
        if self._token is None:
            return False
        return hmac.compare_digest(offered.encode("utf-8", "replace"), self._token.encode())

    def bears_token(self, authorizations: list[str]) -> bool:
        """Whether ``Authorization`` holds the token: as Bearer, or as the password of Basic."""
        if len(authorizations) != 1:
            return False
        scheme, _, rest = authorizations[0].partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(rest.strip())
        if scheme.lower() != "basic":
            return False
        try:
            plain = base64.b64decode(rest.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return False
        return self.is_token(plain.partition(":")[2])

    def open_session(self, offered: str) -> str | None:
        """Return a new session's secret for the right token, ``None`` for a wrong one."""
        return self.grant_session() if self.is_token(offered) else None

    def grant_session(self) -> str:
        """Return a new session's secret, for somebody whom the caller knows."""
        secret = secrets.token_urlsafe(32)
        self._sessions[secret] = self._clock.elapsed() + _SESSION_SECONDS
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return secret

    def close_session(self, cookies: list[str]) -> None:
        """End the session of these ``Cookie`` headers, if there is one."""
        self._sessions.pop(_session(cookies), None)

    def in_session(self, cookies: list[str]) -> bool:
        """Whether the ``Cookie`` headers name a session that has not expired."""
        return self._sessions.get(_session(cookies), float("-inf")) > self._clock.elapsed()


def _session(cookies: list[str]) -> str:
    try:
        found = SimpleCookie("; ".join(cookies)).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
