"""How calm a cover is to look at: ``python -m benchmarks.looks [CLIP …]``.

A brightness step is how much the mean of a covered area changes from one frame to the next, in
grey levels, within what the track covers on both frames. The input's own step is what moves under
the cover. An outline's step is how much the height of a track's cover changes, in per cent.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from benchmarks import footage
from blurcam.media.frames import Plane
from blurcam.media.masks import rasterise
from blurcam.media.regions import Box, Coverage, Region, Shape
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.redaction import Cover, Detect
from blurcam.sources.recording import open_source
from blurcam.track.regions_file import read_regions

CLIPS = ("closeup-mask.mp4", "concourse.mp4", "towncentre.mp4", "commuters.mp4", "stage-dark.mp4")
EFFECTS = ("blur", "solid", "mosaic", "gaussian", "pixelate")


@dataclass(frozen=True, slots=True)
class TrackCover:
    """What one track covers on one frame: the box around it, and the mask within."""

    box: Box
    mask: NDArray[np.bool_]

    def within(self, box: Box) -> NDArray[np.bool_]:
        """Return the mask of a part of the box."""
        x, y = self.box.x0, self.box.y0
        return self.mask[box.y0 - y : box.y1 - y, box.x0 - x : box.x1 - x]


@dataclass(slots=True)
class Steps:
    """The steps of one effect over a clip."""

    brightness: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    regions: list[int] = field(default_factory=list)

    def add(self, earlier: tuple[Plane, TrackCover], now: tuple[Plane, TrackCover]) -> None:
        """Compare a track's cover on two consecutive frames."""
        (before, was), (after, here) = earlier, now
        self.heights.append(abs(here.box.height - was.box.height) / was.box.height * 100)
        shared = was.box.intersection(here.box)
        if shared is None:
            return
        both = was.within(shared) & here.within(shared)
        if both.any():
            rows, columns = slice(shared.y0, shared.y1), slice(shared.x0, shared.x1)
            means = [float(each[rows, columns][both].mean()) for each in (before, after)]
            self.brightness.append(abs(means[1] - means[0]))


def covers(coverage: Coverage, width: int, height: int) -> dict[int, TrackCover]:
    """Return what each track covers on a frame."""
    found: dict[int, TrackCover] = {}
    for track, regions in by_track(coverage).items():
        box = regions[0].box
        for each in regions[1:]:
            box = box.union(each.box)
        inside = box.intersection(Box(0, 0, width, height))
        if inside is not None:
            mask = rasterise(regions, width, height).astype(bool)
            found[track] = TrackCover(
                inside, mask[inside.y0 : inside.y1, inside.x0 : inside.x1].copy()
            )
    return found


def by_track(coverage: Coverage) -> dict[int, list[Region]]:
    """Return the ellipses of each track."""
    found: dict[int, list[Region]] = defaultdict(list)
    for region in coverage.regions:
        if region.track is not None and region.shape is Shape.ELLIPSE:
            found[region.track].append(region)
    return found


def measured(lumas: Iterable[Plane], coverages: Iterable[Coverage]) -> Steps:
    """Return the steps of a clip whose frames have these luma planes and these coverages."""
    steps = Steps()
    earlier: dict[int, TrackCover] = {}
    before: Plane | None = None
    for luma, coverage in zip(lumas, coverages, strict=True):
        height, width = luma.shape
        here = {} if coverage.is_whole else covers(coverage, width, height)
        steps.regions += [len(each) for each in by_track(coverage).values()]
        for track in here.keys() & earlier.keys():
            if before is not None:
                steps.add((before, earlier[track]), (luma, here[track]))
        earlier, before = here, luma
    return steps


def coverages_of(path: Path) -> list[Coverage]:
    """Search a clip, and return what ``blurcam run`` covers on each frame."""
    detect, counts = Detect(), FrameCounts()
    with open_source(path, counts) as source, closing(open_detector(detect)) as detector:
        found = searched(source.frames(), source.info, detector, detect)
        return [coverage for _, coverage in covered(found, Cover(), counts)]


def redacted_lumas(path: Path, coverages: list[Coverage], effect: str) -> Iterator[Plane]:
    """Yield the luma of each frame: the input's own for "input", else as the effect leaves it."""
    with open_source(path, FrameCounts()) as source:
        if effect == "input":
            yield from (frame.planes[0].copy() for frame in source.frames())
            return
        made = make_effect(effect)
        for frame, coverage in zip(source.frames(), coverages, strict=True):
            yield redact(frame, coverage, made).planes[0]


def rows(path: Path, coverages: list[Coverage]) -> Iterator[str]:
    """Yield a line of the table for the input and for each effect."""
    for effect in ("input", *EFFECTS):
        found = measured(redacted_lumas(path, coverages, effect), coverages)
        if not found.brightness:
            return
        steps = f"{fmean(found.brightness):.2f} | {np.percentile(found.brightness, 95):.1f}"
        outline = ""
        if effect == "input":
            outline = f"{fmean(found.heights):.1f} | {np.percentile(found.heights, 95):.1f} | "
            outline += f"{fmean(found.regions):.2f}"
        yield f"| {path.stem} | {effect} | {steps} | {outline or ' | | '} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looks")
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--regions", type=Path, help="take CLIP.jsonl from here; do not search")
    asked = parser.parse_args()
    known = (footage.recording(name) for name in CLIPS)
    clips = asked.clips or [each for each in known if each is not None]
    print("| clip | effect | step | 95 % | height, % | 95 % | regions a track |")
    print("|---|---|---|---|---|---|---|")
    for path in clips or [footage.SAMPLES / "street.mp4"]:
        file = asked.regions / f"{path.stem}.jsonl" if asked.regions else None
        found = read_regions(file)[1] if file is not None else coverages_of(path)
        for row in rows(path, found):
            print(row, flush=True)


if __name__ == "__main__":
    main()
