"""Cameras that speak HTTP, files played as cameras, and the end of ``run`` on a camera."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blurcam.runtime.status import CameraStatus
from blurcam.settings.camera import Receive, RecordingOutput
from tests.support.clips import FFMPEG, ffmpeg, frame_times
from tests.support.fakecam import FakeCam, Fault
from tests.support.live_cameras import RATE, WOVEN, face_clip, strengths, wait, watch


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_clip(tmp_path_factory.mktemp("clips") / "h264.mp4")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def redacted(count: int, status: CameraStatus) -> bool:
    return status.redacted >= count


def test_a_camera_of_mjpeg_over_http(clip: Path, tmp_path: Path) -> None:
    ffmpeg("-i", clip, "-q:v", "2", tmp_path / "%03d.jpg")
    pictures = [path.read_bytes() for path in sorted(tmp_path.glob("*.jpg"))]

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                for n in range(10_000):
                    coded = pictures[n % len(pictures)]
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(coded)}"
                    self.wfile.write(head.encode() + b"\r\n\r\n" + coded + b"\r\n")
                    time.sleep(1 / RATE)
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    out = tmp_path / "live.ts"
    with serving(Camera) as url:
        watch(f"{url}/video.mjpg", RecordingOutput(str(out)), enough=lambda s: redacted(20, s))
    assert max(map(abs, strengths(out))) < WOVEN / 4
    times = frame_times(out)
    assert 0.5 / RATE < (times[-1] - times[0]) / (len(times) - 1) < 3 / RATE


def test_a_camera_of_hls(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hls"
    folder.mkdir()
    command = [FFMPEG, "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(clip)]
    command += ["-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "4"]
    segmenter = subprocess.Popen([*command, str(folder / "live.m3u8")])

    class Server(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    out = tmp_path / "live.ts"
    try:
        wait(lambda: len(list(folder.glob("*.ts"))) >= 4)
        with serving(Server) as url:
            watched = watch(
                f"{url}/live.m3u8",
                RecordingOutput(str(out)),
                enough=lambda s: redacted(45, s),
                receive=Receive(connect=10, stall=6),
            )
    finally:
        segmenter.kill()
        segmenter.wait()
    assert max(map(abs, strengths(out))) < WOVEN / 4
    assert watched.counts.dropped < watched.counts.frames_in / 2, "bursts are shown in their time"


def test_a_file_played_as_a_camera_ends_where_it_ends(clip: Path, tmp_path: Path) -> None:
    out, short = tmp_path / "live.ts", tmp_path / "short.mp4"
    ffmpeg("-i", clip, "-c", "copy", "-frames:v", 30, short)
    watched = watch(str(short), RecordingOutput(str(out)), enough=lambda s: False)
    assert watched.last.state == "stopped"
    assert watched.counts.frames_in == 30
    assert max(map(abs, strengths(out))) < WOVEN / 4


# A reader may wait this many seconds for a silent camera; a run that is asked to end takes less,
# however busy the machine is.
READER_WAITS, ENDS_WITHIN = 120, 60


@pytest.mark.parametrize("fault", [None, Fault("no-answer"), Fault("blackhole")])
def test_run_on_a_camera_ends_when_it_is_asked_to_and_waits_for_no_camera(
    clip: Path, tmp_path: Path, fault: Fault | None
) -> None:
    """Every step is awaited, none is timed: an end that waits for the reader is too late."""
    before = fault if fault == Fault("no-answer") else None
    part = tmp_path / "live.ts.part"
    with FakeCam({"cam": clip}, fault=before) as server:
        command = [sys.executable, "-m", "blurcam", "run", "--profile", "near", server.url("cam")]
        command += ["--connect", str(READER_WAITS), "--stall", str(READER_WAITS)]
        running = subprocess.Popen(
            [*command, str(tmp_path / "live.ts")], stderr=subprocess.PIPE, text=True
        )
        wait(lambda: server.connections if before else part.exists(), running=running)
        if fault != before:
            server.fault = fault
            wait(lambda: server.is_silent, running=running)
        running.send_signal(signal.SIGTERM)
        try:
            _, said = running.communicate(timeout=ENDS_WITHIN)
        finally:
            running.kill()
    assert running.returncode == 0, said
    assert not part.exists()
