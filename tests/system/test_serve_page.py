"""The whole box: a real camera under `blurcam serve`, its page, its metrics, its systemd."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import cv2
import httpx
import numpy as np

from tests.support.boards import TOKEN
from tests.support.fakecam.clip import Clip
from tests.support.fakecam.server import FakeCam
from tests.support.live_cameras import PATIENCE, WOVEN, X0, X1, Y0, Y1, X, Y, code, face_clip

BEARER = {"Authorization": f"Bearer {TOKEN}"}
NEITHER = "x5$k/w@rd:&="


class Systemd:
    """Listens at the socket that a service is told of."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.2)
        self.heard: list[str] = []

    def until(self, true: Callable[[], object]) -> None:
        """Take what comes until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, self.heard
            with suppress(TimeoutError):
                self.heard.append(self._socket.recv(4096).decode())

    def close(self) -> None:
        self._socket.close()


def strength(luma: np.ndarray) -> float:
    """Return how strong the code is where the face was, in grey levels."""
    seen = luma[Y + Y0 : Y + Y1, X + X0 : X + X1].astype(np.float64)
    seen -= cv2.GaussianBlur(seen, (0, 0), 6)
    return float((seen * code()).mean())


def test_a_camera_is_shown_redacted_counted_and_watched_and_ends_in_time(tmp_path: Path) -> None:
    raw = face_clip(tmp_path / "face.mp4")
    clip = Clip(raw)
    first = cv2.VideoCapture(str(raw)).read()[1]
    assert strength(cv2.cvtColor(first, cv2.COLOR_BGR2GRAY)) > WOVEN / 3  # the code can be seen
    with (
        FakeCam({"door": clip}, login=("viewer", NEITHER)) as camera,
        closing(Systemd(tmp_path / "notify")) as systemd,
        (tmp_path / "log").open("w") as log,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        config = tmp_path / "cameras.yaml"
        config.write_text(
            f"web: {{port: {port}, token: '${{page_token}}'}}\n"
            "cameras:\n  door:\n"
            f"    source: {camera.url('door')}\n    username: viewer\n"
            "    password: ${door_password}\n    profile: near\n"
            f"    outputs: [{{record: '{tmp_path}/%H-%M-%S.ts', segment: 5s}}]\n",
            encoding="utf-8",
        )
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        (credentials / "page_token").write_text(TOKEN + "\n", encoding="utf-8")
        (credentials / "door_password").write_text(NEITHER + "\n", encoding="utf-8")
        environment = {
            **os.environ,
            "CREDENTIALS_DIRECTORY": str(credentials),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "2000000",
        }
        service = subprocess.Popen(
            [sys.executable, "-m", "blurcam", "serve", "--config", str(config)],
            env=environment, stderr=log,
        )  # fmt: skip
        try:
            systemd.until(lambda: "READY=1" in systemd.heard)
            page = f"http://127.0.0.1:{port}"
            assert httpx.get(f"{page}/status.json").status_code == 401
            systemd.until(lambda: httpx.get(f"{page}/healthz", timeout=30).status_code == 200)
            still = f"{page}/cameras/door/still.jpg"
            systemd.until(lambda: httpx.get(still, headers=BEARER, timeout=30).status_code == 200)
            for _ in range(6):
                answer = httpx.get(still, headers=BEARER, timeout=30)
                luma = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
                assert luma is not None
                assert abs(strength(luma)) < WOVEN / 20
                time.sleep(0.5)  # the next still
            text = httpx.get(f"{page}/metrics", headers=BEARER, timeout=30).text
            assert re.search(r'blurcam_camera_redacting\{camera="door"\} 1\.0', text)
            status = httpx.get(f"{page}/status.json", headers=BEARER, timeout=30).text
            assert NEITHER not in text + status
            systemd.until(lambda: "WATCHDOG=1" in systemd.heard)
            posted = httpx.post(f"{page}/cameras/door/restart", headers=BEARER, timeout=30)
            assert posted.status_code == 202
            systemd.until(lambda: httpx.get(f"{page}/healthz", timeout=30).status_code == 503)
            systemd.until(lambda: httpx.get(f"{page}/healthz", timeout=30).status_code == 200)
            service.send_signal(signal.SIGTERM)
            systemd.until(lambda: "STOPPING=1" in systemd.heard)
            assert service.wait(timeout=PATIENCE) == 0
            told = "The camera is being redacted now. Everything is being recorded"
            assert f"STATUS={told}" in systemd.heard
            log_text = (tmp_path / "log").read_text(encoding="utf-8")
            assert NEITHER not in log_text
            assert TOKEN not in log_text
        finally:
            service.kill()
            service.wait()
