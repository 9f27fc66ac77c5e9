"""Streams as they come: recognised, waited for, changed in the middle, cut short, damaged."""

from __future__ import annotations

import itertools
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from blurcam.errors import SourceError, SourceOpenError
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.pipe import FromName, RawLayout
from blurcam.sources.descriptor import InputDescriptor
from blurcam.sources.pipe import open_pipe
from blurcam.sources.signatures import recognise
from tests.support.clips import ffmpeg, moving_clip
from tests.support.streams import INPUTS, LOSSY, as_stream

LAYOUT = RawLayout("64x48")


class Fed:
    """An descriptor that a thread of the test's feeds, in pieces of a given size."""

    def __init__(self, data: bytes, piece: int = 1 << 16, *, ends: bool = True) -> None:
        reading, self.writing = os.pipe()
        self.descriptor = InputDescriptor(reading, "test")
        self._thread = threading.Thread(target=self._feed, args=(data, piece, ends))
        self._thread.start()

    def _feed(self, data: bytes, piece: int, ends: bool) -> None:
        try:
            for start in range(0, len(data), piece):
                os.write(self.writing, data[start : start + piece])
        except BrokenPipeError:
            pass  # the reader has had enough
        if ends:
            os.close(self.writing)

    def close(self) -> None:
        self.descriptor.release()
        self._thread.join()


def frames_of(
    data: bytes,
    kind: FromName | None = None,
    counts: FrameCounts | None = None,
    piece: int = 1 << 16,
) -> list[Frame]:
    """Read a whole stream from a pipe."""
    with closing(Fed(data, piece)) as fed:
        source = open_pipe(fed.descriptor, kind, LAYOUT, counts or FrameCounts())
        with closing(source):
            return list(source.frames())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving_clip(tmp_path_factory.mktemp("streams") / "clip.mkv", "-qp", "0", "-bf", "0")


@pytest.fixture(scope="module")
def streams(clip: Path) -> dict[str, bytes]:
    return {kind: as_stream(clip, kind).read_bytes() for kind in INPUTS}


def recoded(clip: Path, kind: str, *options: object) -> bytes:
    """The same moving picture, in the same container, made otherwise."""
    words = [word for word in INPUTS[kind] if word not in ("libx264", "-qp", "0", "-bf")]
    path = clip.with_name("recoded")
    container = words[words.index("-f") + 1 :]
    ffmpeg("-i", clip, *options, "-f", *container, path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("piece", [1 << 16, 333])
def test_every_kind_gives_every_frame_however_it_is_cut_up(
    streams: dict[str, bytes], kind: FromName, piece: int
) -> None:
    counts = FrameCounts()
    frames = frames_of(streams[kind], "raw" if kind == "raw" else None, counts, piece)
    assert [frame.seq for frame in frames] == list(range(25))
    assert (counts.frames_in, counts.lost) == (25, 0)
    step = frames[1].time - frames[0].time
    assert float(step) == pytest.approx(0.04, abs=1e-4)


@pytest.mark.parametrize("kind", [kind for kind in INPUTS if kind not in LOSSY])
def test_lossless_streams_give_the_same_samples(streams: dict[str, bytes], kind: FromName) -> None:
    wanted = frames_of(streams["raw"], "raw")
    for one, other in zip(frames_of(streams[kind], kind), wanted, strict=True):
        for a, b in zip(one.planes, other.planes, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", [kind for kind in INPUTS if kind != "raw"])
def test_streams_are_recognised_by_their_first_bytes(
    streams: dict[str, bytes], kind: FromName
) -> None:
    with closing(Fed(streams[kind])) as fed:
        assert recognise(fed.descriptor) == kind


def test_a_transport_stream_may_begin_within_a_packet(streams: dict[str, bytes]) -> None:
    with closing(Fed(streams["ts"][100:])) as fed:
        assert recognise(fed.descriptor) == "ts"


@pytest.mark.parametrize("data", [b"these are only words\n" * 100, b"\0" * 5000, b"GIF89a", b"x"])
def test_what_is_no_stream_is_refused(data: bytes) -> None:
    with closing(Fed(data)) as fed, pytest.raises(SourceOpenError, match="by its first bytes"):
        recognise(fed.descriptor)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"#EXTM3U\n#EXTINF:2,\na.ts\n", "a playlist, which names recordings"),
        (b"\xef\xbb\xbf#EXTM3U\na.mp4\n", "ffmpeg -i LIST -c copy -f mpegts -"),
        (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', "a playlist"),
        (b"ffconcat version 1.0\nfile 'a.mp4'\n", "a playlist"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "a playlist"),
        (b"\0\0\0\x10stypmsdh\0\0\0\0\0\0\0\x08moof", "cat INIT.mp4 SEGMENT.m4s | blurcam run -"),
    ],
)
def test_what_is_of_use_only_with_others_is_refused_with_what_to_type_instead(
    data: bytes, said: str
) -> None:
    with closing(Fed(data)) as fed, pytest.raises(SourceOpenError, match=re.escape(said)):
        recognise(fed.descriptor)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\1\x09\x10\0\0\0\1\x67\x42\0\x1e", "h264"),  # an access unit delimiter first
        (b"\0\0\1\x27\x4d\0\x1e\0\0\1\x28\xee\x3c\x80", "h264"),
        (b"\0\0\0\1\x06\x05\xff\xff\xaa\xdc\x45\xe9", "h264"),
        (b"\0\0\0\1\x46\x01\x50\0\0\1\x40\x01\x0c", "h265"),
        (b"\0\0\0\1\x40\x01\x0c\x01\xff\xff\x01\x60", "h265"),
        (b"\0\0\1\xb0\x01\0\0\1\xb5\x89\x13", "mpeg4"),
        (b"\0\0\1\0\0\0\1\x20\0\xc4\x88", "mpeg4"),
        (b"\r\n--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n", "multipart"),
        (b"--b\nX-Time: 3\nContent-type: image/jpeg\n\n\xff\xd8", "multipart"),
    ],
)
def test_a_bare_stream_is_known_by_its_first_unit(data: bytes, kind: str) -> None:
    with closing(Fed(data)) as fed:
        assert recognise(fed.descriptor) == kind


def test_nothing_at_all_is_refused() -> None:
    with closing(Fed(b"")) as fed, pytest.raises(SourceOpenError, match="before its first byte"):
        recognise(fed.descriptor)


def test_a_plain_mp4_is_refused_with_what_to_type_instead(clip: Path) -> None:
    plain = clip.with_name("plain.mp4")
    ffmpeg("-i", clip, "-c", "copy", plain)
    with pytest.raises(SourceOpenError, match=re.escape("-f mpegts - | blurcam pipe")):
        frames_of(plain.read_bytes())


def test_a_plain_mp4_with_its_index_first_is_read(clip: Path) -> None:
    plain = clip.with_name("first.mp4")
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "+faststart", plain)
    assert len(frames_of(plain.read_bytes())) == 25


CHANGES = [kind for kind in INPUTS if kind not in ("raw", "multipart")]
# FFmpeg's MPEG-2 decoder holds a picture back, and forgets it where the size changes.
FORGETFUL = ("ps", "mpeg2")


@pytest.mark.parametrize("kind", CHANGES)
def test_a_stream_that_changes_size_goes_on_in_a_new_session_at_the_first_size(
    clip: Path, streams: dict[str, bytes], kind: FromName
) -> None:
    other = as_stream(clip, kind, f"larger.{kind}", "-vf", "scale=128:96").read_bytes()
    counts = FrameCounts()
    frames = frames_of(streams[kind] + other, None, counts)
    forgotten = int(kind in FORGETFUL)
    assert len(frames) == 50 - forgotten, counts.notices
    assert {(frame.width, frame.height) for frame in frames} == {(64, 48)}
    assert frames[24 - forgotten].session != frames[25 - forgotten].session
    assert all(b.time > a.time for a, b in itertools.pairwise(frames))
    assert counts.lost == forgotten


@pytest.mark.parametrize("kind", ["ts", "nut", "matroska", "mp4", "flv"])
@pytest.mark.parametrize("piece", [1 << 16, 1000])
def test_a_stream_that_changes_codec_goes_on_in_a_new_session(
    clip: Path, streams: dict[str, bytes], kind: FromName, piece: int
) -> None:
    codec = {"ts": "mpeg2video", "flv": "flv1"}.get(kind, "mpeg4")
    other = recoded(clip, kind, "-c:v", codec, "-q:v", 3, "-bf", 0)
    counts = FrameCounts()
    frames = frames_of(streams[kind] + other + streams[kind], None, counts, piece)
    sessions = Counter(frame.session for frame in frames)
    assert len(sessions) == 3, counts.notices
    assert len(frames) >= 73, counts.notices
    assert {(frame.width, frame.height) for frame in frames} == {(64, 48)}


def test_a_frame_is_there_with_its_last_byte(streams: dict[str, bytes]) -> None:
    size = 64 * 48 * 3 // 2
    reading, writing = os.pipe()
    descriptor = InputDescriptor(reading, "test")
    os.write(writing, streams["raw"][:size])
    source = open_pipe(descriptor, "raw", LAYOUT, FrameCounts())
    frames = source.frames()
    assert next(frames).seq == 0  # would wait for ever if it wanted more
    os.write(writing, streams["raw"][size : size * 2 - 1])
    os.write(writing, streams["raw"][size * 2 - 1 : size * 2])
    assert next(frames).seq == 1
    os.close(writing)
    assert list(frames) == []
    descriptor.release()


@pytest.mark.parametrize("kind", ["raw", "y4m"])
def test_half_a_picture_at_the_end_is_lost_and_counted(
    streams: dict[str, bytes], kind: FromName
) -> None:
    counts = FrameCounts()
    assert len(frames_of(streams[kind][:-1000], kind, counts)) == 24
    assert counts.lost == 1


@pytest.mark.parametrize("kind", INPUTS)
def test_interrupting_ends_whoever_waits(streams: dict[str, bytes], kind: FromName) -> None:
    data = streams[kind][: len(streams[kind]) * 3 // 4]
    fed = Fed(data, ends=False)
    with closing(fed):
        source = open_pipe(fed.descriptor, kind, LAYOUT, FrameCounts())
        frames: Iterator[Frame] = source.frames()
        next(frames)
        # From another thread, while this one waits for what will never come.
        timer = threading.Timer(0.2, fed.descriptor.interrupt)
        timer.start()
        try:
            rest = list(frames)
        except SourceError:
            rest = []  # Matroska takes an end within a block for a fault
        assert len(rest) < 25
        timer.join()
        os.close(fed.writing)


def test_interrupting_ends_whoever_waits_for_the_first_byte() -> None:
    fed = Fed(b"", ends=False)
    with closing(fed):
        timer = threading.Timer(0.2, fed.descriptor.interrupt)
        timer.start()
        with pytest.raises(SourceOpenError):
            open_pipe(fed.descriptor, None, LAYOUT, FrameCounts())
        timer.join()
        os.close(fed.writing)


def test_the_intake_ends_when_the_reader_of_the_output_has_gone() -> None:
    reading, writing = os.pipe()
    out_reading, out_writing = os.pipe()
    descriptor = InputDescriptor(reading, "test", gone=out_writing)
    os.close(out_reading)
    assert descriptor.read(10) == b""
    descriptor.release()
    os.close(writing)
    os.close(out_writing)


def mutated(data: bytes, seed: int) -> bytes:
    """Flip, cut, repeat, insert or swap bytes somewhere."""
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.choice((1, 3, 20))):
        place, length = rng.randrange(len(out)), rng.randrange(1, 400)
        match rng.randrange(5):
            case 0:
                out[place] ^= 1 << rng.randrange(8)
            case 1:
                del out[place : place + length]
            case 2:
                out[place:place] = out[place : place + length]
            case 3:
                out[place:place] = rng.randbytes(length)
            case 4:
                out[place : place + length] = rng.randbytes(length)
        if not out:
            break
    return bytes(out)


@pytest.mark.parametrize("kind", INPUTS)
def test_no_damage_hangs_or_crashes_the_reading(streams: dict[str, bytes], kind: FromName) -> None:
    for seed in range(25):
        told = ""
        try:
            assert frames_of(mutated(streams[kind], seed), kind)
        except SourceError as exc:
            told = str(exc)
        assert "\n" not in told
