"""How far coverage reaches beyond the detections of a face, in time and in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

from blurcam.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Reach:
    """How far coverage reaches beyond the detections: in seconds, and as a factor of size.

    A face is followed for ``lead`` seconds before its first detection and for ``hold`` seconds
    after its last. ``bridge`` is the longest gap between two sightings that is covered on the line
    between them. A frame that was not searched may pass up to ``longest`` seconds after one that
    was. A frame of a live stream does not wait for a frame that will come too late to affect it.
    At most ``most_bytes`` of frames wait: the oldest go on, with what is known so far.
    """

    lead: float
    hold: float
    bridge: float
    margin: float
    longest: float = 0.5
    is_live: bool = False
    most_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse a reach that would take coverage away."""
        for name in ("lead", "hold", "bridge", "longest"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name}: {value} is not a number of seconds")
        if not (math.isfinite(self.margin) and self.margin >= 1):
            raise ConfigError(f"margin: {self.margin} would leave part of the face clear")
