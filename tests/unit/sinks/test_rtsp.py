"""Publishing to a real server, one that takes what it gets and one that does not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder_options import Codec, EncoderOptions
from blurcam.media.clock import SystemClock
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.status import CameraStatus
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import PublishOutput, RecordingOutput
from blurcam.sinks.rtsp import Publisher
from tests.support.clips import FFMPEG
from tests.support.fakecam import Clip, FakeCam
from tests.support.live_cameras import WOVEN, children, face_clip, strengths, wait, watch


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return Clip(face_clip(tmp_path_factory.mktemp("clips") / "h264.mp4"))


def publishing(url: str, password: str | None = None) -> PublishOutput:
    return PublishOutput(parse_address(url, username=password and "user", password=password))


@contextmanager
def deaf_server() -> Iterator[int]:
    """A server that accepts, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_published_camera_can_be_watched_and_shows_no_face(clip: Clip, tmp_path: Path) -> None:
    """The viewer waits for pictures, not for time: on a busy machine two seconds held only five.

    With all of the picture to be ignored, as in the control of ``test_camera``, it fails.
    """
    seen = tmp_path / "seen.mkv"
    with FakeCam({"cam": clip}) as camera, FakeCam(login=("user", "p@ss/w:rd")) as server:
        viewers: list[subprocess.Popen[bytes]] = []

        def enough(status: CameraStatus) -> bool:
            on_air = "front" in server.published and server.published["front"].packets > 20
            if on_air and not viewers:
                url = server.url("front").replace("//", "//user:p%40ss%2Fw%3Ard@", 1)
                command = [FFMPEG, "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url]
                command += ["-frames:v", "40", "-c", "copy", str(seen)]
                viewers.append(subprocess.Popen(command))
            return bool(viewers) and viewers[0].poll() is not None

        watch(camera.url("cam"), publishing(server.url("front"), "p@ss/w:rd"), enough=enough)
    found = strengths(seen)
    assert len(found) == 40
    assert max(map(abs, found)) < WOVEN / 4
    assert len({round(each, 6) for each in found}) > 5, "not grey alone"


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_picture_is_on_air_before_the_next_one_comes(codec: Codec) -> None:
    """Through MPEG-TS to the child none came: FFmpeg waited for the next, to know where it ends."""
    luma = np.random.default_rng(1).integers(0, 255, (240, 320)).astype(np.uint8)
    frame = Frame((luma,), PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 90_000))
    info = StreamInfo("noise", 320, 240, PIXEL_FORMATS["gray"], frame.time_base, Fraction(15))
    encoder = open_encoder(info, EncoderOptions(codec, reorder=False, live=True), FrameCounts())
    (packet,) = encoder.encode(redact(frame, Coverage(0, ()), make_effect("blur")))
    with FakeCam() as server, closing(encoder):
        address = parse_address(server.url("front"))
        with closing(Publisher(address, encoder, SystemClock())) as publisher:
            publisher.write(packet, 0.0)
            wait(
                lambda: (
                    "front" in server.published
                    and server.published["front"].octets >= len(packet.data)
                )
            )


def test_a_server_that_takes_nothing_holds_up_no_other_output(clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "live.ts"
    with FakeCam({"cam": clip}) as camera, deaf_server() as port:
        watched = watch(
            camera.url("cam"),
            publishing(f"rtsp://127.0.0.1:{port}/front"),
            RecordingOutput(str(out)),
            enough=lambda status: status.redacted > 60 and not status.outputs[0].up,
        )
    publisher, recording = watched.last.outputs
    assert recording.up
    assert publisher.error
    assert watched.counts.dropped <= 15
    assert len(strengths(out)) > 60


def test_a_publishing_process_that_is_killed_is_replaced(clip: Clip) -> None:
    killed: list[int] = []
    with FakeCam({"cam": clip}) as camera, FakeCam() as server:

        def enough(status: CameraStatus) -> bool:
            publishers = list(children("blurcam.sinks.rtsp_process"))
            on_air = "front" in server.published and server.published["front"].packets > 10
            if on_air and publishers and not killed:
                killed.append(publishers[0])
                os.kill(killed[0], signal.SIGKILL)
                server.published.pop("front")
                return False
            return bool(killed) and on_air and killed[0] not in publishers

        watched = watch(camera.url("cam"), publishing(server.url("front")), enough=enough)
    assert watched.last.state == "stopped"


def test_a_server_that_refuses_the_password_is_told_without_it(clip: Clip) -> None:
    with FakeCam({"cam": clip}) as camera, FakeCam(login=("user", "right")) as server:
        watched = watch(
            camera.url("cam"),
            publishing(server.url("front"), "wrong-secret"),
            enough=lambda status: status.outputs[0].error is not None,
        )
    assert "401" in (watched.last.outputs[0].error or "")
    assert "wrong-secret" not in repr(watched.statuses)
