"""What an archive costs: CPU seconds an hour of video, files a minute, and the ledger's share.

    python -m benchmarks.archive                  # measure, and plan for 10,000 cameras
    python -m benchmarks.archive --cameras 250    # plan for others
    python -m benchmarks.archive --json out.json
    python -m benchmarks.archive --write          # also into docs/guide/archive.md

CPU seconds, not wall time, carry over from a busy machine to a quiet one. The cost of video is what
three times the footage takes more than once the footage, so that starting up is not in it. Where
``BLURCAM_EVAL_DATA`` is set, a real street camera and an empty scene are measured, too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from benchmarks.machine import this_machine
from blurcam.batch.inputs import InputFile
from blurcam.batch.ledger import Ledger
from blurcam.batch.tasks import Thumbnail

ROOT = Path(__file__).parent.parent
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PAGE = ROOT / "docs" / "guide" / "archive.md"
MARKS = ("<!-- Written by: python -m benchmarks.archive --write -->\n", "<!-- Up to here. -->\n")


def ffmpeg(*args: object) -> None:
    """Run FFmpeg, quietly, replacing what exists."""
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *map(str, args)], check=True)


def job(source: Path, out: Path, *options: object) -> tuple[float, float]:
    """Run a job; return the seconds it took, and the CPU seconds of all its processes."""
    command = [sys.executable, "-m", "blurcam", "batch", str(source), "--out", str(out), "-q"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, *map(str, options)], check=True, env=env, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return ended - began, cpu


def footage() -> Iterator[tuple[str, Path]]:
    """Yield what to measure: a name and a recording."""
    yield "sample street, crowd", ROOT / "sample_videos" / "street.mp4"
    if data := os.environ.get("BLURCAM_EVAL_DATA"):
        yield "street camera, 1920x1080", Path(data) / "videos" / "towncentre.mp4"
        yield "car park, nobody", Path(data) / "videos" / "carpark-noface.mp4"


def cost(recording: Path, limit: float, folder: Path, *options: object) -> dict[str, float]:
    """Return the CPU seconds that an hour of such video takes."""
    spent: dict[int, float] = {}
    seconds: dict[int, float] = {}
    for times in (1, 3):
        source = folder / f"{times}" / f"{recording.stem}.mp4"
        source.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg(
            "-stream_loop",
            "-1",
            "-i",
            recording,
            "-t",
            limit * times,
            "-an",
            "-c:v",
            "libx264",
            "-crf",
            "20",
            source,
        )
        out = folder / f"out{times}"
        _, spent[times] = job(source, out, "--jobs", 1, "--span", 0, *options)
        entry = json.loads((out / "report.json").read_text(encoding="utf-8"))["files"][0]
        seconds[times] = entry["duration_s"]
    per_second = (spent[3] - spent[1]) / (seconds[3] - seconds[1])
    return {"cpu_s_an_hour": round(3600 * per_second), "start_cpu_s": round(spent[1], 1)}


def by_workers(folder: Path, count: int, most: int) -> dict[str, Any]:
    """Return how many small recordings a minute so many workers do, and at what CPU cost."""
    first = folder / "in" / "0.mp4"
    first.parent.mkdir(parents=True)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4", "-c:v", "libx264", first)
    for n in range(1, count):
        (folder / "in" / f"{n}.mp4").write_bytes(first.read_bytes())
    found = {}
    for jobs in range(1, most + 1):
        wall, cpu = job(folder / "in", folder / f"jobs{jobs}", "--jobs", jobs, "--profile", "near")
        found[str(jobs)] = {
            "files_a_minute": round(60 * count / wall, 1),
            "wall_s": round(wall, 1),
            "cpu_s_a_file": round(cpu / count, 2),
        }
    return found


def ledger_cost(folder: Path, count: int) -> dict[str, float]:
    """Return what the ledger takes for one recording, from planned to done, in milliseconds."""
    folder.mkdir()
    with closing(Ledger(folder / "ledger.sqlite3")) as ledger:
        picture = Thumbnail(0.0, "x", b"j" * 6000)
        began, cpu = time.monotonic(), time.process_time()
        for n in range(count):
            recording = InputFile(Path(f"/in/{n}.mp4"), Path(f"{n}.mp4"), 1000, n)
            row = ledger.plan(recording, recording.place, "0" * 64)
            ledger.running(row.id)
            ledger.staged(row.id, {"frames": 1, "summary": "{}" * 500}, [picture])
            ledger.done(row.id)
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
    return {"wall_ms": round(1000 * wall / count, 2), "cpu_ms": round(1000 * cpu / count, 2)}


def plan(cameras: int, hours: float, costs: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return how many cores keep up with so many cameras that record so many hours a day."""
    made = {}
    for name, each in costs.items():
        cores = cameras * hours * each["cpu_s_an_hour"] / 86400
        made[name] = {"cores": round(cores), "nodes_of_64_at_80_percent": round(cores / 51.2 + 0.5)}
    return made


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure: a plan for how many cameras, on how much footage, with which profiles."""

    cameras: int = 10_000
    hours: float = 24
    files: int = 16
    seconds: float = 10
    profiles: tuple[str, ...] = ("near", "balanced")


QUICK = Asked(files=6, seconds=2)


def measure(asked: Asked) -> dict[str, Any]:
    """Return what a recording costs, by workers and by footage, and the plan that follows.

    ``make bench`` calls this too.
    """
    with tempfile.TemporaryDirectory(prefix="blurcam-bench-") as name:
        folder = Path(name)
        found: dict[str, Any] = {"cpu": os.cpu_count(), "machine": str(this_machine())}
        found["ledger"] = ledger_cost(folder / "l", 300)
        print(f"ledger: {found['ledger']['wall_ms']} ms a recording", flush=True)
        found["workers"] = {}
        if asked.files:
            found["workers"] = by_workers(folder / "w", asked.files, os.cpu_count() or 1)
        for jobs, each in found["workers"].items():
            print(f"{jobs} workers: {each}", flush=True)
        costs = {}
        for profile in asked.profiles:
            for what, recording in footage():
                place = folder / profile / recording.stem
                key = f"{profile}: {what}"
                costs[key] = cost(recording, asked.seconds, place, "--profile", profile)
                print(f"{key}: {costs[key]}", flush=True)
        found["costs"], found["plan"] = costs, plan(asked.cameras, asked.hours, costs)
    return found


def tables(asked: Asked, found: dict[str, Any]) -> Iterator[str]:
    """Yield what was measured as the guide shows it."""
    yield f"Measured on {found['machine']}."
    yield (
        f"\n| profile: footage | CPU seconds an hour of video | {asked.cameras:,} cameras, "
        f"{asked.hours:g} h a day | nodes of 64 cores at 80 % |\n|---|---|---|---|"
    )
    for key, each in found["costs"].items():
        needed = found["plan"][key]
        yield (
            f"| {key} | {each['cpu_s_an_hour']:,} | {needed['cores']:,} cores "
            f"| {needed['nodes_of_64_at_80_percent']:,} |"
        )
    if found["workers"]:
        yield "\n| workers | recordings of 4 s a minute | CPU seconds each |\n|---|---|---|"
    for jobs, each in found["workers"].items():
        yield f"| {jobs} | {each['files_a_minute']:g} | {each['cpu_s_a_file']:g} |"
    ledger = found["ledger"]
    yield (
        f"\nThe ledger takes {ledger['wall_ms']:g} ms a recording, "
        f"{ledger['cpu_ms']:g} of them of CPU."
    )


def between_marks(page: str, lines: Sequence[str]) -> str:
    """Return the guide's page with these lines in the place of those before."""
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return before + MARKS[0] + "\n" + "\n".join(lines) + "\n\n" + MARKS[1] + after


def main() -> None:
    """Measure, and print the plan."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cameras", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=24, help="recorded a day and camera")
    parser.add_argument("--files", type=int, default=16, help="small recordings; 0: none")
    parser.add_argument("--seconds", type=float, default=10, help="of footage, once and thrice")
    parser.add_argument("--profiles", nargs="+", default=["near", "balanced"])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--write", action="store_true", help="into docs/guide/archive.md")
    given = parser.parse_args()
    asked = Asked(given.cameras, given.hours, given.files, given.seconds, tuple(given.profiles))
    found = measure(asked)
    for key, each in found["plan"].items():
        print(f"{asked.cameras} cameras, {asked.hours:g} h a day, {key}: {each}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if given.write:
        page = between_marks(PAGE.read_text(encoding="utf-8"), [*tables(asked, found)])
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
