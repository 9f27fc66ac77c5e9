"""What a recording is beside its samples: field order, range, matrix, transparency, durations."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blurcam.errors import SourceError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg
from tests.support.containers import dhav

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
RED = "color=red:s=96x64:r=25:d=0.4"
DV = ("-c:v", "dvvideo", "-flags", "+ilme+ildct")


def made(path: Path, *options: object, source: str = "testsrc2=s=96x64:r=25:d=0.4") -> Path:
    ffmpeg("-f", "lavfi", "-i", source, *options, path)
    return path


def read(path: Path) -> tuple[StreamInfo, list[Frame], list[str]]:
    counts = FrameCounts()
    with open_source(path, counts) as source:
        return source.info, list(source.frames()), counts.notices


@pytest.mark.parametrize("field", ["top", "bottom"])
@pytest.mark.parametrize(
    ("file", "codec", "size", "layout"),
    [("in.mpg", ("-c:v", "mpeg2video", "-flags", "+ilme+ildct"), "96x64", "yuv420p"),
     ("in.avi", ("-c:v", "mpeg2video", "-flags", "+ilme+ildct"), "96x64", "yuv422p"),
     ("in.mov", ("-c:v", "prores_ks", "-flags", "+ildct"), "96x64", "yuv422p10le"),
     ("in.mkv", ("-c:v", "ffv1"), "96x64", "yuv420p")],
    ids=lambda each: each if isinstance(each, str) and each.startswith("in.") else "",
)  # fmt: skip
def test_the_first_field_is_known(
    file: str, codec: tuple[str, ...], size: str, layout: str, field: str, tmp_path: Path
) -> None:
    woven = f"tinterlace=interleave_{field}"
    path = made(tmp_path / file, "-vf", woven, *codec, "-pix_fmt", layout,
                source=f"testsrc2=s={size}:r=50:d=0.4")  # fmt: skip
    info, frames, _ = read(path)
    assert info.interlaced
    assert all(frame.interlaced for frame in frames)
    assert info.top_field_first == (field == "top")


@pytest.mark.parametrize(
    ("size", "rate", "layout"),
    [("720x576", "50", "yuv420p"), ("720x480", "60000/1001", "yuv411p")],
    ids=["PAL", "NTSC"],
)
@pytest.mark.parametrize("suffix", [".avi", ".dv", ".mov"])
def test_dv_shows_the_lower_field_first(
    size: str, rate: str, layout: str, suffix: str, tmp_path: Path
) -> None:
    """Its frames say so, and no stream does: a deinterlacer would show every motion twice."""
    path = made(tmp_path / f"in{suffix}", "-vf", "tinterlace=interleave_bottom", *DV, "-pix_fmt",
                layout, source=f"testsrc2=s={size}:r={rate}:d=0.2")  # fmt: skip
    info, _, _ = read(path)
    assert (info.interlaced, info.top_field_first) == (True, False)


@pytest.mark.parametrize(
    ("codec", "layout", "full"),
    [("ffv1", "gray", True), ("ffv1", "gray16le", True), ("png", "gray", True),
     ("libx265", "gray", None), ("rawvideo", "gray", True), ("ffv1", "yuv420p", None)],
)  # fmt: skip
def test_grey_is_read_as_players_show_it(
    codec: str, layout: str, full: bool | None, tmp_path: Path
) -> None:
    quiet = ("-x265-params", "log-level=none:range=limited") if codec == "libx265" else ()
    path = made(tmp_path / "in.mkv", "-c:v", codec, *quiet, "-pix_fmt", layout)
    info, _, _ = read(path)
    assert (info.colour.full_range or None) == full


def test_a_matrix_that_changes_is_converted_and_told(tmp_path: Path) -> None:
    """A red area stays as red as it was; taken for the other matrix, it would turn orange."""
    parts = []
    for number, (matrix, tag) in enumerate((("bt709", "bt709"), ("bt601", "smpte170m"))):
        part = made(tmp_path / f"{number}.h264", "-vf", f"scale=out_color_matrix={matrix}", *H264,
                    "-crf", 1, "-colorspace", tag, source=RED)  # fmt: skip
        parts.append(part.read_bytes())
    path = tmp_path / "in.h264"
    path.write_bytes(b"".join(parts))
    info, frames, notices = read(path)
    assert info.colour.matrix == 1
    assert len(frames) == 20
    for plane in range(3):
        first, last = (float(np.mean(frames[n].planes[plane])) for n in (0, -1))
        assert last == pytest.approx(first, abs=2)
    assert sum("the colour matrix changes" in each for each in notices) == 1


@pytest.mark.parametrize(
    ("file", "codec", "layout"),
    [("in.mov", "prores_ks", "yuva444p10le"), ("in.mkv", "ffv1", "yuva420p"),
     ("in.mov", "qtrle", "argb"), ("in.nut", "rawvideo", "bgra")],
)  # fmt: skip
@pytest.mark.parametrize("alpha", ["128", "255"])
def test_what_is_clear_in_places_is_told(
    file: str, codec: str, layout: str, alpha: str, tmp_path: Path
) -> None:
    drawn = f"format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a={alpha}"
    path = made(tmp_path / file, "-vf", drawn, "-c:v", codec, "-pix_fmt", layout)
    _, _, notices = read(path)
    assert any("clear in places" in each for each in notices) == (alpha == "128")


def test_a_duration_of_a_tick_is_none(tmp_path: Path) -> None:
    """Recorders put 1 ms there; the last frame would be shown for as long."""
    bare = made(tmp_path / "in.h264", *H264, "-g", 25, "-bf", 0,
                source="testsrc2=s=320x240:r=25:d=1")  # fmt: skip
    _, frames, _ = read(dhav(bare, tmp_path / "in.dav"))
    assert {frame.duration for frame in frames} == {0}


def animation(path: Path, durations: list[int]) -> Path:
    pictures = [Image.fromarray(np.full((48, 64, 3), 40 * n, np.uint8)) for n in range(1, 5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations,
                     lossless=True)  # fmt: skip
    return path


def test_an_animated_webp_is_a_recording(tmp_path: Path) -> None:
    """FFmpeg 8 does not decode it."""
    info, frames, notices = read(animation(tmp_path / "in.webp", [40, 100, 70, 80]))
    assert (info.width, info.height, info.frame_count) == (64, 48, 4)
    assert [frame.time for frame in frames] == [Fraction(n, 1000) for n in (0, 40, 140, 210)]
    assert frames[-1].duration == 80
    greys = [float(np.mean(frame.planes[0])) for frame in frames]
    assert greys == pytest.approx([16 + 219 / 255 * 40 * n for n in range(1, 5)], abs=2)
    assert notices == []


def test_an_animated_webp_that_breaks_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = animation(tmp_path / "in.webp", [40] * 4)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SourceError, match=r"in\.webp"):
        read(path)
