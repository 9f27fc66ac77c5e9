"""How well the verifier sees, and how often it cries wolf, by the confidence from which it counts.

    python -m benchmarks.verifier [--detectors mediapipe yunet] [--seconds 6] [--json FILE]

Faces of known height are planted into frames of real and generated footage, and searched for; the
same footage is redacted, and searched for what is no face any more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, cast

import imageio_ffmpeg

from blurcam.api import run
from blurcam.assess.inspect_output import Picture, decoded
from blurcam.assess.output_search import OutputSearch
from blurcam.assess.planted_faces import LADDER, is_found, plantings
from blurcam.detect.detector import Detection
from blurcam.settings.recording import Config
from blurcam.settings.redaction import DetectorName, Encode

ROOT: Final = Path(__file__).parent.parent
FFMPEG: Final = imageio_ffmpeg.get_ffmpeg_exe()
BOUNDS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_OTHER: Final = (
    "towncentre",
    "commuters",
    "stage-dark",
    "lobby-fisheye",
    "carpark-noface",
    "vtest",
)
_FRAMES: Final = 4


def footage() -> Iterator[Path]:
    """Yield the recordings to measure on."""
    yield from sorted((ROOT / "sample_videos").glob("*.mp4"))
    if data := os.environ.get("BLURCAM_EVAL_DATA"):
        for path in sorted(Path(data, "videos").iterdir()):
            if path.stem in _OTHER:
                yield path


def cut(path: Path, seconds: float, folder: Path) -> Path:
    """Return the first seconds of a recording."""
    short = folder / f"{path.stem}.mkv"
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", "-i", str(path), "-t", str(seconds), "-an"]
    subprocess.run([*command, "-c:v", "libx264", "-crf", "18", str(short)], check=True)
    return short


def samples(path: Path) -> Iterator[Picture]:
    """Yield a frame a second."""
    due = float("-inf")
    for frame in decoded(path):
        if frame.time >= due:
            due = frame.time + 1.0
            yield frame.picture()


def counted(found: Sequence[Detection], bound: float) -> list[Detection]:
    """Return what is as certain as that."""
    return [each for each in found if each.confidence >= bound]


class Count:
    """What was planted and found, and what was seen where there is nothing."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.planted: Counter[int] = Counter()
        self.found: Counter[tuple[int, float]] = Counter()
        self.frames = 0
        self.alarms: Counter[float] = Counter()
        self.alarmed: Counter[float] = Counter()

    def plant(self, search: OutputSearch, path: Path) -> None:
        """Plant faces into a few frames of a recording, and look for them."""
        pictures = list(samples(path))
        for seed, picture in enumerate(pictures[:: max(1, len(pictures) // _FRAMES)][:_FRAMES]):
            before = search.search(picture)
            for height, copy, where in plantings(picture, seed):
                if any(each.box.intersection(where) for each in before):
                    continue
                self.planted[height] += 1
                seen = search.search(copy)
                for bound in BOUNDS:
                    self.found[height, bound] += is_found(where, counted(seen, bound))

    def look(self, search: OutputSearch, path: Path) -> None:
        """Look for faces in a redacted recording, once a second."""
        for picture in samples(path):
            self.frames += 1
            seen = search.search(picture)
            for bound in BOUNDS:
                count = len(counted(seen, bound))
                self.alarms[bound] += count
                self.alarmed[bound] += count > 0

    def values(self) -> dict[str, Any]:
        """Return shares by height and bound, and false alarms by bound."""
        return {
            "planted": {str(height): self.planted[height] for height in LADDER},
            "found": {
                str(bound): {
                    str(height): round(self.found[height, bound] / max(1, self.planted[height]), 3)
                    for height in LADDER
                }
                for bound in BOUNDS
            },
            "redacted_frames": self.frames,
            "false_alarms_a_frame": {
                str(bound): round(self.alarms[bound] / max(1, self.frames), 3) for bound in BOUNDS
            },
            "frames_with_alarm": {
                str(bound): round(self.alarmed[bound] / max(1, self.frames), 3) for bound in BOUNDS
            },
        }


def table(name: str, values: dict[str, Any]) -> Iterator[str]:
    """Yield what was measured as a table."""
    heads = " | ".join(f"{height} px" for height in LADDER)
    yield f"| {name} counts from | {heads} | false alarms a frame | frames with one |"
    yield "|---" * (len(LADDER) + 3) + "|"
    for bound in map(str, BOUNDS):
        shares = " | ".join(f"{100 * values['found'][bound][str(h)]:.0f} %" for h in LADDER)
        alarms, frames = values["false_alarms_a_frame"], values["frames_with_alarm"]
        yield f"| {bound} | {shares} | {alarms[bound]:.2f} | {100 * frames[bound]:.0f} % |"


def main() -> None:
    """Measure, and print a table for each detector."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--detectors", nargs="+", default=["mediapipe"])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="blurcam-bench-") as folder:
        clips = [cut(path, asked.seconds, Path(folder)) for path in footage()]
        redacted = []
        for clip in clips:
            output = clip.with_name(f"{clip.stem}-redacted.mkv")
            run(Config(clip, output, encode=Encode(preset="ultrafast")))
            redacted.append(output)
        for name in asked.detectors:
            count = Count()
            with closing(OutputSearch(cast(DetectorName, name), BOUNDS[0])) as search:
                for clip, output in zip(clips, redacted, strict=True):
                    count.plant(search, clip)
                    count.look(search, output)
            found[name] = count.values()
            for line in table(name, found[name]):
                print(line, flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
