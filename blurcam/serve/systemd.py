"""Tells systemd the state of the service: ready, alive, reloading, stopping (sd_notify)."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

from blurcam.errors import ConfigError

logger = logging.getLogger(__name__)


class Notifier:
    """Sends datagrams to the socket that systemd names; does nothing if there is none.

    If systemd does not listen, the cameras go on. The first failed send is logged, and later ones
    are tried all the same.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Read ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``."""
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self._told = False
        self.interval = _interval(environment)
        if self._address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def ready(self, status: str = "") -> None:
        """Tell that the start, or a reload, is complete."""
        self._send("READY=1", status)

    def status(self, status: str) -> None:
        """Set the line that ``systemctl status`` shows."""
        self._send(status=status)

    def watchdog(self) -> None:
        """Tell that the service is alive; due every :attr:`interval` seconds if that is set."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Tell that the configuration is being read anew; :meth:`ready` ends that."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", monotonic=microseconds)

    def stopping(self) -> None:
        """Tell that the service ends."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Release the socket; safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, state: str = "", status: str = "", monotonic: int | None = None) -> None:
        if self._socket is None or self._address is None:
            return
        lines = [state] if state else []
        if monotonic is not None:
            lines.append(f"MONOTONIC_USEC={monotonic}")
        if status:
            lines.append("STATUS=" + " ".join(status.split()))
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError as exc:
            if not self._told:
                logger.warning("systemd takes nothing at its socket: %s", exc.strerror)
            self._told = True


def _address(name: str) -> str | None:
    if not name:
        return None
    if name.startswith("@"):
        return "\0" + name[1:]  # the abstract name space, as sd_notify(3) writes it
    if not name.startswith("/"):
        raise ConfigError(f'NOTIFY_SOCKET: "{name}" is not a socket of this machine')
    return name


def _interval(environment: Mapping[str, str]) -> float | None:
    """Return half of the time that the watchdog allows, ``None`` if it is not for this process."""
    allowed = environment.get("WATCHDOG_USEC", "")
    if not allowed.isdecimal() or int(allowed) == 0:
        return None
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(allowed) / 2e6
