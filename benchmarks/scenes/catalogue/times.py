"""When frames come: few, many, uneven, in bursts, and with time stamps that mislead."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.scenes.catalogue.parts import DAY, crossing, passers, street
from benchmarks.scenes.values import Clock, Scene, Stored

# Name, seconds, clock, whether a camera can send it.
_TIMES: tuple[tuple[str, float, Clock, bool], ...] = (
    ("rate-1", 12, Clock(rate=1), True),
    ("rate-2", 12, Clock(rate=2), True),
    ("rate-5", 8, Clock(rate=5), True),
    ("rate-6", 8, Clock(rate=6), True),
    ("rate-50", 3, Clock(rate=50), True),
    ("rate-120", 1.6, Clock(rate=120), True),
    ("rate-240", 1.2, Clock(rate=240), False),
    ("jitter-4", 9, Clock(rate=4, jitter=0.8), True),
    ("jitter-25", 4, Clock(rate=25, jitter=0.9), True),
    ("bursts", 12, Clock(rate=25, burst=7, pause=1.5), True),
    ("gap", 6, Clock(gap=2.0), True),
    ("dense", 8, Clock(dense=20), False),
    ("jump", 4, Clock(jump=3600.0), False),
)


def scenes() -> Iterator[Scene]:
    """Yield the scenes of this kind."""
    for name, seconds, clock, is_live in _TIMES:
        # Slow enough to be in view for most of it, however long it is.
        shot = street(seconds, passers(max(4.0, seconds)))
        yield Scene(name, "times", (shot,), clock=clock, effects=DAY, is_live=is_live)
    walkers = [crossing(n, 26.0 + 6 * n, 140 + 16 * n, 2.2) for n in range(3)]
    yield Scene("rate-5-fast", "times", (street(2.2, walkers),), clock=Clock(rate=5), effects=DAY)
    yield Scene(
        "spliced", "times", (street(5, passers(5)),), effects=DAY,
        stored=Stored("ts", is_spliced=True), is_live=False,
    )  # fmt: skip
