"""A job of five recordings to review, made by the real program, and the page's server around it.

What lies in the left half of a frame is not covered: a poster, which a reviewer accepts, and a
person who walks there, whom the reviewer covers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np

from blurcam.batch.job_folder import LEDGER
from blurcam.batch.output_folder import PRIVATE
from blurcam.media.clock import SystemClock
from blurcam.review.job_queue import JobQueue
from blurcam.review.web.routes import ReviewOptions, ReviewPage
from blurcam.serve.web.server import WebServer
from blurcam.settings.web import Web
from tests.support.batches import batch
from tests.support.boards import TOKEN
from tests.support.clips import ffmpeg

WIDTH, HEIGHT, FRAMES, RATE = 640, 240, 20, 10
ENTRANCE = "an-entrance-for-tests"
# Where in the portrait the face is: left, top, right, bottom.
FACE = (52, 46, 120, 121)
_PORTRAIT = Path(__file__).parents[2] / "blurcam" / "detect" / "known-face.jpg"
_LEFT = "0,0 0.5,0 0.5,1 0,1"
# Of the walker: where the portrait's left edge is on the first frame, and how far it goes.
WALK, STEP, TOP = 10, 5, 30


def job(folder: Path) -> Path:
    """Redact five recordings; return the folder of the redactions."""
    inputs = folder / "in"
    inputs.mkdir()
    _clip(inputs / "poster.mp4", lambda n: [(60, TOP)])
    _clip(inputs / "walker.mp4", lambda n: [(WALK + STEP * n, TOP)])
    _clip(inputs / "pair.mp4", lambda n: [(325, TOP), (480, TOP)])
    _clip(inputs / "plain.mp4", lambda n: [])
    _clip(inputs / "alone.mp4", lambda n: [(400, TOP)])
    out = folder / "out"
    done = batch(inputs, "--out", out, "--verify", "--ignore", _LEFT, "--preset", "ultrafast")
    assert done.returncode in (0, 3), done.stderr
    return out


def _clip(path: Path, places: Callable[[int], list[tuple[int, int]]]) -> None:
    portrait = cv2.imread(str(_PORTRAIT))
    assert portrait is not None
    rows = min(portrait.shape[0], HEIGHT - TOP)
    rng = np.random.default_rng(3)
    grain = rng.integers(90, 150, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    grain = cv2.GaussianBlur(grain, (0, 0), 3).astype(np.uint8)
    raw = path.with_suffix(".bgr")
    with raw.open("wb") as file:
        for number in range(FRAMES):
            picture = grain.copy()
            for x, y in places(number):
                part = portrait[:rows, 10:164]
                picture[y : y + rows, x : x + part.shape[1]] = part
            file.write(picture.tobytes())
    ffmpeg("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", RATE, "-i", raw,
           "-c:v", "libx264", "-preset", "veryfast", "-crf", "14", "-g", 10, "-pix_fmt", "yuv420p",
           path)  # fmt: skip
    raw.unlink()


@contextmanager
def reviewing(out: Path, reviewer: str = "Kim") -> Iterator[WebServer]:
    """Serve the page of a review while the block lasts."""
    queue = JobQueue(out, out / PRIVATE / LEDGER)
    web = Web(port=0, token=TOKEN)
    page = ReviewPage(queue, web, SystemClock(), ReviewOptions(reviewer, ENTRANCE))
    server = WebServer(web, page.app)
    thread = threading.Thread(target=server.run)
    thread.start()
    with closing(page):
        try:
            yield server
        finally:
            server.stop()
            thread.join()
