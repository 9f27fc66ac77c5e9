"""A camera on standard output: what arrives is redacted, and its reader may end it."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runtime.counts import FrameCounts
from blurcam.sinks.camera_stdout import StdoutSink
from tests.support.fakecam import Clip, FakeCam
from tests.support.live_cameras import PATIENCE, WOVEN, face_clip, strengths


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    clip = Clip(face_clip(tmp_path_factory.mktemp("clips") / "h264.mp4"))
    with FakeCam({"cam": clip}) as server:
        yield server.url("cam")


def test_a_key_frame_larger_than_a_pipe_is_there_at_once() -> None:
    """In a pipe as it comes, of 64 KiB, the rest would wait for the next picture."""
    noise = np.random.default_rng(1).integers(0, 255, (480, 640)).astype(np.uint8)
    frame = Frame((noise,), PIXEL_FORMATS["gray"], 0, 0, Fraction(1, 25))
    grey = redact(frame, Coverage(0, ()), make_effect("blur"))
    info = StreamInfo("noise", 640, 480, PIXEL_FORMATS["gray"], Fraction(1, 25))
    taking, giving = os.pipe()
    encoder = open_encoder(info, EncoderOptions("h264", live=True), FrameCounts())
    with closing(encoder), closing(StdoutSink(giving, encoder)) as standard:
        (packet,) = encoder.encode(grey)
        standard.write(packet, 0.0)
        os.close(giving)
        assert len(packet.data) > 1 << 16
        with os.fdopen(taking, "rb") as pipe:
            assert len(pipe.read()) > len(packet.data)


def running(url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "blurcam", "run", "--profile", "near", url, "-"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_camera_on_standard_output_is_video_that_shows_no_face(url: str, tmp_path: Path) -> None:
    seen = tmp_path / "seen.ts"
    with running(url) as process, seen.open("wb") as file:
        assert process.stdout is not None
        while file.tell() < 150_000:
            file.write(process.stdout.read1(1 << 16))
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=PATIENCE)
        file.write(rest)
    assert process.returncode == 0, said
    found = strengths(seen)
    assert len(found) > 15
    assert max(map(abs, found)) < WOVEN / 4


def test_a_reader_that_reads_nothing_holds_nothing_up_and_one_that_leaves_is_the_end(
    url: str,
) -> None:
    with running(url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(188)[:1] == b"G"
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 1 << 16)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=4)  # it is full after two
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(timeout=PATIENCE) == 0, said
    assert "Traceback" not in said
    told = re.search(r"(\d+) frames in: .* (\d+) dropped", said)
    assert told is not None
    assert int(told[1]) > 40
    assert int(told[2]) < int(told[1]) / 3
