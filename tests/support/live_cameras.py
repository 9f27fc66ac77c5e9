"""Clips for cameras, with a code woven into a face, and what an independent decoder finds of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from blurcam.runs.camera import CameraRun
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.signals import Stop
from blurcam.runtime.status import CameraStatus
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Camera, OnLoss, Output, Receive, Transport
from blurcam.settings.redaction import LIVE_COVER, Cover, Detect, Encode
from tests.support.clips import ffmpeg, grey_frames

WIDTH, HEIGHT, RATE, SECONDS = 320, 240, 15, 6
# Grey levels by which the code makes the face lighter or darker.
WOVEN = 16
# Where the portrait's corner is, and where in it the face: see blurcam.detect.selftest.
X, Y = 80, 40
X0, Y0, X1, Y1 = 52, 46, 120, 121
_PORTRAIT = Path(__file__).parents[2] / "blurcam" / "detect" / "known-face.jpg"
NEAR = Detect(profile="near", range="short")
# Nothing is waited for longer than this, on however busy a machine.
PATIENCE = 120.0


def wait(until: Callable[[], object], *, running: subprocess.Popen[str] | None = None) -> None:
    """Wait until something is so, while a process is ``running`` if it needs one."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline
        assert running is None or running.poll() is None
        time.sleep(0.02)


def children(module: str) -> dict[int, psutil.Process]:
    """Return this process's children that run a module, by pid, the oldest first.

    Other tests that ran in this process may have left children of their own.
    """
    found = {}
    for process in psutil.Process().children():
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if module in process.cmdline():
                found[process.pid] = process
    return dict(sorted(found.items(), key=lambda item: item[1].create_time()))


def code() -> NDArray[np.float64]:
    """Return the pattern, one sign for each 5 × 5 block, as large as the face."""
    signs = np.random.default_rng(9).choice([-1.0, 1.0], (15, 14))
    return np.asarray(cv2.resize(signs, (X1 - X0, Y1 - Y0), interpolation=cv2.INTER_NEAREST))


def face_clip(path: Path, codec: str = "libx264", *, key_every: int = 15) -> Path:
    """Make a clip of a coded face that sways, over a background that moves."""
    portrait = cv2.imread(str(_PORTRAIT))
    assert portrait is not None
    woven = portrait.astype(np.float64)
    woven[Y0:Y1, X0:X1] += WOVEN * code()[..., None]
    woven = np.clip(woven, 0, 255).astype(np.uint8)
    rng = np.random.default_rng(3)
    grain = rng.integers(90, 150, (HEIGHT, WIDTH + 64, 3)).astype(np.uint8)
    grain = cv2.GaussianBlur(grain, (0, 0), 3).astype(np.uint8)
    raw = path.with_suffix(".bgr")
    with raw.open("wb") as file:
        for seq in range(RATE * SECONDS):
            picture = np.ascontiguousarray(grain[:, seq % 64 : seq % 64 + WIDTH])
            rows, columns = woven.shape[:2]
            rows, columns = min(rows, HEIGHT - Y), min(columns, WIDTH - X)
            picture[Y : Y + rows, X : X + columns] = woven[:rows, :columns]
            file.write(picture.tobytes())
    options = ["-preset", "veryfast", "-crf", "14", "-g", key_every, "-bf", "0"]
    if codec == "libx265":
        options += [
            "-x265-params",
            f"log-level=none:keyint={key_every}:bframes=0",
            "-tag:v",
            "hvc1",
        ]
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE, "-i", raw,
           "-c:v", codec, *options, "-pix_fmt", "yuv420p", path)  # fmt: skip
    raw.unlink()
    return path


def strengths(path: Path) -> list[float]:
    """Return for each frame of a video how strong the code is in it, in grey levels."""
    pattern, found = code(), []
    for luma in grey_frames(path, WIDTH, HEIGHT):
        seen = luma[Y + Y0 : Y + Y1, X + X0 : X + X1].astype(np.float64)
        seen -= cv2.GaussianBlur(seen, (0, 0), 6)
        found.append(float((seen * pattern).mean()))
    return found


@dataclass
class Watched:
    """A camera's run in this thread, until ``enough`` says so, with all it told."""

    statuses: list[CameraStatus] = field(default_factory=list)
    counts: FrameCounts = field(default_factory=FrameCounts)

    @property
    def states(self) -> list[str]:
        """The states it went through."""
        states = [each.state for each in self.statuses]
        return [s for n, s in enumerate(states) if n == 0 or s != states[n - 1]]

    @property
    def last(self) -> CameraStatus:
        return self.statuses[-1]


def watch(
    url: str,
    *outputs: Output,
    enough: Callable[[CameraStatus], bool],
    password: str | None = None,
    transport: Transport = "tcp",
    on_loss: OnLoss = "freeze",
    cover: Cover = LIVE_COVER,
    receive: Receive | None = None,
    detect: Detect = NEAR,
    patience: float = PATIENCE,
) -> Watched:
    """Redact a camera until its status is ``enough``."""
    watched, deadline = Watched(), time.monotonic() + patience
    stop = Stop()

    def tell(status: CameraStatus) -> None:
        watched.statuses.append(status)
        if not stop.asked and enough(status):
            stop.ask()
        if time.monotonic() > deadline:
            raise TimeoutError(f"not enough: {watched.last}")

    camera = Camera(
        name="cam",
        source=parse_address(url, username=password and "user", password=password),
        outputs=outputs,
        receive=receive or Receive(transport, connect=8, stall=2),
        detect=detect,
        cover=cover,
        encode=Encode(crf=14),
        on_loss=on_loss,
    )
    watched.counts = CameraRun(camera, tell, stop).run()
    return watched


def accounted(counts: FrameCounts) -> int:
    """Return how many frames have ended in one way or another."""
    whole = sum(counts.covered_whole.values())
    return counts.redacted + whole + counts.dropped + counts.frozen
