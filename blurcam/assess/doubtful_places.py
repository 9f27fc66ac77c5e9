"""Doubtful places of a run, from its regions file or summary, for a verification to search."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Final

from blurcam.errors import ConfigError
from blurcam.media.regions import Basis, Box, Region
from blurcam.track.regions_file import RegionReader

# The number of frames before and after a track on which the face may be in view.
_ENDS: Final = 3
# The area that is searched, as a multiple of the cover's size.
_BESIDE: Final = 2.0
# Every second frame of a gap is searched.
_STEP: Final = 2
# About this many frames are searched for one place of a summary.
_MOST_OF_A_PLACE: Final = 24
_SEEN: Final = frozenset({Basis.DETECTED})


def doubtful_places(path: Path) -> dict[int, list[Box]]:
    """Return, by frame number, where a face may be beside its cover: gaps and ends of tracks.

    Raises :class:`~blurcam.errors.ConfigError` for a file that is not a regions file.
    """
    tracks: dict[int, dict[int, Region]] = defaultdict(dict)
    last = 0
    with closing(RegionReader(path)) as reader:
        for coverage in reader.coverages():
            last = coverage.seq
            for region in coverage.regions:
                if region.track is not None:
                    tracks[region.track][coverage.seq] = region
    places: dict[int, list[Box]] = defaultdict(list)
    for regions in tracks.values():
        for number, box in _of_track(regions):
            if 0 <= number <= last:
                places[number].append(box.grown(_BESIDE))
    return dict(places)


def places_of_summary(path: Path) -> dict[int, list[Box]]:
    """Return, by frame number, the doubtful places that a run lists in its summary.

    Raises :class:`~blurcam.errors.ConfigError` for a file that is not a summary.
    """
    places: dict[int, list[Box]] = defaultdict(list)
    try:
        for each in json.loads(path.read_text(encoding="utf-8"))["doubtful"]:
            box = Box(*(int(each[edge]) for edge in ("x0", "y0", "x1", "y1"))).grown(_BESIDE)
            first, last = int(each["frame"]) - _ENDS, int(each["until_frame"]) + _ENDS
            for number in range(first, last + 1, max(_STEP, (last - first) // _MOST_OF_A_PLACE)):
                places[number].append(box)
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(f"{path}: not the summary of a run; make one with --summary") from exc
    return dict(places)


def _of_track(regions: dict[int, Region]) -> list[tuple[int, Box]]:
    """Return frames and places of one track: before it, after it, and where it was not detected."""
    numbers = sorted(regions)
    first, last = numbers[0], numbers[-1]
    found = [(first - n, regions[first].box) for n in range(1, _ENDS + 1)]
    found += [(last + n, regions[last].box) for n in range(1, _ENDS + 1)]
    gap = [n for n in numbers if regions[n].basis not in _SEEN]
    return found + [(n, regions[n].box) for n in gap[::_STEP]]
