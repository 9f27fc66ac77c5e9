"""Recordings that look damaged to a decoder and are not; and some that are."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.coded_frames import coded_frames
from blurcam.sources.recording import open_source
from tests.support.clips import ffmpeg, frame_times
from tests.support.h264 import Bits, paff

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")


def read(path: Path) -> tuple[list[Frame], FrameCounts]:
    counts = FrameCounts()
    with open_source(path, counts) as source:
        return list(source.frames()), counts


def assert_healthy(path: Path, count: int) -> list[Frame]:
    frames, counts = read(path)
    assert len(frames) == counts.frames_in == count
    assert counts.lost == 0, counts.notices
    assert [frame.seq for frame in frames if frame.is_corrupt] == []
    assert all(b.pts > a.pts for a, b in pairwise(frames))
    return frames


def copied(source: Path, target: Path, *options: object) -> Path:
    ffmpeg("-i", source, "-c", "copy", *options, target)
    return target


# Fields ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("only_fields", [False, True], ids=["mixed", "fields alone"])
@pytest.mark.parametrize("suffix", [".264", ".ts", ".mp4", ".mkv"])
def test_frames_that_are_coded_as_fields_are_whole(
    suffix: str, only_fields: bool, tmp_path: Path
) -> None:
    """PAFF, as DVB and 1080i recorders write it. Seen to fail: half of the frames damaged."""
    path = paff(tmp_path / "in.264", groups=6, only_fields=only_fields)
    if suffix != ".264":
        path = copied(path, tmp_path / f"in{suffix}", "-r", 25)
    assert_healthy(path, 30)


def test_a_field_that_is_missing_is_missed(tmp_path: Path) -> None:
    """The control: a stream of fields that lacks some."""
    path = paff(tmp_path / "in.264", groups=8, only_fields=True)
    content = path.read_bytes()
    cut = tmp_path / "cut.264"
    cut.write_bytes(content[: len(content) // 2] + content[len(content) // 2 + 2000 :])
    frames, counts = read(cut)
    assert counts.lost or any(frame.is_corrupt for frame in frames)


@given(data=st.binary(max_size=300), extra=st.binary(max_size=60))
def test_noise_holds_frames(data: bytes, extra: bytes) -> None:
    for name in ("h264", "mpeg4", "hevc"):
        context = av.CodecContext.create(name, "r")
        for extradata in (extra, b"\0\0\0\1\x67" + extra, b"\1\x64\0\x28\xff\xe1" + extra):
            context.extradata = extradata
            counter = coded_frames(context)
            assert counter.holds_frame(data) in (True, False)
            assert counter.holds_frame(b"\0\0\1\x65" + data) in (True, False)


# Repeats -----------------------------------------------------------------------------------------

CODECS = {
    "mjpeg": ("-c:v", "mjpeg", "-q:v", "31"),
    "mpeg4": ("-c:v", "mpeg4"),
    "mpeg4 with B-frames": ("-c:v", "mpeg4", "-bf", "2"),
    "h264": ("-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p"),
}


@pytest.mark.parametrize("missing", ["5,7", "0,2", "8,9"], ids=["within", "at first", "at last"])
@pytest.mark.parametrize("codec", CODECS)
def test_empty_chunks_of_avi_show_the_frame_before_on(
    codec: str, missing: str, tmp_path: Path
) -> None:
    """Captures drop frames so. Seen to fail: "30 frames lost: the file announces 100 frames"."""
    path = tmp_path / "in.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=2", "-vf",
           f"select='not(between(mod(n,10),{missing}))'", "-fps_mode", "vfr",
           *CODECS[codec], path)  # fmt: skip
    frames = assert_healthy(path, len(frame_times(path)))
    assert len({b.pts - a.pts for a, b in pairwise(frames)}) > 1


def test_an_avi_that_is_cut_short_lacks_frames(tmp_path: Path) -> None:
    path = tmp_path / "in.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=2", "-c:v", "mjpeg", path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    frames, counts = read(path)
    assert counts.lost + len(frames) == 50
    assert counts.lost > 5


def not_coded(packet: bytes, time_bits: int) -> bytes:
    """Return a plane that repeats the one before, at the time of this one (ISO 14496-2, 6.2.5)."""
    start = packet.find(b"\0\0\1\xb6") + 4
    bits = Bits(packet[start : start + 16] + b"\x80")
    bits.take(2)
    head = "01"
    while bits.take(1) == "1":
        head += "1"
    head += "0" + bits.take(1) + bits.take(time_bits) + "1" + "0"
    head += "0" + "1" * (-len(head) % 8 - 1 if len(head) % 8 else 7)
    data = bytes(int(head[n : n + 8], 2) for n in range(0, len(head) // 8 * 8, 8))
    return b"\0\0\1\xb6" + data


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_planes_that_are_not_coded_repeat_the_frame_before(suffix: str, tmp_path: Path) -> None:
    plain, path = tmp_path / f"plain{suffix}", tmp_path / f"in{suffix}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=1", "-c:v", "mpeg4", "-g", 25, plain)
    repeats = (4, 5, 11, 20)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is None:
                continue
            made = packet
            if number in repeats:
                made = av.Packet(not_coded(bytes(packet), time_bits=5))
                made.pts, made.dts = packet.pts, packet.dts
                made.time_base, made.duration = packet.time_base, packet.duration
            made.stream = stream
            target.mux(made)
    frames = assert_healthy(path, 25 - len(repeats))
    assert float(frames[-1].time) == pytest.approx(0.96)


# Joined transport streams ------------------------------------------------------------------------


def part(path: Path, *options: object, start: float = 0, lasts: float = 1.0) -> Path:
    codec = options or H264
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=96x64:r=25:d={lasts}", *codec, "-output_ts_offset",
           start, path)  # fmt: skip
    return path


@pytest.mark.parametrize("lengths", [(1.0, 1.0, 1.0), (0.4, 1.2, 0.8), (0.88, 1.08)], ids=str)
@pytest.mark.parametrize("goes_on", [False, True], ids=["clock anew", "clock goes on"])
def test_joined_parts_are_whole(lengths: tuple[float, ...], goes_on: bool, tmp_path: Path) -> None:
    """Their counters break at each seam. Seen to fail: the frames at it were taken for damaged."""
    parts, start = [], 0.0
    for number, lasts in enumerate(lengths):
        parts.append(part(tmp_path / f"{number}.ts", start=start, lasts=lasts))
        start += lasts if goes_on else 0
    path = tmp_path / "in.ts"
    path.write_bytes(b"".join(each.read_bytes() for each in parts))
    frames = assert_healthy(path, round(sum(lengths) * 25))
    assert frames[0].time == 0
    assert frames[-1].time == pytest.approx(sum(lengths) - 0.04, abs=0.02)


def lacking(path: Path, target: Path, where: float) -> Path:
    """Leave some packets out of a transport stream."""
    content = bytearray(path.read_bytes())
    middle = int(len(content) * where) // 188 * 188
    del content[middle : middle + 188 * 5]
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("where", [0.2, 0.35, 0.5, 0.65, 0.8])
def test_what_is_torn_out_of_a_transport_stream_is_noticed(where: float, tmp_path: Path) -> None:
    whole = part(tmp_path / "whole.ts", "-c:v", "libx264", "-g", 25, "-pix_fmt", "yuv420p",
                 lasts=3.0)  # fmt: skip
    frames, counts = read(lacking(whole, tmp_path / "in.ts", where))
    assert counts.lost or any(frame.is_corrupt for frame in frames)


CHANGES: dict[str, tuple[tuple[object, ...], tuple[object, ...]]] = {
    "H.264 to H.265": (H264, ("-c:v", "libx265", "-x265-params", "log-level=none")),
    "H.265 to H.264": (("-c:v", "libx265", "-x265-params", "log-level=none"), H264),
    "MPEG-2 to H.264": (("-c:v", "mpeg2video"), H264),
    "another place": (H264, (*H264, "-streamid", "0:300")),
    "another place and codec": (
        H264, ("-c:v", "libx265", "-x265-params", "log-level=none", "-streamid", "0:300")
    ),
}  # fmt: skip


@pytest.mark.parametrize("goes_on", [False, True], ids=["clock anew", "clock goes on"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_codec_that_changes_is_followed(change: str, goes_on: bool, tmp_path: Path) -> None:
    """Seen to fail: the second half was lost, and the end of the first."""
    first, second = CHANGES[change]
    a = part(tmp_path / "a.ts", *first)
    b = part(tmp_path / "b.ts", *second, start=1.0 if goes_on else 0.0)
    path = tmp_path / "in.ts"
    path.write_bytes(a.read_bytes() + b.read_bytes())
    frames, counts = read(path)
    assert len(frames) == 50
    assert counts.lost == 0, counts.notices
    assert {(frame.width, frame.height) for frame in frames} == {(96, 64)}
    assert frames[0].session != frames[-1].session
    assert frames[-1].time == pytest.approx(1.96, abs=0.1)
    assert any("starts anew" in each for each in counts.notices)


@pytest.mark.parametrize("sizes", [("96x64", "128x96"), ("128x96", "96x64")], ids=str)
def test_a_size_that_changes_is_followed(sizes: tuple[str, str], tmp_path: Path) -> None:
    data = b""
    for number, size in enumerate(sizes):
        path = tmp_path / f"{number}.ts"
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d=1", *H264, "-output_ts_offset",
               number, path)  # fmt: skip
        data += path.read_bytes()
    path = tmp_path / "in.ts"
    path.write_bytes(data)
    frames = assert_healthy(path, 50)
    width, height = (int(each) for each in sizes[0].split("x"))
    assert {(frame.width, frame.height) for frame in frames} == {(width, height)}


def test_sound_follows_a_codec_that_changes(tmp_path: Path) -> None:
    data = b""
    for number, codec in enumerate((H264, ("-c:v", "mpeg2video"))):
        path = tmp_path / f"{number}.ts"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1",
               *codec, "-c:a", "mp2", path)  # fmt: skip
        data += path.read_bytes()
    path = tmp_path / "in.ts"
    path.write_bytes(data)
    with open_source(path, FrameCounts()) as source:
        frames = list(source.frames())
        sound = source.open_sound()
        assert sound is not None
        packets = list(sound.until(None))
        sound.close()
    last = packets[-1]
    assert last.dts * last.time_base == pytest.approx(Fraction(2), abs=0.15)
    assert frames[-1].time == pytest.approx(Fraction(2), abs=0.1)
