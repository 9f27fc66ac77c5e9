"""The keyframe index of a recording: the pts of its frames, read without decoding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from blurcam.settings.reading import READ_PLAINLY, ReadOptions
from blurcam.sources.open import FAULTS, open_path
from blurcam.sources.restarts import changes_program
from blurcam.sources.stream_start import origin_of
from blurcam.sources.video_track import video_stream

# A recording with a longer gap is not cut: the gap begins a new session.
_LONGEST_GAP_SECONDS: Final = 10
# Containers whose time stamps are those at which frames are shown. In AVI they are made up.
_TRUSTED: Final = ("mp4", "matroska", "mpegts")


@dataclass(frozen=True, slots=True)
class KeyframeIndex:
    """The pts of every frame, and of the key frames, in order."""

    times: tuple[int, ...]
    keys: tuple[int, ...]
    time_base: Fraction


def index_of(
    path: Path, longer_than: float, asked: ReadOptions = READ_PLAINLY
) -> KeyframeIndex | None:
    """Return the index of a recording that is longer than this many seconds.

    Returns ``None`` if it is shorter, or if its timeline is unusual in any way: then it must be
    read from start to end.
    """
    if changes_program(path):
        return None
    with open_path(path) as container:
        stream = video_stream(path, container, asked.track)
        if container.duration is not None and container.duration < longer_than * 1_000_000:
            return None
        if not any(name in container.format.name for name in _TRUSTED) or stream.time_base is None:
            return None
        found = _times_and_keys(container.demux(stream))
        if found is None:
            return None
        times, keys = found
        if not _is_plain(times, keys, stream.frames, stream.time_base):
            return None
        if (times[-1] - times[0]) * stream.time_base <= longer_than:
            return None
        origin = 0 if asked.keep_start else origin_of(container, times[0], stream.time_base)
        return KeyframeIndex(
            tuple(each - origin for each in times),
            tuple(each - origin for each in keys),
            stream.time_base,
        )


def _times_and_keys(packets: Iterable[Any]) -> tuple[list[int], list[int]] | None:
    """Return the pts of all packets and of the key frames; ``None`` if a packet has no pts."""
    times: list[int] = []
    keys: list[int] = []
    try:
        for packet in packets:
            if not packet.size:
                continue
            if packet.pts is None or packet.is_corrupt or packet.is_discard:
                return None
            times.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet.pts)
    except FAULTS:
        return None  # the run, which reads it from start to end, tells what is wrong
    return sorted(times), sorted(keys)


def _is_plain(times: list[int], keys: list[int], announced: int, time_base: Fraction) -> bool:
    if not times or times[0] < 0 or not keys or keys[0] != times[0]:
        return False
    if announced and announced != len(times):
        return False
    longest = _LONGEST_GAP_SECONDS / time_base
    return all(0 < b - a < longest for a, b in pairwise(times))
