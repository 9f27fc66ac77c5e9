"""``make bench``: what blurcam costs beside a bare transcode and its peers.

Results are written after every race, so that a bench that is interrupted has not been for nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import archive, charts, footage
from benchmarks.contenders import (
    PROFILES,
    Contender,
    bare_decode,
    bare_transcode,
    blurcam,
    everyone,
    settings_of,
    versions,
)
from benchmarks.footage import Clip, clip
from benchmarks.machine import this_machine
from benchmarks.processes import Failed, spend
from benchmarks.races import race, stages
from benchmarks.report import markdown

SUITES = (
    "start-up", "side-by-side", "stages", "resolution", "faces", "length", "settings", "archive",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: everything, or what a few minutes allow."""

    runs: int
    turns: int  # of the palindrome: 6 are a minute
    sizes: tuple[str, ...]
    faces: tuple[int, ...]
    crowd_seconds: int
    lengths: tuple[int, ...]  # turns of the palindrome, each of ten seconds
    profiles: tuple[str, ...]
    most_frames: int | None = None
    peers: bool = True
    batch: archive.Asked = field(default_factory=archive.Asked)
    clips: tuple[str, ...] = ()  # none: all


FULL = Amount(
    3, 6, ("360p", "720p", "1080p", "4K"), (0, 1, 5, 20, 50), 20, (1, 3, 12, 60), PROFILES
)
QUICK = Amount(
    3, 1, ("360p", "720p"), (0, 5, 20), 4, (1, 2), ("near", "balanced"), 100, batch=archive.QUICK
)


class Bench:
    """A bench under way: runs suites, and writes what it has after every race."""

    def __init__(self, amount: Amount, out: Path, command: str) -> None:
        """Measure this much into the folder ``out``."""
        machine = this_machine()
        print(machine, flush=True)
        self._amount = amount
        self._out = out
        out.mkdir(parents=True, exist_ok=True)
        self.results: dict[str, Any] = {
            "machine": machine.values(),
            "machine_text": str(machine),
            "versions": versions(),
            "runs": amount.runs,
            "command": command,
        }

    def run(self, suite: str) -> None:
        """Run one suite."""
        suites: dict[str, Callable[[], None]] = {
            "start-up": self._start_up,
            "side-by-side": self._side_by_side,
            "stages": self._stages,
            "resolution": lambda: self._series("by_resolution", self._by_resolution()),
            "faces": lambda: self._series("by_faces", self._by_faces()),
            "length": lambda: self._series("by_length", self._by_length(), 1),
            "settings": self._settings,
            "archive": self._archive,
        }
        print(f"{suite}:", flush=True)
        suites[suite]()
        self._write()

    def _clips(self) -> Iterator[Clip]:
        asked = self._amount.clips
        return (each for each in self._all_clips() if not asked or each.name in asked)

    def _all_clips(self) -> Iterator[Clip]:
        street = footage.recording("towncentre.mp4")
        if street is not None:
            yield self._cut("towncentre", footage.palindrome(street, self._amount.turns))
        hall = footage.recording("one-by-one.mp4")
        if hall is not None:
            yield self._cut("one-by-one", hall)
        for path in sorted(footage.SAMPLES.glob("*.mp4")):
            yield self._cut(path.stem, path)

    def _cut(self, name: str, path: Path) -> Clip:
        most = self._amount.most_frames
        return clip(name, path if most is None else footage.shortened(path, most))

    def _everyone(self) -> tuple[Contender, ...]:
        return everyone(self._amount.profiles, peers=self._amount.peers)

    def _start_up(self) -> None:
        first = next(self._clips())
        frame = clip("one frame", footage.first_frame(first.path))
        self.results["start_up"] = race(frame, self._everyone(), self._amount.runs)

    def _side_by_side(self) -> None:
        done = self.results.setdefault("side_by_side", {})
        for each in self._clips():
            done[each.name] = race(each, self._everyone(), self._amount.runs)
            self._write()

    def _stages(self) -> None:
        done = self.results.setdefault("stages", {})
        for each in self._clips():
            for profile in self._amount.profiles:
                result = stages(each, profile)
                if result is not None:
                    done[f"{each.name}, {profile}"] = result
                self._write()

    def _series(self, key: str, clips: Iterator[Clip], runs: int | None = None) -> None:
        done = self.results.setdefault(key, {})
        contenders: Sequence[Contender] = (bare_decode(), bare_transcode(), blurcam("balanced"))
        for each in clips:
            done[each.name] = race(each, contenders, runs or self._amount.runs)
            self._write()

    def _by_resolution(self) -> Iterator[Clip]:
        street = footage.recording("towncentre.mp4") or footage.SAMPLES / "street.mp4"
        for name in self._amount.sizes:
            yield self._cut(name, footage.palindrome(street, 1, footage.SIZES[name]))
        if "4K" in self._amount.sizes:
            quiet = footage.palindrome(footage.crowd(1, 5), 1, footage.SIZES["4K"])
            yield self._cut("4K, one person moves", quiet)

    def _by_faces(self) -> Iterator[Clip]:
        for faces in self._amount.faces:
            path = footage.crowd(faces, self._amount.crowd_seconds)
            yield clip(f"{faces} faces", path)

    def _by_length(self) -> Iterator[Clip]:
        street = footage.recording("towncentre.mp4") or footage.SAMPLES / "street.mp4"
        size = None if self._amount.most_frames is None else footage.SIZES["360p"]
        for turns in self._amount.lengths:
            made = clip("", footage.palindrome(street, turns, size))
            yield Clip(f"{made.seconds:.0f} s", made.path, made.frames, made.seconds, made.size)

    def _settings(self) -> None:
        """Ask x264's streams how they were made: whether like is compared with like."""
        first = next(self._clips())
        frame = footage.first_frame(first.path)
        done = self.results.setdefault("settings", {})
        with tempfile.TemporaryDirectory(prefix="blurcam-bench-") as folder:
            for each in (bare_transcode(), blurcam("balanced")):
                target = Path(folder) / "out.mp4"
                try:
                    spend(each.command(frame, target), log=Path(folder) / "log")
                except Failed as exc:
                    print(f"  {each.name}: {exc}", flush=True)
                else:
                    done[each.name] = settings_of(target)

    def _archive(self) -> None:
        self.results["archive"] = archive.measure(self._amount.batch)

    def _write(self) -> None:
        text = json.dumps(self.results, indent=1)
        (self._out / "bench.json").write_text(text + "\n", encoding="utf-8")
        (self._out / "bench.md").write_text(markdown(self.results), encoding="utf-8")

    def finish(self) -> None:
        """Draw the pictures, and show the tables."""
        for path in charts.draw(self.results, self._out):
            print(f"drawn: {path}")
        print((self._out / "bench.md").read_text(encoding="utf-8"))


def main() -> None:
    """Measure, and write JSON, Markdown and pictures."""
    parser = argparse.ArgumentParser(description="What blurcam costs, side by side.")
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of hours")
    parser.add_argument("--only", nargs="+", choices=SUITES, default=SUITES, help="suites")
    parser.add_argument("--runs", type=int, help="alternating runs, in place of 3")
    parser.add_argument("--out", type=Path, help="folder for JSON, Markdown and pictures")
    parser.add_argument("--frames", type=int, help="cut clips to so many frames, to try it out")
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, help="of blurcam, not all")
    parser.add_argument("--clips", nargs="+", help="side by side, not all")
    parser.add_argument("--no-peers", action="store_true", help="without deface (hours)")
    asked = parser.parse_args()
    amount = QUICK if asked.quick else FULL
    if asked.runs:
        amount = replace(amount, runs=asked.runs)
    if asked.frames:
        amount = replace(amount, most_frames=asked.frames)
    if asked.profiles:
        amount = replace(amount, profiles=tuple(asked.profiles))
    amount = replace(amount, peers=not asked.no_peers, clips=tuple(asked.clips or ()))
    name = "bench-quick" if asked.quick else "bench"
    out = asked.out or Path(__file__).parent / "results" / name
    bench = Bench(amount, out, f"make {name}")
    for suite in asked.only:
        bench.run(suite)
    bench.finish()


if __name__ == "__main__":
    main()
