"""Which drawn frame each frame of an output shows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import av

from benchmarks.scenes.decoding import grey_frames
from benchmarks.scenes.effects import read_number


def times(path: Path) -> list[float]:
    """Return when each frame of a file is shown, in seconds after the first, in order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = sorted(
            float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None and packet.time_base
        )
    return [stamp - stamps[0] for stamp in stamps]


def in_order(drawn: int, video: Path, output: Path) -> tuple[list[int | None], str | None]:
    """Return the drawn frame of each frame of an output that should have all of them.

    Where it has not, they are matched by time, and the second value says how many there are.
    """
    shown = times(output)
    if len(shown) == drawn:
        return list(range(drawn)), None
    return by_time(times(video), shown), f"{len(shown)} frames for {drawn}"


def by_number(drawn: Sequence[float], output: Path) -> list[int | None]:
    """Return the drawn frame of each frame of an output by the number in it, else by its time.

    ``None`` where neither says. A scene may be shown more than once.
    """
    shown = times(output)
    read = [read_number(frame) for frame in grey_frames(output)][: len(shown)]
    known = {at: n for at, n in enumerate(read) if n is not None and n < len(drawn)}
    found: list[int | None] = []
    for at, time in enumerate(shown[: len(read)]):
        number = known.get(at)
        if number is None and known:
            near = min(known, key=lambda each: abs(each - at))
            (number,) = by_time(drawn, [time + drawn[known[near]] - shown[near]])
        found.append(number)
    return found


def by_time(drawn: Sequence[float], shown: Sequence[float]) -> list[int | None]:
    """Return the nearest drawn frame for each that is shown, none farther off than a frame is."""
    found: list[int | None] = []
    for time in shown:
        after = min(bisect_left(drawn, time), len(drawn) - 1)
        nearest = min((max(0, after - 1), after), key=lambda n: abs(drawn[n] - time))
        step = drawn[min(nearest + 1, len(drawn) - 1)] - drawn[max(0, nearest - 1)]
        found.append(nearest if abs(drawn[nearest] - time) <= max(step / 2, 0.002) else None)
    return found
