"""Files of redacted video, read back by an independent FFmpeg."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.encode.choice import codec_for, list_encoders, open_encoder
from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import Codec, EncoderOptions
from blurcam.errors import ConfigError, SinkError, SinkWriteError
from blurcam.media.formats import PIXEL_FORMATS, Colour, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.orientation import Orientation
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import RedactedFrame, redact
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import refuse_same
from blurcam.sinks import file
from blurcam.sinks.containers import muxer_options
from blurcam.sinks.file import FileSink, SoundOptions, open_file
from blurcam.sources.recording import open_source
from tests.support.clips import facts, ffmpeg, frame_hashes, frame_times, grey_frames, moving_clip

BASE = Fraction(1, 12800)
STEADY = [n * 512 for n in range(30)]
UNEVEN = [0, 512, 700, 1500, 3000, 3100, *[4000 + n * 640 for n in range(24)]]


def stream(width: int = 64, height: int = 48, name: str = "yuv420p", **more: object) -> StreamInfo:
    info = StreamInfo("test", width, height, PIXEL_FORMATS[name], BASE, Fraction(25), codec="h264")
    return replace(info, **more)  # type: ignore[arg-type]


def picture(info: StreamInfo, seq: int, pts: int) -> RedactedFrame:
    planes = []
    for index in range(info.pixel_format.plane_count):
        rows, columns = info.pixel_format.plane_shape(index, info.width, info.height)
        ramp = np.add.outer(np.arange(rows) * 2, np.arange(columns) * 2) + 4 * seq + 30
        samples = ramp % 180 << (info.pixel_format.depth - 8)
        planes.append(samples.astype(info.pixel_format.dtype))
    frame = Frame(tuple(planes), info.pixel_format, seq, pts, info.time_base)
    return redact(frame, Coverage(seq, ()), make_effect("blur"))


@contextmanager
def sink_for(
    path: Path,
    info: StreamInfo,
    coding: EncoderOptions,
    counts: FrameCounts | None = None,
    **more: object,
) -> Iterator[tuple[Encoder, FileSink]]:
    encoder = open_encoder(info, coding, counts or FrameCounts())
    try:
        sink = open_file(path, encoder, **more)  # type: ignore[arg-type]
        try:
            yield encoder, sink
        finally:
            sink.close()
    finally:
        encoder.close()


def write(
    path: Path, info: StreamInfo, pts: list[int], codec: str = "h264", **more: object
) -> Path:
    coding = EncoderOptions(codec, reorder=path.suffix != ".ts")  # type: ignore[arg-type]
    with sink_for(path, info, coding, **more) as (encoder, sink):
        for seq, each in enumerate(pts):
            for packet in encoder.encode(picture(info, seq, each)):
                sink.write(packet)
        for packet in encoder.flush():
            sink.write(packet)
        sink.finish()
    return path


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("pts", [STEADY, UNEVEN, [7000 + p for p in UNEVEN]])
def test_mp4_keeps_every_pts_and_the_start(tmp_path: Path, codec: str, pts: list[int]) -> None:
    path = write(tmp_path / "out.mp4", stream(), pts, codec)
    assert frame_times(path) == [p * BASE for p in pts]
    with open_source(path, FrameCounts()) as source:
        assert [frame.time for frame in source.frames()] == [p * BASE for p in pts]


@pytest.mark.parametrize(
    ("name", "most"), [("o.mkv", Fraction(1, 2000)), ("o.ts", Fraction(1, 90000))]
)
def test_other_containers_keep_every_pts_as_exactly_as_they_count(
    tmp_path: Path, name: str, most: Fraction
) -> None:
    path = write(tmp_path / name, stream(), UNEVEN)
    found = frame_times(path)
    assert len(found) == len(UNEVEN)
    assert all(abs(t - p * BASE) <= most for t, p in zip(found, UNEVEN, strict=True))


@pytest.mark.parametrize(("codec", "count"), [("h264", 30), ("h265", 101)])
def test_the_last_picture_is_shown_though_others_follow_it_in_the_file(
    tmp_path: Path, codec: str, count: int
) -> None:
    pts = [n * 512 for n in range(count)]
    assert frame_times(write(tmp_path / "out.mp4", stream(), pts, codec)) == [p * BASE for p in pts]


def test_a_picture_that_no_player_would_show_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fragments of a second, as they were: one began among the B-frames before the last picture."""
    options = muxer_options("mp4", BASE)
    options["movflags"] = options["movflags"].replace("+frag_keyframe", "")
    monkeypatch.setattr(file, "muxer_options", lambda *_: options | {"frag_duration": "1000000"})
    with pytest.raises(SinkWriteError, match="holds 100 frames where 101 were written"):
        write(tmp_path / "out.mp4", stream(), [n * 512 for n in range(101)], "h265")
    assert not (tmp_path / "out.mp4").exists()


def test_webm_holds_av1(tmp_path: Path) -> None:
    path = write(tmp_path / "out.webm", stream(), UNEVEN, "av1")
    assert "Video: av1" in facts(path)
    assert len(frame_times(path)) == len(UNEVEN)


def test_a_time_before_zero_is_moved_to_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", stream(), [p - 1024 for p in STEADY])
    assert frame_times(path) == [p * BASE for p in STEADY]


@pytest.mark.parametrize(
    ("codec", "size"), [("h264", (63, 47)), ("h265", (63, 48)), ("av1", (65, 67))]
)
def test_odd_sizes_are_kept(tmp_path: Path, codec: str, size: tuple[int, int]) -> None:
    name = "out.webm" if codec == "av1" else "out.mp4"
    path = write(tmp_path / name, stream(*size), STEADY, codec)
    assert f"{size[0]}x{size[1]}" in facts(path)
    assert ("yuv444p" in facts(path)) == (codec != "av1")


@pytest.mark.parametrize(
    ("given", "codec", "written"),
    [
        ("yuv420p10le", "h265", "yuv420p10le"),
        ("yuv420p10le", "av1", "yuv420p10le"),
        ("yuv420p10le", "h264", "yuv420p"),
        ("yuv422p", "h264", "yuv422p"),
        ("yuv444p12le", "h265", "yuv444p12le"),
        ("gray", "h264", "yuv420p"),
        ("yuv411p", "h264", "yuv422p"),
        ("yuv440p", "h264", "yuv444p"),
        ("yuv422p", "av1", "yuv420p"),
    ],
)
def test_pixel_formats_keep_what_the_codec_can(
    tmp_path: Path, given: str, codec: str, written: str
) -> None:
    path = write(tmp_path / "out.mkv", stream(name=given), STEADY[:5], codec)
    assert f"{written}(" in facts(path) or f"{written}," in facts(path)


def test_losing_bits_is_said() -> None:
    counts = FrameCounts()
    open_encoder(stream(name="yuv420p10le"), EncoderOptions("h264"), counts).close()
    assert any("10 bits become 8" in notice for notice in counts.notices)


def test_the_picture_is_what_was_given(tmp_path: Path) -> None:
    info = stream()
    path = write(tmp_path / "out.mp4", info, STEADY)
    written = grey_frames(path, 64, 48).astype(int)
    for seq in (0, 7, 29):
        given = picture(info, seq, 0).planes[0].astype(int)
        assert np.abs(written[seq] - given).mean() < 4


def test_tags_and_orientation_are_kept(tmp_path: Path) -> None:
    turned = Orientation(90, mirrored=True)
    info = stream(
        sample_aspect_ratio=Fraction(4, 3),
        orientation=turned,
        colour=Colour(1, 1, 1, full_range=True),
    )
    path = write(tmp_path / "out.mp4", info, STEADY)
    with open_source(path, FrameCounts()) as source:
        read = source.info
    assert (read.sample_aspect_ratio, read.orientation) == (Fraction(4, 3), turned)
    assert (read.colour.matrix, read.colour.full_range) == (1, True)
    said = facts(path)
    assert "SAR 4:3" in said
    assert "bt709" in said
    assert "(pc" in said


def test_interlaced_stays_interlaced(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", stream(interlaced=True, top_field_first=False), STEADY)
    with open_source(path, FrameCounts()) as source:
        assert source.info.interlaced
        assert not source.info.top_field_first


def test_nothing_else_is_in_the_container(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-f", "lavfi", "-i", "sine=d=1",
           "-metadata", "title=SECRET", "-metadata", "location=+48.1+11.5", source)  # fmt: skip
    out = write(tmp_path / "out.mp4", stream(), STEADY)
    said = facts(out)
    assert "SECRET" not in said
    assert "Audio" not in said
    assert "Chapter" not in said


def sound(path: Path, *codec: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1.2", "-f", "lavfi", "-i",
           "sine=r=8000:d=1.2", *codec, path)  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("source", "codec", "name", "written"),
    [
        ("in.mp4", ["-c:a", "aac"], "out.mp4", "aac"),
        ("in.mkv", ["-c:a", "pcm_alaw"], "out.mp4", "aac"),
        ("in.mkv", ["-c:a", "pcm_mulaw"], "out.mkv", "opus"),
        ("in.mkv", ["-c:a", "pcm_mulaw"], "out.ts", "aac"),
    ],
)
def test_sound_is_copied_or_transcoded(
    tmp_path: Path, source: str, codec: list[str], name: str, written: str
) -> None:
    with open_source(sound(tmp_path / source, *codec), FrameCounts()) as given:
        track = given.open_sound()
    assert track is not None
    counts = FrameCounts()
    audio = SoundOptions(track, "copy", counts)
    out = write(tmp_path / name, stream(), STEADY, audio=audio)
    assert any("encoded anew" in each for each in counts.notices) == (codec[1] != written)
    assert f"Audio: {written}" in facts(out)
    heard = ffmpeg("-i", out, "-map", "0:a", "-f", "framecrc", "-")
    assert len(heard.splitlines()) > 8
    assert len(frame_hashes(out)) == len(STEADY)


def test_nothing_is_under_the_name_until_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with sink_for(path, stream(), EncoderOptions("h264")) as (encoder, sink):
        for seq, pts in enumerate(STEADY):
            for packet in encoder.encode(picture(stream(), seq, pts)):
                sink.write(packet)
        assert not path.exists()
    assert not path.exists()


def test_an_unfinished_empty_file_leaves_nothing(tmp_path: Path) -> None:
    with sink_for(tmp_path / "out.mp4", stream(), EncoderOptions("h264")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused_also_if_it_appears_late(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="--overwrite"):
        write(path, stream(), STEADY)
    path.unlink()
    with sink_for(path, stream(), EncoderOptions("h264")) as (encoder, sink):
        for packet in [*encoder.encode(picture(stream(), 0, 0)), *encoder.flush()]:
            sink.write(packet)
        path.write_text("precious")
        with pytest.raises(SinkWriteError, match="appeared meanwhile"):
            sink.finish()
    assert path.read_text() == "precious"
    assert len(frame_hashes(sink.part)) == 1


def test_a_file_that_lost_frames_is_not_published(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with sink_for(path, stream(), EncoderOptions("h264")) as (encoder, sink):
        for seq, pts in enumerate(STEADY):
            for packet in encoder.encode(picture(stream(), seq, pts)):
                sink.write(packet)
        for packet in encoder.flush():
            sink.write(packet)
        sink._count += 1  # noqa: SLF001 - as if one had been written and lost
        with pytest.raises(SinkWriteError, match="holds 30 frames where 31"):
            sink.finish()
    assert not path.exists()


@pytest.mark.parametrize("name", ["out", "out.xyz"])
def test_a_name_that_tells_no_container_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"\.mp4"):
        write(tmp_path / name, stream(), STEADY)


def test_webm_refuses_h264(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="AV1"):
        write(tmp_path / "out.webm", stream(), STEADY)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist; make it first"):
        write(tmp_path / "nowhere" / "out.mp4", stream(), STEADY)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_an_unknown_preset_is_refused_by_name_and_the_encoder_is_silent(
    codec: Codec, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match='has no "warp"; choose one of ultrafast'):
        open_encoder(stream(), EncoderOptions(codec, preset="warp"), FrameCounts())
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let files of this process grow to 20 kB: like a full disk, with another errno."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.ts"])
def test_a_full_disk_is_one_line_and_publishes_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    info = stream(640, 480)
    with pytest.raises(SinkError) as caught:
        write(path, info, [n * 512 for n in range(300)])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not path.exists()


KILLED = """
import sys, time
from pathlib import Path
from tests.unit.sinks.test_file import *
info = stream()
encoder = open_encoder(info, EncoderOptions("h264"), FrameCounts())
sink = open_file(Path(sys.argv[1]), encoder)
for seq in range(500):
    for packet in encoder.encode(picture(info, seq, seq * 512)):
        sink.write(packet)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.ts"])
def test_a_killed_run_leaves_something_playable(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
    assert not path.exists()
    assert len(frame_times(tmp_path / f".{name}.part")) >= 500 - 25 - 60  # a second, and look-ahead


def test_links_to_the_input_are_the_input(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_text("video")
    (tmp_path / "soft.mp4").symlink_to(source)
    (tmp_path / "hard.mp4").hardlink_to(source)
    for name in ("in.mp4", "soft.mp4", "hard.mp4"):
        with pytest.raises(ConfigError, match="input itself"):
            refuse_same(source, tmp_path / name)
    refuse_same(source, tmp_path / "other.mp4")


def test_the_hash_is_of_the_published_bytes(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "out.mp4"
    with sink_for(path, stream(), EncoderOptions("h264")) as (encoder, sink):
        for packet in [*encoder.encode(picture(stream(), 0, 0)), *encoder.flush()]:
            sink.write(packet)
        sink.finish()
    assert sink.output_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_encoder_that_does_not_open_is_replaced_and_it_is_said(tmp_path: Path) -> None:
    absent = [
        name for name, _, opens, _ in list_encoders() if name.startswith("h264") and not opens
    ]
    if not absent:
        pytest.skip("every H.264 encoder opens here")
    counts = FrameCounts()
    encoder = open_encoder(stream(), EncoderOptions("h264", encoder=absent[0]), counts)
    assert encoder.name == "libx264"
    encoder.close()
    assert any(absent[0] in notice and "libx264" in notice for notice in counts.notices)


@pytest.mark.parametrize(
    ("coding", "told"),
    [
        (EncoderOptions("h264", encoder="nonsense"), "nonsense"),
        (EncoderOptions("h264", encoder="libx265"), "hevc"),
        (EncoderOptions("h264", preset="quick"), "preset"),
    ],
)
def test_what_no_encoder_takes_is_refused(coding: EncoderOptions, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        open_encoder(stream(), coding, FrameCounts()).close()


def test_the_codec_follows_the_name_or_the_input(tmp_path: Path) -> None:
    assert codec_for(stream(), ".mp4", None) == "h264"
    assert codec_for(stream(), ".webm", None) == "av1"
    assert codec_for(stream(codec="hevc"), ".mp4", "same") == "h265"
    with pytest.raises(ConfigError, match="gif"):
        codec_for(stream(codec="gif"), ".mp4", "same")
    clip = moving_clip(tmp_path / "in.mkv", "-c:v", "libx265", "-x265-params", "log-level=none")
    with open_source(clip, FrameCounts()) as source:
        assert codec_for(source.info, ".mkv", "same") == "h265"
