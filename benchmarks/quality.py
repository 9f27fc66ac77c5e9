"""``make bench-quality``: what each encoder preset costs, in bytes, time and noise.

The regions are found once; every preset then draws the same ones again. Noise is the PSNR of luma
outside the mask against the input: what lies under the mask is meant to differ.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import footage
from benchmarks.footage import FFMPEG, clip
from benchmarks.machine import this_machine
from benchmarks.processes import spend
from blurcam.media.masks import rasterise
from blurcam.media.regions import Box
from blurcam.track.regions_file import read_regions

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast")


def psnr_outside(source: Path, output: Path, regions: Path) -> float:
    """Return the PSNR of luma, in dB, over all samples of all frames that nothing covers."""
    header, coverages = read_regions(regions)
    wide, high = header.width, header.height
    whole = Box(0, 0, wide, high)
    error, count = 0.0, 0
    pairs = zip(_luma(source, wide, high), _luma(output, wide, high), coverages, strict=True)
    for before, after, coverage in pairs:
        if coverage.reason is not None:
            continue
        # A pixel more all round: the encoder smears the edge of the mask.
        grown = [each.box.grown(1.2).intersection(whole) for each in coverage.regions]
        clear = rasterise(coverage.regions, wide, high) == 0
        for box in grown:
            if box is not None:
                clear[box.y0 : box.y1, box.x0 : box.x1] = False
        difference = before.astype(np.int32)[clear] - after[clear]
        error += float((difference * difference).sum())
        count += difference.size
    return 10 * math.log10(255 * 255 * count / error) if error else math.inf


def _luma(path: Path, wide: int, high: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the luma of every frame, by FFmpeg."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-noautorotate", "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-vf", "extractplanes=y", "-f", "rawvideo", "-"]
    with ExitStack() as stack:
        child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert child.stdout is not None
        while len(picture := child.stdout.read(wide * high)) == wide * high:
            yield np.frombuffer(picture, np.uint8).reshape(high, wide)


def measured(source: Path, profile: str, frames: int | None) -> dict[str, Any]:
    """Return for each preset what it costs on this recording."""
    source = source if frames is None else footage.shortened(source, frames)
    length = clip(source.stem, source).seconds
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="blurcam-quality-") as name:
        folder = Path(name)
        regions, output, log = folder / "regions.jsonl", folder / "out.mp4", folder / "log"
        own = [sys.executable, "-m", "blurcam"]
        found = [*own, "run", source, output, "--profile", profile, "--regions", regions]
        spend([str(part) for part in found], log=log)
        for preset in PRESETS:
            drawn = [*own, "render", source, output, "--regions", regions, "--preset", preset]
            spent = spend([str(part) for part in (*drawn, "--overwrite")], log=log)
            rows[preset] = {
                "psnr_db": round(psnr_outside(source, output, regions), 3),
                "kbit_per_s": round(8 * output.stat().st_size / 1000 / length, 1),
                "wall_s": round(spent.wall, 3),
                "cpu_s": round(spent.cpu, 3),
            }
            print(f"  {source.name}: {preset}: {rows[preset]}", flush=True)
    return rows


def markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    lines = ["# Encoder presets: noise outside the mask, size and time", ""]
    lines += [f"Machine: {results['machine_text']}. Again: `make bench-quality`"]
    for name, rows in results["clips"].items():
        lines += ["", f"## {name}", "", "| preset | PSNR, dB | kbit/s | wall s | CPU s |"]
        lines += ["|---|---|---|---|---|"]
        lines += [
            f"| {preset} | {row['psnr_db']:.2f} | {row['kbit_per_s']:.0f} | {row['wall_s']:.2f} | "
            f"{row['cpu_s']:.2f} |"
            for preset, row in rows.items()
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every preset on the street and the sample clips."""
    parser = argparse.ArgumentParser(description="Encoder presets side by side.")
    parser.add_argument("--profile", default="balanced", help="that finds the regions")
    parser.add_argument("--frames", type=int, help="cut clips to so many frames, to try it out")
    default = Path(__file__).parent / "results" / "quality"
    parser.add_argument("--out", type=Path, default=default)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    machine = this_machine()
    print(machine, flush=True)
    names = ("towncentre.mp4", "one-by-one.mp4")
    clips = [path for name in names if (path := footage.recording(name)) is not None]
    results: dict[str, Any] = {"machine": machine.values(), "machine_text": str(machine)}
    results["clips"] = {}
    for path in (*clips, *sorted(footage.SAMPLES.glob("*.mp4"))):
        results["clips"][path.stem] = measured(path, asked.profile, asked.frames)
        text = json.dumps(results, indent=1)
        (asked.out / "quality.json").write_text(text + "\n", encoding="utf-8")
        (asked.out / "quality.md").write_text(markdown(results), encoding="utf-8")
    print((asked.out / "quality.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
