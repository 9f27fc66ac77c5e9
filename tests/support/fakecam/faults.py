"""What may go wrong with a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "stall",  # nothing is sent for `amount` seconds, then it goes on
    "close",  # FIN
    "reset",  # RST
    "blackhole",  # the host is gone: nothing is sent, nothing is read
    "loss",  # this share of the RTP packets is lost
    "jump",  # RTP time steps by `amount` seconds
    "freeze",  # RTP time stands still
    "no-answer",  # TCP is accepted, and that is all
    "udp-blocked",  # UDP is set up, and nothing arrives
    "busy",  # 503
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that begins ``at`` seconds after PLAY; one before PLAY is there from the start."""

    kind: Kind
    at: float = 0.0
    amount: float = 3600.0

    def is_on(self, playing_for: float) -> bool:
        """Whether it has begun."""
        return playing_for >= self.at
