"""A long recording cut into spans that can be redacted apart and joined again without a seam.

A span begins at a key frame. What is known of faces reaches across a cut, so that each span is
decoded from well before its first frame and until well after its last; only what is its own is
encoded.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Final

# What the search remembers of faces reaches back a second (scan), of their motion a quarter
# (tracks); in two seconds it has looked closely at a whole frame again (plans).
_MEMORY_SECONDS: Final = 2.0
# Looks lie at most this far apart; what comes after a span must have been looked at.
_RHYTHM_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a recording, by the pts of its frames.

    Its own are ``frames`` frames from ``start`` to before ``stop`` (``None``: the end). To redact
    them, decoding begins at the key frame ``key`` (``None``: the beginning) and ends with the first
    frame at or after ``end``.
    """

    number: int
    key: int | None
    start: int
    stop: int | None
    end: int | None
    frames: int

    def to_values(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def cut(
    times: Sequence[int],
    keys: Sequence[int],
    time_base: Fraction,
    *,
    seconds: float,
    before: float,
    after: float,
) -> tuple[Span, ...]:
    """Return spans of about so many seconds that together are the whole recording.

    ``times`` are the pts of all frames and ``keys`` those of key frames, both in order. Coverage of
    a frame depends on what is seen up to ``before`` seconds before it and ``after`` after.
    """

    def ticks(amount: float) -> int:
        return math.ceil(Fraction(amount).limit_denominator(1_000_000) / time_base)

    length, warm_up = ticks(seconds), ticks(before + _MEMORY_SECONDS)
    look_ahead = ticks(after + _RHYTHM_SECONDS)
    starts = [times[0]]
    for key in keys:
        # The last span is not to be a stump.
        if key - starts[-1] >= length and times[-1] - key >= length // 2:
            starts.append(key)
    spans = []
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else None
        first = bisect_left(times, start)
        last = len(times) if stop is None else bisect_left(times, stop)
        earlier = [key for key in keys if key <= start - warm_up]
        decoded_from = earlier[-1] if number and earlier else None
        end = None if stop is None else stop + look_ahead
        spans.append(Span(number, decoded_from, start, stop, end, last - first))
    return tuple(spans)
