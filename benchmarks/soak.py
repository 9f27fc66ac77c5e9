"""Four cameras under their supervisor, with a fault every few seconds, for as long as asked.

python -m benchmarks.soak MINUTES: prints a line a minute, and at the end what an independent
decoder finds in the recordings of the code that is woven into the face.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import psutil

from blurcam.media.clock import SystemClock
from blurcam.serve.supervisor import Supervisor
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Camera, Receive, RecordingOutput
from blurcam.settings.redaction import Detect
from tests.support.fakecam import Clip, FakeCam, Fault
from tests.support.live_cameras import WOVEN, face_clip, strengths

CAMERAS = 4
FAULTS = (
    Fault("close"),
    Fault("reset"),
    Fault("stall", amount=8),
    Fault("loss", amount=0.01),
    Fault("jump", amount=3600),
    Fault("freeze"),
    None,
)


def main(minutes: float) -> int:
    """Run it; return how many recorded frames showed the code."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = Clip(face_clip(folder / "clip.mp4"))
        servers = [FakeCam({"cam": clip}) for _ in range(CAMERAS)]
        for server in servers:
            server.__enter__()
        supervisor = Supervisor(
            [_camera(n, server, folder) for n, server in enumerate(servers)], SystemClock()
        )
        began = told = faulted = time.monotonic()
        while time.monotonic() - began < minutes * 60:
            supervisor.turn()
            now = time.monotonic()
            if now - faulted > 3:
                faulted = now
                chance.choice(servers).fault = chance.choice(FAULTS)
            if now - told > 60:
                told = now
                print(_line(supervisor, now - began), flush=True)
        print(_line(supervisor, time.monotonic() - began), flush=True)
        supervisor.stop()
        for server in servers:
            server.__exit__()
        return _examine(folder)


def _camera(number: int, server: FakeCam, folder: Path) -> Camera:
    return Camera(
        name=f"cam{number}",
        source=parse_address(server.url("cam")),
        outputs=(RecordingOutput(str(folder / f"cam{number}" / "%H-%M-%S.ts"), segment=60),),
        receive=Receive(stall=3),
        detect=Detect(profile="near", range="short"),
    )


def _line(supervisor: Supervisor, seconds: float) -> str:
    statuses = supervisor.statuses()
    children = [
        p for p in psutil.Process().children() if "blurcam.serve.camera_process" in p.cmdline()
    ]
    memory = sum(p.memory_info().rss for p in children) >> 20
    threads, files = sum(p.num_threads() for p in children), sum(p.num_fds() for p in children)
    reconnects = sum(sum(s.reconnects.values()) for s in statuses)
    frames = sum(s.frames_in for s in statuses)
    hidden = sum(s.frozen + sum(s.covered_whole.values()) for s in statuses)
    latency = max((s.latency_p99 or 0 for s in statuses), default=0)
    return (
        f"{seconds:6.0f} s: {len(children)} processes, {memory} MB, {threads} threads, "
        f"{files} descriptors, {reconnects} reconnects, {frames} frames, {hidden} hidden, "
        f"{sum(s.dropped for s in statuses)} dropped, latency p99 {latency:.2f} s"
    )


def _examine(folder: Path) -> int:
    frames = exposed = 0
    for path in sorted(folder.glob("cam*/*.ts")):
        found = strengths(path)
        frames += len(found)
        exposed += sum(abs(each) > WOVEN / 4 for each in found)
    print(f"{exposed} of {frames} recorded frames show the code", flush=True)
    return exposed


if __name__ == "__main__":
    sys.exit(bool(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)))
