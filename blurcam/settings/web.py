"""The settings of the page that `serve` shows."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from blurcam.settings.declaration import declared, refusal


@declared(within="web")
class Web:
    """Where the page is served, and to whom.

    A viewer with the token may also restart a camera. Everything but ``/healthz`` and ``/readyz``
    asks for it.
    """

    host: Annotated[str, Field(description="IP address to listen on; 0.0.0.0 means every one.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    ] = 8080
    token: Annotated[
        str | None,
        Field(
            description="Secret that viewers must give, required where other machines can reach "
            "the page."
        ),
    ] = field(default=None, repr=False)
    names: Annotated[
        tuple[str, ...],
        Field(
            description="Host names by which browsers may ask for the page, besides IP addresses, "
            "localhost and the machine's own name."
        ),
    ] = ()
    certificate: Annotated[Path | None, Field(description="PEM file: serve HTTPS.")] = None
    key: Annotated[Path | None, Field(description="PEM file: the certificate's key.")] = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense; never shows the token."""
        try:
            address = ipaddress.ip_address("127.0.0.1" if self.host == "localhost" else self.host)
        except ValueError as exc:
            raise refusal(
                "host", f'"{self.host}" is not an IP address; 0.0.0.0 means every one'
            ) from exc
        object.__setattr__(self, "host", str(address))
        if self.token is None and not address.is_loopback:
            raise refusal(
                "token",
                f"{self.host} can be reached from other machines, so the page needs a token; make "
                "one with: openssl rand -hex 24",
            )
        if self.token is not None and not re.fullmatch(r"[!-~]{16,256}", self.token):
            raise refusal(
                "token",
                "needs 16 to 256 letters, digits and signs without spaces; make one with: openssl "
                "rand -hex 24",
            )
        if (self.certificate is None) != (self.key is None):
            raise refusal("certificate", "give certificate and key, or neither")
