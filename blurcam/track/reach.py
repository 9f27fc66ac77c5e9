"""How far coverage reaches beyond the detections of a face, in time and in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

from blurcam.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Reach:
    """How far coverage reaches beyond the detections: seconds, and a factor of size.

    ``lead`` and ``hold`` are how long a face is followed before it was first and after it was
    last detected, ``bridge`` the longest gap that a line crosses. A frame that was not searched
    is let pass up to ``longest`` seconds after one that was. Of a live stream a frame does not
    wait for one that is known to come too late to reach it. No more than ``most_bytes`` of frames
    wait: the oldest go on, with what is known so far.
    """

    lead: float
    hold: float
    bridge: float
    margin: float
    longest: float = 0.5
    is_live: bool = False
    most_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse a reach that takes coverage away."""
        for name in ("lead", "hold", "bridge", "longest"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name}: {value} is not a number of seconds")
        if not (math.isfinite(self.margin) and self.margin >= 1):
            raise ConfigError(f"margin: {self.margin} would leave part of the face clear")
