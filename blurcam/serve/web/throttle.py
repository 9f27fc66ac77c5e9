"""Makes clients wait after wrong tokens: longer after each one, by client and for all together."""

from __future__ import annotations

import ipaddress
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from blurcam.media.clock import Clock

logger = logging.getLogger(__name__)

# This many typing mistakes cost nothing; after them each wrong token doubles the wait.
_FREE: Final = 3
_LONGEST: Final = 60.0
# The same for all clients together, which leaves one guess in two seconds from any addresses.
_FREE_OF_ALL: Final = 30
_LONGEST_OF_ALL: Final = 2.0
# After this long without a wrong token all is forgotten.
_FORGIVEN: Final = 900.0
_MOST_CLIENTS: Final = 4096


@dataclass(slots=True)
class _Wrong:
    """The wrong tokens of a client, or of all."""

    free: int
    longest: float
    count: int = 0
    last: float = float("-inf")

    def note(self, now: float) -> None:
        self.count = 1 if now - self.last > _FORGIVEN else self.count + 1
        self.last = now

    def wait(self, now: float) -> float:
        """Return the number of seconds for which no token is checked."""
        doubled = min(max(0, self.count - self.free), 10)
        delay = min(self.longest, 0.5 * 2**doubled) if doubled else 0.0
        return max(0.0, self.last + delay - now)


class TokenThrottle:
    """Counts wrong tokens by address, and tells how long each client must wait.

    While a client waits, its tokens are not checked, neither right nor wrong ones: if a right one
    were taken at once, a guess without an answer would be known to be wrong.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing known of anybody."""
        self._clock = clock
        self._clients: OrderedDict[str, _Wrong] = OrderedDict()
        self._all = _Wrong(_FREE_OF_ALL, _LONGEST_OF_ALL)

    def wait(self, address: str) -> float:
        """Return the number of seconds for which this client's tokens are not checked."""
        now = self._clock.elapsed()
        known = self._clients.get(_client(address))
        return max(self._all.wait(now), known.wait(now) if known else 0.0)

    def note(self, address: str, *, is_right: bool) -> None:
        """Note whether a token was right; log the address of a wrong one."""
        now, client = self._clock.elapsed(), _client(address)
        if is_right:
            self._clients.pop(client, None)
            return
        known = self._clients.setdefault(client, _Wrong(_FREE, _LONGEST))
        self._clients.move_to_end(client)
        while len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        for each in (known, self._all):
            each.note(now)
        logger.warning(
            "a wrong token from %s, the %s in a row; no other is checked for %.0f s",
            address, _ordinal(known.count), known.wait(now),
        )  # fmt: skip


def _client(address: str) -> str:
    """Return what counts as one client: of IPv6 the network, since a host has many addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6 and not parsed.ipv4_mapped:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _ordinal(count: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{'th' if count % 100 in (11, 12, 13) else ending}"
