"""The listening socket of the page, which limits the number of connections."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from blurcam.errors import ConfigError
from blurcam.settings.web import Web

BACKLOG: Final = 64
"""How many connections are accepted at a time; more wait in the kernel."""


class BoundedListener(socket.socket):
    """A listening socket that closes the oldest connection when there would be too many.

    uvicorn counts a connection only after its TLS handshake. Clients that open hundreds and send
    nothing would take every descriptor of the service, which needs them to start the cameras'
    processes. Connections ``in_use`` are closed last.
    """

    def __init__(self, family: int, most: int) -> None:
        """Make the socket for at most ``most`` connections."""
        super().__init__(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._most = most
        self._held: list[socket.socket] = []
        self.in_use: Callable[[], set[int]] = set
        """Gives the descriptors of the connections that have HTTP requests."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and make room for it."""
        connection, address = super().accept()
        if len(self._held) >= self._most:
            self._make_room()
        self._held.append(connection)
        return connection, address

    def _make_room(self) -> None:
        self._held = [each for each in self._held if each.fileno() != -1]
        in_use = self.in_use()
        self._held.sort(key=lambda each: each.fileno() in in_use)
        while len(self._held) >= self._most:
            with suppress(OSError):  # closed by the client
                self._held.pop(0).shutdown(socket.SHUT_RDWR)


def listen(web: Web, most: int) -> BoundedListener:
    """Return the socket of the page; ConfigError names the key that prevents it."""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    listening = BoundedListener(family, most)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((web.host, web.port))
        listening.listen(BACKLOG)
    except OSError as exc:
        listening.close()
        key = "web.host" if exc.errno == errno.EADDRNOTAVAIL else "web.port"
        raise ConfigError(
            f"{key}: cannot listen on {web.host} port {web.port}: "
            f"{os.strerror(exc.errno or 0)}; choose another one"
        ) from exc
    return listening
