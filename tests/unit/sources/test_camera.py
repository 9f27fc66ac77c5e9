"""One connection to a camera: its decoder is at rest before it is released."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from blurcam.media.clock import SystemClock
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Receive
from blurcam.sources import camera
from blurcam.sources.camera import CameraTimeline, LiveSource
from tests.support.clips import ffmpeg


@pytest.mark.parametrize("taken", [3, 100])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
def test_a_decoder_comes_to_rest_before_it_is_released(
    codec: str, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the session ends; a decoder that is freed at work can wait for ever."""
    path = tmp_path / "in.mkv"
    quiet = ("-x265-params", "log-level=none") if codec == "libx265" else ()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=100", "-frames:v", 20, "-c:v", codec, *quiet,
           "-pix_fmt", "yuv420p", path)  # fmt: skip
    rested: list[bool] = []

    def resting(context: Any) -> None:
        come_to_rest(context)
        rested.append(context.is_open)

    come_to_rest = camera.come_to_rest
    monkeypatch.setattr(camera, "come_to_rest", resting)
    timeline = CameraTimeline.starting(SystemClock(), FrameCounts())
    source = LiveSource(parse_address(str(path)), Receive(connect=3, stall=3), timeline)
    frames = source.frames()
    assert len(list(islice(frames, taken))) == min(taken, 20)
    frames.close()  # type: ignore[attr-defined]
    assert rested == [True]
