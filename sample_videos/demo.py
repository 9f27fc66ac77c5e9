"""Redact the sample videos, say where to look, and measure what stayed exposed."""

from __future__ import annotations

import sys
from pathlib import Path

from blurcam import Config, Encode, run
from blurcam.assess.labels import read_labels
from blurcam.assess.measure import Measure
from blurcam.track.regions_file import read_regions

_SMALLEST = 24


def main() -> int:
    """Return 0 where no face of 24 px or more was exposed."""
    folder = Path(__file__).parent
    redacted = folder / "redacted"
    redacted.mkdir(exist_ok=True)
    exposed = 0
    for truth_path in sorted(folder.glob("*.json")):
        video = truth_path.with_suffix(".mp4")
        output, regions = redacted / video.name, redacted / f"{video.stem}.jsonl"
        print(f"{video.name}: redacting", flush=True)
        encode = Encode(overwrite=True)
        for line in run(Config(video, output, encode=encode, regions=regions)).lines():
            print(f"  {line}")
        measure = measured(truth_path, regions)
        exposed += measure.exposed_from(_SMALLEST)
        for line in measure.lines():
            print(f"  {line}")
        print(f"  look at {output}")
    print(f"exposed face-frames of {_SMALLEST} px or more: {exposed}")
    return 1 if exposed else 0


def measured(truth_path: Path, regions: Path) -> Measure:
    """Return how much of the true faces these regions cover."""
    header, coverages = read_regions(regions)
    by_seq = {coverage.seq: coverage for coverage in coverages}
    measure = Measure()
    for seq, faces in read_labels(truth_path).frames.items():
        size = (header.width, header.height)
        measure.add(faces, by_seq[seq], None, size, where=str(seq))
    return measure


if __name__ == "__main__":
    sys.exit(main())
