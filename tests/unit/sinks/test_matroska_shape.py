"""Pixels that are not square, in a container whose video cannot tell."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from blurcam.encode.encoder_options import Codec
from blurcam.errors import SinkWriteError
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.redaction import AudioPolicy
from blurcam.sinks.file import SoundOptions
from blurcam.sinks.matroska_shape import set_pixel_shape
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg, frame_times
from tests.system.media.judge import shape
from tests.unit.sinks.test_file import STEADY, stream, write


@pytest.mark.parametrize("ratio", [Fraction(64, 45), Fraction(8, 9), Fraction(2), Fraction(1, 3)])
@pytest.mark.parametrize(
    ("name", "codec"), [("out.webm", "av1"), ("out.mkv", "av1"), ("out.mp4", "av1"),
                        ("out.mkv", "h264"), ("out.mkv", "h265"), ("out.ts", "h264")],
)  # fmt: skip
def test_the_shape_of_a_pixel_is_kept(
    name: str, codec: Codec, ratio: Fraction, tmp_path: Path
) -> None:
    info = stream(width=320, height=240, sample_aspect_ratio=ratio)
    path = write(tmp_path / name, info, STEADY[:6], codec)
    width, height, shown = shape(path)
    assert (width, height) == (320, 240)
    assert shown == ratio * Fraction(4, 3)
    assert len(frame_times(path)) == 6
    with open_source(path, FrameCounts()) as source:
        assert source.info.sample_aspect_ratio == ratio


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_the_places_of_everything_else_are_still_true(suffix: str, tmp_path: Path) -> None:
    """Read whole, and from the middle on, by way of the index at the end."""
    source, path = tmp_path / "in.mp4", tmp_path / f"out{suffix}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4",
           "-c:v", "libx264", "-c:a", "aac", "-pix_fmt", "yuv420p", source)  # fmt: skip
    policy: AudioPolicy = "copy"
    with open_source(source, FrameCounts()) as given:
        track = given.open_sound()
    assert track is not None
    info = stream(width=96, height=64, sample_aspect_ratio=Fraction(4, 3))
    times = [n * 512 for n in range(100)]
    audio = SoundOptions(track, policy, FrameCounts())
    write(path, info, times, "av1", audio=audio)
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
        assert sum(bool(packet.size) for packet in container.demux(video=0)) == 100
        container.seek(3_000_000)
        packet = next(p for p in container.demux(video=0) if p.pts is not None)
        assert packet.pts is not None
        assert 1 < packet.pts * packet.time_base <= 3
    said = ffmpeg("-v", "warning", "-i", path, "-c", "copy", "-f", "null", "-")
    assert said == ""


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"\x1a\x45\xdf\xa3\x80" + bytes(100))
    before = path.read_bytes()
    with pytest.raises(SinkWriteError, match="shape of its pixels"):
        set_pixel_shape(path, 96, 64, Fraction(2))
    assert path.read_bytes() == before
