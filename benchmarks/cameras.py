"""How many frames are dropped, and how late pictures are, with several 1080p15 cameras on one box.

    python -m benchmarks.cameras [MINUTES] [--cameras 2] [--footage VIDEO] [--plan-for PIXELS]

Real RTSP cameras send footage at 1080p15 to the supervisor of ``blurcam serve``, a process a
camera, each recorded. Prints a line a minute, and at the end what was dropped, of all frames and
since the first minute, which is for the start. Without ``--footage`` it is sample_videos/street.mp4
(``make samples``).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psutil

from benchmarks.live_latency import SAMPLE, numbered
from blurcam.media.clock import SystemClock
from blurcam.runtime.status import CameraStatus
from blurcam.serve.supervisor import Supervisor
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Camera, RecordingOutput
from blurcam.settings.redaction import Detect
from tests.support.fakecam import Clip, FakeCam

_MINUTE: Final = 60.0


def main() -> int:
    """Run it; return 1 where a frame was dropped after the first minute."""
    parser = argparse.ArgumentParser()
    parser.add_argument("minutes", type=float, nargs="?", default=5)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--footage", type=Path, default=SAMPLE)
    parser.add_argument("--plan-for", type=int)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        clip = Clip(numbered(args.footage, folder))
        servers = [stack.enter_context(FakeCam({"cam": clip})) for _ in range(args.cameras)]
        supervisor = Supervisor(
            [_camera(n, each, folder, args.plan_for) for n, each in enumerate(servers)],
            SystemClock(),
        )
        stack.callback(supervisor.stop)
        return watch(supervisor, args.minutes)


def _camera(number: int, server: FakeCam, folder: Path, plan_for: int | None) -> Camera:
    return Camera(
        name=f"cam{number}",
        source=parse_address(server.url("cam")),
        outputs=(RecordingOutput(str(folder / f"cam{number}" / "%H-%M-%S.ts"), 60, keep=120),),
        detect=Detect(plan_for=plan_for),
    )


def watch(supervisor: Supervisor, minutes: float) -> int:
    """Print what the cameras say, until the time is over."""
    began = told = time.monotonic()
    overloads: Counter[str] = Counter()
    since: int | None = None
    while time.monotonic() - began < minutes * _MINUTE:
        supervisor.turn()
        now = time.monotonic()
        if now - told < _MINUTE:
            continue
        told = now
        statuses = supervisor.statuses()
        overloads.update(each.overload for each in statuses)
        since = _dropped(statuses) if since is None else since
        print(_line(statuses, now - began), flush=True)
    statuses = supervisor.statuses()
    late = _dropped(statuses) - (since or 0)
    print(_line(statuses, time.monotonic() - began))
    print(f"{late} dropped after the first minute; overload each minute: {dict(overloads)}")
    return min(1, late)


def _dropped(statuses: tuple[CameraStatus, ...]) -> int:
    return sum(each.dropped for each in statuses)


def _line(statuses: tuple[CameraStatus, ...], seconds: float) -> str:
    whole = sum(sum(each.covered_whole.values()) for each in statuses)
    latency = max((each.latency_p99 or 0 for each in statuses), default=0)
    cores = psutil.cpu_percent() / 100 * (os.cpu_count() or 1)
    return (
        f"{seconds:5.0f} s: {sum(each.frames_in for each in statuses)} frames in, "
        f"{_dropped(statuses)} dropped, {whole} fully covered, latency p99 {latency:.2f} s, "
        f"smallest face {max((each.smallest_face or 0) for each in statuses):.0f} px, "
        f"{cores:.1f} of {os.cpu_count()} cores busy, load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
