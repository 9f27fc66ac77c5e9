"""Every frame of a recording is in the output, and is shown at its own time.

Each container with each codec that recorders, editors and cameras write into it; frames come at an
uneven rate where the container has time stamps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from blurcam.detect.detector import Detector
from blurcam.runs.perception import open_detector
from blurcam.runs.recording import open_run
from blurcam.settings.recording import Config
from blurcam.settings.redaction import Detect, Encode
from tests.support.clips import ffmpeg, frame_times

NEAR = Detect(profile="near")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryfast", "-bf", 2, "-g", 12)
H265 = ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-x265-params",
        "log-level=none:bframes=2")  # fmt: skip
AV1 = ("-c:v", "libsvtav1", "-preset", 12, "-pix_fmt", "yuv420p")
VP8, VP9 = ("-c:v", "libvpx", "-b:v", "1M"), ("-c:v", "libvpx-vp9", "-cpu-used", 8)
MPEG2, MPEG4 = ("-c:v", "mpeg2video", "-bf", 2), ("-c:v", "mpeg4", "-bf", 2)
MJPEG, FFV1 = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"), ("-c:v", "ffv1")
PRORES, RAW = ("-c:v", "prores_ks"), ("-c:v", "rawvideo", "-pix_fmt", "yuv420p")
MPEG1 = ("-c:v", "mpeg1video", "-bf", 2)
# What has a clock of its own, in which frames may come as they like.
UNEVEN = {
    "mp4": {"h264": H264, "h265": H265, "av1": AV1, "vp9": VP9, "mpeg4": MPEG4, "mjpeg": MJPEG},
    "mov": {"h264": H264, "h265": H265, "prores": PRORES, "mjpeg": MJPEG, "png": ("-c:v", "png"),
            "qtrle": ("-c:v", "qtrle")},
    "mkv": {"h264": H264, "h265": H265, "av1": AV1, "vp8": VP8, "vp9": VP9, "mpeg2": MPEG2,
            "mpeg4": MPEG4, "mjpeg": MJPEG, "ffv1": FFV1, "raw": RAW,
            "theora": ("-c:v", "libtheora")},
    "webm": {"vp8": VP8, "vp9": VP9, "av1": AV1},
    "ts": {"h264": H264, "h265": H265, "mpeg2": ("-c:v", "mpeg2video", "-bf", 0)},
    "nut": {"h264": H264, "raw": RAW, "ffv1": FFV1},
    "flv": {"h264": H264, "flv1": ("-c:v", "flv")},
    "3gp": {"h264": H264},
    "f4v": {"h264": H264},
    "asf": {"wmv2": ("-c:v", "wmv2"), "msmpeg4": ("-c:v", "msmpeg4")},
}  # fmt: skip
# What only counts its frames.
EVEN = {
    "avi": {"h264": H264, "mpeg4": MPEG4, "mjpeg": MJPEG, "raw": RAW,
            "huffyuv": ("-c:v", "huffyuv"), "cinepak": ("-c:v", "cinepak")},
    "mpg": {"mpeg1": MPEG1, "mpeg2": MPEG2},
    "vob": {"mpeg2": MPEG2},
    "mxf": {"mpeg2": MPEG2},
    "gif": {"gif": ()},
    "apng": {"apng": ("-f", "apng")},
    "y4m": {"raw": ("-pix_fmt", "yuv420p")},
    "ivf": {"vp9": VP9, "av1": AV1},
    "ogv": {"theora": ("-c:v", "libtheora")},
    "h264": {"h264": H264},
    "h265": {"h265": H265},
    "m2v": {"mpeg2": MPEG2},
}  # fmt: skip
PAIRS = [(container, codec) for kinds in (UNEVEN, EVEN) for container, codecs in kinds.items()
         for codec in codecs]  # fmt: skip
# What FFmpeg decodes of a bare stream has no time stamps: it tells its rate.
BARE = ("h264", "h265", "m2v")
GAPS = "select='not(between(mod(n,7),3,4))'"


def test_there_are_enough() -> None:
    assert len(PAIRS) >= 30


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with closing(open_detector(NEAR)) as opened:
        yield opened


def made(folder: Path, container: str, codec: str) -> Path:
    path = folder / f"in.{container}"
    options = (UNEVEN | EVEN)[container][codec]
    uneven = ("-vf", GAPS, "-fps_mode", "vfr") if container in UNEVEN else ()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1.2", *uneven, *options, path)
    return path


def redacted(source: Path, target: Path, detector: Detector) -> list[Fraction]:
    """Return when the frames of the output are shown."""
    encode = Encode(preset="ultrafast" if target.suffix != ".webm" else "12")
    with open_run(Config(source, target, detect=NEAR, encode=encode), detector=detector) as run:
        for _ in run.steps():
            pass
        assert run.finish().complete
    return frame_times(target)


def seen(source: Path, container: str) -> list[Fraction]:
    """Return when the independent FFmpeg shows the frames of the input, from zero on."""
    times = frame_times(source)
    if container in BARE:
        return [Fraction(n, 25) for n in range(len(times))]
    return [each - times[0] for each in times]


@pytest.mark.parametrize(("container", "codec"), PAIRS)
def test_every_frame_keeps_its_time(
    container: str, codec: str, detector: Detector, tmp_path: Path
) -> None:
    source = made(tmp_path, container, codec)
    wanted, got = seen(source, container), redacted(source, tmp_path / "out.mp4", detector)
    assert len(wanted) >= 15
    assert [each - got[0] for each in got] == wanted


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".ts", ".mov", ".m4v"])
@pytest.mark.parametrize(("container", "codec"), [("mp4", "h264"), ("mkv", "vp9"), ("ts", "h265")])
def test_in_every_output_they_do(
    container: str, codec: str, suffix: str, detector: Detector, tmp_path: Path
) -> None:
    """Matroska counts in milliseconds, and MPEG-TS in ninetieths of one."""
    source = made(tmp_path, container, codec)
    wanted = seen(source, container)
    got = redacted(source, tmp_path / f"out{suffix}", detector)
    tick = Fraction(1, 1000) if suffix in (".mkv", ".webm") else Fraction(1, 90_000)
    assert len(got) == len(wanted)
    apart = [abs(a - got[0] - b) for a, b in zip(got, wanted, strict=True)]
    assert max(apart) <= tick
