"""Makes docs/pictures/page.jpg, report.jpg and review.jpg: a box, the report of a job, its review.

Two cameras play the samples over RTSP, ``blurcam serve`` redacts them for a minute, and a browser
takes the picture; then ``blurcam batch`` redacts the samples, and ``blurcam review`` shows them.
Needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.support.clips import ffmpeg
from tests.support.fakecam import Clip, FakeCam

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
SAMPLES = ("door", "street")
SECONDS = 60
BLURCAM = [sys.executable, "-m", "blurcam"]


def clips(folder: Path) -> dict[str, Path]:
    """Return the samples at the size of a camera's second stream, without B-frames."""
    made = {}
    for name in SAMPLES:
        made[name] = folder / f"{name}.mp4"
        ffmpeg("-i", ROOT / "sample_videos" / f"{name}.mp4", "-vf", "scale=1280:720,fps=5",
               "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "10",
               made[name])  # fmt: skip
    return made


def cameras_yaml(server: FakeCam, port: int, folder: Path) -> str:
    """Return a file of two cameras, each recorded."""
    lines = [f"web: {{port: {port}}}", "cameras:"]
    for name in SAMPLES:
        lines += [
            f"  {name}:",
            f"    source: {server.url(name)}",
            "    outputs:",
            f"      - record: {folder}/recordings/{name}/%H-%M-%S.mp4",
        ]
    return "\n".join(lines) + "\n"


@contextmanager
def served(server: FakeCam, folder: Path) -> Iterator[str]:
    """Run ``blurcam serve`` until the end of the block; yield the page's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = folder / "cameras.yaml"
    config.write_text(cameras_yaml(server, port, folder), encoding="utf-8")
    with subprocess.Popen([*BLURCAM, "serve", "--config", str(config)]) as running:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            running.terminate()


def take(tab: Any, address: str, name: str, wait: float = 0) -> None:
    """Open an address, and take its picture after a time."""
    tab.goto(address)
    time.sleep(wait)
    tab.screenshot(path=str(FOLDER / f"{name}.jpg"), type="jpeg", quality=82)


def take_review(tab: Any, job: Path) -> None:
    """Take a picture of a review: a shape is drawn, a track is chosen."""
    command = [*BLURCAM, "review", str(job), "--no-browser", "--reviewer", "Kim"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as review:
        assert review.stderr is not None
        link = next(word for word in review.stderr.readline().split() if "://" in word)
        tab.goto(link)
        tab.locator("#filter").select_option("all")
        tab.locator("#queue button").last.click()
        tab.locator("#tracks button").first.click()
        tab.locator("#outlines").check()
        tab.locator("#ellipse").click()
        tab.keyboard.press("Enter")
        tab.locator("#shapes li").wait_for()
        time.sleep(3)
        tab.screenshot(path=str(FOLDER / "review.jpg"), type="jpeg", quality=82)
        review.terminate()


def main() -> None:
    """Make the pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("no chromium here; install it: apt-get install -y chromium")
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    with tempfile.TemporaryDirectory(prefix="blurcam-") as place, sync_playwright() as driver:
        folder = Path(place)
        made = clips(folder)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1180, "height": 860}, locale="en-GB")
        with (
            FakeCam({name: Clip(path) for name, path in made.items()}) as server,
            served(server, folder) as address,
        ):
            _wait_for(address)
            take(tab, address, "page", wait=SECONDS)
        job = [*BLURCAM, "batch", *map(str, made.values()), "--out", str(folder / "out")]
        subprocess.run([*job, "--verify", "--quiet"], check=False)
        tab.set_viewport_size({"width": 1180, "height": 1200})
        take(tab, (folder / "out" / "report.html").as_uri(), "report")
        tab.set_viewport_size({"width": 1400, "height": 1000})
        take_review(tab, folder / "out")
        browser.close()


def _wait_for(address: str) -> None:
    """Wait until the page's server listens."""
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    for _ in range(300):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"{address}: nothing listens")


if __name__ == "__main__":
    main()
