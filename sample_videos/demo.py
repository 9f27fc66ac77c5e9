"""Redact the sample videos, say where to look, and measure what stayed exposed."""

from __future__ import annotations

import sys
from pathlib import Path

from blurcam import Config, Encode, run
from blurcam.evaluation import exposure, read_truth
from blurcam.regionfile import read_regions

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
        measured = exposure(read_truth(truth_path), read_regions(regions)[1])
        exposed += measured.exposed(_SMALLEST)
        for line in measured.lines():
            print(f"  {line}")
        for case in measured.worst[:3]:
            which = f"frame {case.seq}, person {case.face.track}, {case.face.box.height} px"
            print(f"  least covered: {which}, {case.share:.0%}")
        print(f"  look at {output}")
    print(f"exposed face-frames of {_SMALLEST} px or more: {exposed}")
    return 1 if exposed else 0


if __name__ == "__main__":
    sys.exit(main())
