"""A camera that comes back, comes back as another, or speaks through something else."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import pytest

from blurcam.runtime.status import CameraStatus
from blurcam.settings.camera import Receive, RecordingOutput
from tests.support.certificates import certify
from tests.support.clips import ffmpeg, frame_times
from tests.support.fakecam import Clip, FakeCam, Fault
from tests.support.live_cameras import PATIENCE, WOVEN, accounted, face_clip, strengths, wait, watch

# What the product promises is five seconds; a busy machine is given as much again.
SOON = 10.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def clip(folder: Path) -> Clip:
    return Clip(face_clip(folder / "h264.mp4"))


@pytest.fixture(scope="module")
def double(folder: Path, clip: Clip) -> Clip:
    """The same at twice the size: scaled down again it shows the same code."""
    ffmpeg("-i", folder / "h264.mp4", "-vf", "scale=640:480:flags=neighbor", "-c:v", "libx264",
           "-preset", "veryfast", "-crf", 14, "-g", 15, "-bf", 0,
           folder / "double.mp4")  # fmt: skip
    return Clip(folder / "double.mp4")


def assert_redacted(out: Path) -> None:
    assert max(map(abs, strengths(out))) < WOVEN / 4
    times = frame_times(out)
    assert times == sorted(set(times))


def assert_one_stream_of_the_scene(out: Path) -> None:
    """It is H.264 of one size to its end, and its end is no grey."""
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
        assert container.streams.video[0].codec_context.name == "h264"
    assert {(frame.width, frame.height) for frame in frames} == {(320, 240)}
    assert float(np.asarray(frames[-1].to_ndarray(format="gray")).std()) > 5


def test_a_loss_is_seen_in_time_and_so_is_the_camera_s_return(clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "live.ts"
    lost = seen = returned = back = 0.0
    before = 0
    servers = [FakeCam({"cam": clip})]
    servers[0].__enter__()

    def enough(status: CameraStatus) -> bool:
        nonlocal lost, seen, returned, back, before
        now = time.monotonic()
        if not lost and status.redacted > 15:
            servers[0].fault, lost = Fault("blackhole"), now
        elif lost and not seen and status.state != "live":
            seen, before = now, status.redacted
        elif seen and not returned and status.state == "backoff":
            servers.pop().__exit__()  # the host is gone for good, and another one has its address
            servers.append(FakeCam({"cam": clip}, port=port))
            servers[0].__enter__()
            returned = time.monotonic()
        elif returned and not back and status.redacted > before + 3:
            back = now
        return bool(back)

    port = servers[0].port
    try:
        watch(
            servers[0].url("cam"), RecordingOutput(str(out)), enough=enough, receive=Receive("tcp")
        )
    finally:
        servers[0].__exit__()
    assert seen - lost < SOON
    assert back - returned < SOON
    assert_redacted(out)


def test_a_camera_that_comes_back_with_another_size_or_codec_goes_on(
    clip: Clip, double: Clip, folder: Path, tmp_path: Path
) -> None:
    """It came back at 640 x 480, then with H.265: the output stays at 320 x 240 and H.264.

    The control: with all of the picture to be ignored, as in ``test_camera``, the code shows at 7
    grey levels in what was 640 x 480.
    """
    out = tmp_path / "live.ts"
    h265 = Clip(face_clip(folder / "h265.mp4", "libx265"))
    after = [double, h265]
    at = [10]
    with FakeCam({"cam": clip}) as server:

        def enough(status: CameraStatus) -> bool:
            if sum(status.reconnects.values()) >= 3 - len(after) and server.fault:
                server.fault = None
                at.append(status.redacted + 10)
            if status.redacted < at[-1] or server.fault:
                return False
            if not after:
                return True
            server.clips["cam"] = after.pop(0)
            server.fault = Fault("close")
            return False

        watched = watch(server.url("cam"), RecordingOutput(str(out)), enough=enough)
    assert sum(watched.last.reconnects.values()) >= 2
    assert watched.counts.frames_in == accounted(watched.counts)
    assert_redacted(out)
    assert_one_stream_of_the_scene(out)


@pytest.mark.slow
def test_a_camera_that_comes_back_as_another_twenty_times_goes_on(
    clip: Clip, double: Clip, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "live.ts"
    others = cycle((double, Clip(face_clip(folder / "h265.mp4", "libx265")), clip))
    changes, shown = 0, 10
    with FakeCam({"cam": clip}) as server:

        def enough(status: CameraStatus) -> bool:
            nonlocal changes, shown
            if server.fault and sum(status.reconnects.values()) >= changes:
                server.fault, shown = None, status.redacted + 5
            elif not server.fault and status.redacted >= shown:
                changes += 1
                server.clips["cam"], server.fault = next(others), Fault("close")
            return changes > 20

        watched = watch(server.url("cam"), RecordingOutput(str(out)), enough=enough, patience=600)
    assert watched.counts.frames_in == accounted(watched.counts)
    assert_redacted(out)
    assert_one_stream_of_the_scene(out)


@pytest.mark.slow
def test_a_camera_that_changes_its_size_as_it_goes_is_covered_whole_until_looked_at_again(
    clip: Clip, double: Clip, tmp_path: Path
) -> None:
    out = tmp_path / "live.ts"
    both = Clip.__new__(Clip)
    both.__dict__.update(clip.__dict__)
    later = [replace(u, dts=u.dts + clip.length, pts=u.pts + clip.length) for u in double.units]
    both.units, both.length = (*clip.units[30:], *later[:60]), clip.length
    shift = both.units[0].dts
    both.units = tuple(replace(u, dts=u.dts - shift, pts=u.pts - shift) for u in both.units)
    with FakeCam({"cam": both}) as server:
        watched = watch(
            server.url("cam"),
            RecordingOutput(str(out)),
            enough=lambda status: status.redacted > 110,
        )
    assert not watched.last.reconnects
    assert watched.counts.frames_in == accounted(watched.counts)
    assert_redacted(out)
    assert_one_stream_of_the_scene(out)


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_camera_whose_name_comes_to_mean_another_address_is_found_there(
    clip: Clip, tmp_path: Path, times: int
) -> None:
    """Every connection looks the name up anew.

    It fails where ``LiveSource`` is given the address that the first one found.
    """
    hosts, out = tmp_path / "hosts", tmp_path / "live.ts"
    hosts.write_text("127.0.0.1 camera.test\n", encoding="utf-8")
    inside = 'mount --bind "$0" /etc/hosts && exec "$@"'
    in_there = ["unshare", "--map-root-user", "--mount", "sh", "-c", inside, str(hosts)]
    try:
        subprocess.run([*in_there, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets no user mount in a name space of its own")
    with (
        FakeCam({"cam": clip}) as before,
        FakeCam({"cam": clip}, host="127.0.0.2", port=before.port) as after,
    ):
        url = f"rtsp://camera.test:{before.port}/cam"
        command = [sys.executable, "-m", "blurcam", "run", "--profile", "near", url, str(out)]
        process = subprocess.Popen([*in_there, *command], stderr=subprocess.PIPE, text=True)
        try:
            wait(lambda: _size(out) > 100_000)
            old, new = before, after
            for _ in range(times):
                old.fault, new.fault, known = Fault("close"), None, new.connections
                hosts.write_text(f"{new.host} camera.test\n", encoding="utf-8")
                wait(lambda new=new, known=known: new.connections > known)  # type: ignore[misc]
                size = _size(out)
                wait(lambda size=size: _size(out) > size + 50_000)  # type: ignore[misc]
                old, new = new, old
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, said
    assert_redacted(out)
    assert_one_stream_of_the_scene(out)


def _size(out: Path) -> int:
    """Return how many bytes have been written, under whatever name."""
    return sum(each.stat().st_size for each in out.parent.glob("*live*"))


# Other servers -----------------------------------------------------------------------------------


@contextmanager
def behind_tls(port: int, folder: Path) -> Iterator[int]:
    """Serve what listens at a port by TLS, at another."""
    certificate, key = certify(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, theirs[1]), pump(theirs[0], writer))

    async def serve() -> None:
        loop.append(asyncio.get_running_loop())
        server = await asyncio.start_server(forward, sock=listening, ssl=context)
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    stop, loop = asyncio.Event(), list[asyncio.AbstractEventLoop]()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        yield listening.getsockname()[1]
        loop[0].call_soon_threadsafe(stop.set)
        thread.join(10)


def test_a_camera_behind_tls_is_redacted(clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "live.ts"
    with FakeCam({"cam": clip}) as server, behind_tls(server.port, tmp_path) as port:
        watch(
            f"rtsps://127.0.0.1:{port}/cam",
            RecordingOutput(str(out)),
            enough=lambda status: status.redacted > 15,
        )
    assert_redacted(out)


GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1"); server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( filesrc location={sys.argv[1]} ! qtdemux ! h264parse config-interval=-1 "
    "! rtph264pay name=pay0 pt=96 )")
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


@contextmanager
def gstreamer(path: Path) -> Iterator[int]:
    python = "/usr/bin/python3"
    if shutil.which(python) is None:
        pytest.skip("no system Python")
    command = [python, "-I", "-c", GSTREAMER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.skip("no gir1.2-gst-rtsp-server-1.0 here")
        try:
            yield int(line)
        finally:
            process.kill()


def test_gstreamer_s_server_is_understood_too(folder: Path, clip: Clip, tmp_path: Path) -> None:
    """It plays the clip once and ends the stream: every session is six seconds long."""
    out = tmp_path / "live.ts"
    with gstreamer(folder / "h264.mp4") as port:
        watched = watch(
            f"rtsp://127.0.0.1:{port}/cam",
            RecordingOutput(str(out)),
            enough=lambda status: status.redacted > 20,
        )
    assert watched.counts.redacted > 20
    assert_redacted(out)
