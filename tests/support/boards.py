"""A board fed by hand, and the page's real server around it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np

from blurcam.media.clock import Clock
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runtime.status import CameraStatus
from blurcam.serve.web.server import PageServer
from blurcam.serve.zone_store import ZoneStore
from blurcam.settings.web import Web

TOKEN = "a-token-for-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def still(width: int = 320, height: int = 180) -> bytes:
    """Return a JPEG of a frame that went through the one gate."""
    planes = [
        np.tile(np.linspace(40, 200, columns).astype(np.uint8), (rows, 1))
        for rows, columns in ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    ]
    frame = Frame(tuple(planes), PIXEL_FORMATS["yuv420p"], 0, 0, Fraction(1, 25))
    region = Region(Box(100, 40, 180, 140), Basis.DETECTED)
    redacted = redact(frame, Coverage(0, (region,)), make_effect("blur"))
    joined = redacted.buffer.reshape(height * 3 // 2, width)
    written, jpeg = cv2.imencode(".jpg", cv2.cvtColor(joined, cv2.COLOR_YUV2BGR_I420))
    assert written
    return jpeg.tobytes()


class FedBoard:
    """Holds what it was given, and notes which cameras were to be restarted."""

    def __init__(self, *statuses: CameraStatus) -> None:
        self.cameras = {status.name: status for status in statuses}
        self.stills: dict[str, bytes] = {}
        self.restarted: list[str] = []
        self.silent: set[str] = set()
        self.stills_taken = 0

    def put(self, status: CameraStatus) -> None:
        self.cameras[status.name] = status

    def change(self, name: str, **values: object) -> None:
        self.cameras[name] = replace(self.cameras[name], **values)  # type: ignore[arg-type]

    def statuses(self) -> tuple[CameraStatus, ...]:
        return tuple(self._now(status) for status in self.cameras.values())

    def _now(self, status: CameraStatus) -> CameraStatus:
        """A live camera's detector goes on answering, except where it is ``silent``."""
        if status.state != "live" or status.name in self.silent:
            return status
        return replace(status, last_detection=time.time())

    def still(self, name: str) -> bytes | None:
        self.stills_taken += 1
        return self.stills.get(name)

    def restart(self, name: str) -> None:
        if name not in self.cameras:
            raise KeyError(name)
        self.restarted.append(name)


def live(name: str, **values: object) -> CameraStatus:
    """Return the status of a camera that is being redacted."""
    status = CameraStatus(name=name, state="live", since=time.time() - 60)
    return replace(status, **values)  # type: ignore[arg-type]


@contextmanager
def serving(
    board: FedBoard,
    web: Web | None = None,
    clock: Clock | None = None,
    zones: ZoneStore | None = None,
) -> Iterator[PageServer]:
    """Run the server in a thread until the end of the block."""
    server = PageServer(board, web or Web(port=0), clock, zones)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=30)
    assert not thread.is_alive()


def raw(url: str, request: bytes, *, seconds: float = 30.0) -> bytes:
    """Send bytes as they are, and return all that comes until the server closes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer
