"""The settings of the page that `serve` shows."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from blurcam.errors import ConfigError
from blurcam.settings.redaction import (
    check_between,
)


@dataclass(frozen=True, slots=True)
class Web:
    """Where the page is served, and to whom.

    ``host`` is the IP address to listen on; ``port`` 0 takes a free one. Beyond the machine
    itself a ``token`` is required: everything but ``/healthz`` and ``/readyz`` then asks for it,
    and whoever has it may also restart a camera. ``names`` are host names under which browsers
    may ask for the page, besides IP addresses, ``localhost`` and the machine's own name.
    ``certificate`` and ``key`` (PEM files) make it speak HTTPS.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key; never shows the token."""
        try:
            address = ipaddress.ip_address("127.0.0.1" if self.host == "localhost" else self.host)
        except ValueError as exc:
            raise ConfigError(
                f'web.host: "{self.host}" is not an IP address; 0.0.0.0 means every one'
            ) from exc
        object.__setattr__(self, "host", str(address))
        check_between("web.port", self.port, 0, 65535)
        if self.token is None and not address.is_loopback:
            raise ConfigError(
                f"web.token: {self.host} can be reached from other machines, so the page needs a "
                "token; make one with: openssl rand -hex 24"
            )
        if self.token is not None and not re.fullmatch(r"[!-~]{16,256}", self.token):
            raise ConfigError(
                "web.token: needs 16 to 256 letters, digits and signs without spaces; make one "
                "with: openssl rand -hex 24"
            )
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("web.certificate, web.key: give both or neither")
