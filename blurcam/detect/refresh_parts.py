"""Refresh in parts: a live frame is searched everywhere, one part at a time.

A search of everything at once, every other second, would hold back all frames behind it. Six parts
have a quarter more pixels, since they overlap. docs/design/live.md shows the effect on latency.
"""

from __future__ import annotations

from typing import Final

from blurcam.media.regions import Box

_ACROSS: Final = 3
_DOWN: Final = 2
_PARTS: Final = _ACROSS * _DOWN
# Parts overlap by this share of their sides, so that one of them contains each small face.
_SHARED: Final = 0.1


class PartRefresh:
    """Decides which part is next: each comes once in ``period`` seconds."""

    def __init__(self, period: float) -> None:
        """Begin with the first part, once :meth:`begin` is called."""
        self._step = period / _PARTS
        self._next = 0
        self._due = float("inf")

    def begin(self, now: float) -> None:
        """Note that the whole frame has just been searched."""
        self._due = now + self._step

    def due(self, now: float, width: int, height: int) -> list[Box]:
        """Return the parts of a frame of this size that are due to be searched."""
        parts: list[Box] = []
        while self._due <= now and len(parts) < _PARTS:
            parts.append(_part(self._next, width, height))
            self._next = (self._next + 1) % _PARTS
            self._due += self._step
        self._due = max(self._due, now)
        return parts


def _part(number: int, width: int, height: int) -> Box:
    wide, high = width / _ACROSS, height / _DOWN
    x, y = number % _ACROSS * wide, number // _ACROSS * high
    part = Box.around(x, y, x + wide, y + high).grown(1 + 2 * _SHARED)
    inside = part.intersection(Box(0, 0, width, height))
    assert inside is not None
    return inside
