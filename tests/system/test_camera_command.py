"""``blurcam camera`` by hand: an address that never answers ends, and says why."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.live_cameras import face_clip
from tests.support.program import blurcam

BRIEFLY = ("--connect", "0.5", "--profile", "near")


@contextmanager
def http(status: int, kind: str, body: bytes) -> Iterator[str]:
    """Serve one answer to everything, on the loopback."""

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def dead(kind: str) -> Iterator[str]:
    """Give an address at which no camera will ever be."""
    if kind == "refused":
        with socket.socket() as taken:  # bound, and nobody listens
            taken.bind(("127.0.0.1", 0))
            yield f"rtsp://127.0.0.1:{taken.getsockname()[1]}/live"
    elif kind == "no host":
        yield "rtsp://no-such-camera.invalid/live"
    elif kind == "web page":
        with http(200, "text/html", b"<!doctype html><p>A camera's page.</p>" * 99) as url:
            yield f"{url}/index.html"
    elif kind == "password":
        with http(401, "text/plain", b"no") as url:
            yield f"{url.replace('127', 'admin:hunter22@127')}/video.mjpg"
    else:
        yield "/dev/video97"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("refused", "Connection refused"),
        ("no host", "there is no such host; check the name"),
        ("web page", "is no stream of video; name the camera's own stream, not its web page"),
        ("password", "refuses the user name or the password"),
        ("no device", "No such file or directory"),
    ],
)
@pytest.mark.parametrize("name", ["camera", "run"])
def test_an_address_that_never_answers_ends_and_says_why(
    kind: str, told: str, name: str, tmp_path: Path
) -> None:
    with dead(kind) as address:
        result = blurcam(name, address, tmp_path / "out.ts", *BRIEFLY, "--quiet", patience=120)
    assert result.returncode == 1, result.stderr
    last = result.stderr.splitlines()[-1]
    assert told in last
    assert last.startswith("blurcam: ")
    assert "hunter22" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_never_answered_is_waited_for_where_that_was_asked_for(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closes:
        address = f"rtsp://127.0.0.1:{closes.getsockname()[1]}/live"
        command = [sys.executable, "-m", "blurcam", "camera", address, str(tmp_path / "out.ts")]
        with subprocess.Popen(
            [*command, *BRIEFLY, "--retry"], stderr=subprocess.PIPE, text=True
        ) as process:
            for _ in range(4):  # the waits between them double from half a second
                closes.accept()[0].close()
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said


def test_what_was_written_is_said_at_the_end(tmp_path: Path) -> None:
    clip, out = face_clip(tmp_path / "clip.mp4"), tmp_path / "live.ts"
    result = blurcam("camera", clip, out, "--profile", "near", patience=120)
    assert result.returncode == 0, result.stderr
    assert f"written: {out}" in result.stderr
    assert out.stat().st_size > 0
