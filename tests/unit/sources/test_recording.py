"""Recordings of every kind, made by an independent FFmpeg."""

from __future__ import annotations

import gc
import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg, frame_times, grey_frames, moving_clip

EVAL = os.environ.get("BLURCAM_EVAL_DATA")


def read(path: Path) -> tuple[StreamInfo, list[Frame], FrameCounts]:
    counts = FrameCounts()
    with open_source(path, counts) as source:
        return source.info, list(source.frames()), counts


KINDS = {
    "h264.mp4": ["-c:v", "libx264", "-bf", "3"],
    "h265.mkv": ["-c:v", "libx265", "-x265-params", "log-level=none"],
    "mpeg4.avi": ["-c:v", "mpeg4", "-bf", "2"],
    "mjpeg.avi": ["-c:v", "mjpeg"],
    "h264.ts": ["-c:v", "libx264", "-bf", "2"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-cpu-used", "8"],
    "picture.gif": [],
    "422.mkv": ["-c:v", "libx264", "-pix_fmt", "yuv422p"],
    "444.mkv": ["-c:v", "libx264", "-pix_fmt", "yuv444p"],
    "10bit.mkv": ["-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"],
    "grey.mkv": ["-c:v", "ffv1", "-pix_fmt", "gray"],
    "nv12.mkv": ["-c:v", "rawvideo", "-pix_fmt", "nv12"],
    "rgb.mkv": ["-c:v", "ffv1", "-pix_fmt", "bgr0"],
    "alpha.mkv": ["-c:v", "ffv1", "-pix_fmt", "yuva420p"],
    "16bit.mkv": ["-c:v", "ffv1", "-pix_fmt", "yuv422p16le"],
    "uyvy.mkv": ["-c:v", "rawvideo", "-pix_fmt", "uyvy422"],
}
FORMATS = {
    "mjpeg.avi": "yuv444p", "picture.gif": "yuv444p", "422.mkv": "yuv422p", "444.mkv": "yuv444p",
    "10bit.mkv": "yuv420p10le", "grey.mkv": "gray", "nv12.mkv": "yuv420p", "rgb.mkv": "yuv444p",
    "alpha.mkv": "yuv420p", "16bit.mkv": "yuv422p12le", "uyvy.mkv": "yuv422p",
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_read_whole_and_nothing_is_called_lost(name: str, tmp_path: Path) -> None:
    path = moving_clip(tmp_path / name, *KINDS[name], size="66x50")
    info, frames, counts = read(path)
    assert (info.width, info.height) == (66, 50)
    assert len(frames) == counts.frames_in == 25
    assert counts.lost == 0
    assert not any(frame.is_corrupt for frame in frames)
    if name in FORMATS and name != "mjpeg.avi":
        assert info.pixel_format.name == FORMATS[name]


@pytest.mark.parametrize("name", ["h264.mp4", "h264.ts", "vp9.webm", "444.mkv"])
def test_every_pts_is_the_containers(name: str, tmp_path: Path) -> None:
    path = moving_clip(tmp_path / name, *KINDS[name])
    info, frames, _ = read(path)
    times = frame_times(path)
    # MPEG-TS is stamped by a clock that does not begin with the recording.
    start = times[0] if name.endswith(".ts") else 0
    assert [frame.time for frame in frames] == [each - start for each in times]
    assert info.start == times[0]


def test_a_variable_rate_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "vfr.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=2",
           "-vf", "select='not(mod(n,3))+not(mod(n,7))'", "-fps_mode", "vfr", path)  # fmt: skip
    _, frames, counts = read(path)
    assert [frame.time for frame in frames] == frame_times(path)
    assert len({b.pts - a.pts for a, b in pairwise(frames)}) > 1
    assert counts.lost == 0


def test_planes_are_the_decoders_own_samples(tmp_path: Path) -> None:
    path = moving_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", "-pix_fmt", "gray")
    _, frames, _ = read(path)
    np.testing.assert_array_equal(
        np.stack([frame.planes[0] for frame in frames]), grey_frames(path, 64, 48)
    )


def test_planes_outlive_the_file(tmp_path: Path) -> None:
    path = moving_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", "-pix_fmt", "gray", seconds=8)
    counts = FrameCounts()
    with open_source(path, counts) as source:
        stream = source.frames()
        kept = next(stream)
        copy = kept.planes[0].copy()
        for _ in stream:
            pass
    del source, stream
    gc.collect()
    np.testing.assert_array_equal(kept.planes[0], copy)
    with pytest.raises(ValueError, match="read-only"):
        kept.planes[0][0, 0] = 0


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_is_how_far_players_turn_clockwise(turn: int, tmp_path: Path) -> None:
    plain = moving_clip(tmp_path / "plain.mp4")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", turn, "-i", plain, "-c", "copy", turned)
    info, frames, _ = read(turned)
    shown = frame_times(turned)  # FFmpeg turns the picture itself when it decodes
    assert len(shown) == len(frames)
    size = (48, 64) if turn != 180 else (64, 48)
    upright = grey_frames(turned, *size)[0]
    stored = np.asarray(frames[0].planes[0])
    np.testing.assert_allclose(info.orientation.applied(stored).astype(int), upright, atol=20)


def test_pixel_shape_range_and_colours_are_told(tmp_path: Path) -> None:
    tags = "setparams=range=pc:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    path = moving_clip(tmp_path / "clip.mp4", "-vf", f"setsar=4/3,{tags}")
    info, _, _ = read(path)
    assert info.sample_aspect_ratio == Fraction(4, 3)
    assert info.colour.full_range is True
    assert (info.colour.primaries, info.colour.transfer, info.colour.matrix) == (1, 1, 1)


def test_interlaced_pictures_are_told(tmp_path: Path) -> None:
    path = tmp_path / "clip.ts"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=50:d=1", "-vf", "interlace=scan=bff",
           "-c:v", "libx264", "-flags", "+ildct+ilme", "-x264-params", "bff=1", path)  # fmt: skip
    info, frames, counts = read(path)
    assert info.interlaced
    assert not info.top_field_first
    assert all(frame.interlaced for frame in frames)
    assert counts.lost == 0


def test_frames_hidden_by_an_edit_list_are_not_lost(tmp_path: Path) -> None:
    whole = moving_clip(tmp_path / "whole.mp4", "-g", "10", seconds=2)
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.52", "-i", whole, "-c", "copy", cut)
    _, frames, counts = read(cut)
    assert len(frames) == len(frame_times(cut))
    assert counts.lost == 0


@pytest.mark.parametrize("live", [False, True], ids=["file", "piped"])
def test_a_cut_short_matroska_is_not_taken_for_whole(tmp_path: Path, live: bool) -> None:
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    extra = ("-live", "1") if live else ()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", *extra, whole)
    assert len(read(whole)[1]) == 50
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(SourceReadError, match="ended prematurely"):
        read(cut)


def test_a_cut_short_mp4_is_read_as_far_as_it_goes_and_the_rest_is_lost(tmp_path: Path) -> None:
    whole = moving_clip(tmp_path / "w.mp4", "-movflags", "+faststart", size="320x240", seconds=4)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    _, frames, counts = read(cut)
    assert 10 < len(frames) < 90
    assert counts.lost + len(frames) >= 99
    assert any("lost" in notice for notice in counts.notices)


def test_a_damaged_stream_is_not_read_in_silence(tmp_path: Path) -> None:
    whole = moving_clip(tmp_path / "whole.ts", "-g", "25", size="320x240", seconds=4)
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2 // 188 * 188
    del content[middle : middle + 188 * 40]  # forty packets that never arrived
    damaged = tmp_path / "damaged.ts"
    damaged.write_bytes(content)
    _, frames, _ = read(damaged)
    assert any(frame.is_corrupt for frame in frames)
    assert not frames[0].is_corrupt
    assert not frames[-1].is_corrupt  # a clean key frame came after it


def test_flipped_bytes_are_noticed(tmp_path: Path) -> None:
    whole = moving_clip(tmp_path / "whole.mkv", "-g", "50", size="320x240", seconds=4)
    content = bytearray(whole.read_bytes())
    for at in range(len(content) // 3, len(content) // 2, 997):
        content[at] ^= 0xFF
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(content)
    try:
        _, frames, counts = read(damaged)
    except SourceReadError:
        return
    assert counts.lost or any(frame.is_corrupt for frame in frames)


def test_a_change_of_size_is_a_new_session_at_the_old_size(tmp_path: Path) -> None:
    for name, size in (("a.ts", "64x48"), ("b.ts", "96x64")):
        moving_clip(tmp_path / name, size=size)
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    _, frames, counts = read(joined)
    assert {(frame.width, frame.height) for frame in frames} == {(64, 48)}
    assert frames[0].session != frames[-1].session
    assert all(b.pts > a.pts for a, b in pairwise(frames))
    assert any("size" in notice for notice in counts.notices)


def test_a_long_gap_is_a_new_session(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1",
           "-vf", "setpts='PTS+gte(N,10)*20/TB'", "-fps_mode", "vfr", path)  # fmt: skip
    _, frames, _ = read(path)
    assert [frame.session for frame in frames] == [0] * 10 + [1] * 15


def test_sound_is_read_apart(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-f", "lavfi", "-i", "sine=d=1", path)
    with open_source(path, FrameCounts()) as source:
        sound = source.open_sound()
        assert sound is not None
        assert len(list(sound.until(None))) > 10
        sound.close()
    with open_source(moving_clip(tmp_path / "silent.mp4"), FrameCounts()) as source:
        assert source.open_sound() is None


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "sound", "empty", "header"])
def test_what_holds_no_video_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "thing.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("words " * 100)
    elif kind == "sound":
        path = tmp_path / "thing.wav"
        ffmpeg("-f", "lavfi", "-i", "sine=d=1", path)
    elif kind == "empty":
        path.touch()
    elif kind == "header":
        path.write_bytes(moving_clip(tmp_path / "whole.mp4").read_bytes()[:600])
    with pytest.raises(SourceOpenError) as caught:
        open_source(path, FrameCounts())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(not EVAL, reason="BLURCAM_EVAL_DATA is not set")
def test_clean_footage_of_real_cameras_is_never_called_damaged() -> None:
    assert EVAL is not None
    for path in sorted(Path(EVAL, "videos").glob("*.gif")) + [
        Path(EVAL, "videos", name) for name in ("towncentre.mp4", "vtest.avi", "stage-dark.mp4")
    ]:
        _, frames, counts = read(path)
        assert counts.lost == 0, path.name
        assert not any(frame.is_corrupt for frame in frames), path.name
        assert len(frames) == len(frame_times(path)), path.name
