"""Recordings of a camera: their names, their cuts, and what goes when it gets too much."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.errors import SinkWriteError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runtime.counts import FrameCounts
from blurcam.sinks.camera_outputs import CameraOutput
from blurcam.sinks.retention import PatternFiles, Retention
from blurcam.sinks.segments import SegmentSink, free_name, named
from tests.support.clips import facts, frame_times
from tests.support.clocks import HandClock

TIME_BASE = Fraction(1, 90000)
RATE = 10
ROOMY = Retention(free=0)
START = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    info = StreamInfo("cam", 64, 48, PIXEL_FORMATS["yuv420p"], TIME_BASE, Fraction(RATE))
    encoder = open_encoder(info, EncoderOptions("h264", reorder=False, live=True), FrameCounts())
    yield encoder
    encoder.close()


def packets(encoder: Encoder, seconds: float) -> Iterator[tuple[RedactedPacket, float]]:
    """Yield the packets of so much grey noise, each with its time of day."""
    rng = np.random.default_rng(1)
    for seq in range(round(seconds * RATE)):
        planes = tuple(
            rng.integers(0, 255, shape, np.uint8) for shape in ((48, 64), (24, 32), (24, 32))
        )
        pts = seq * 90000 // RATE
        frame = Frame(planes, PIXEL_FORMATS["yuv420p"], seq, pts, TIME_BASE)
        picture = redact(frame, Coverage(seq, ()), make_effect("blur"))
        for packet in encoder.encode(picture):
            yield packet, START + seq / RATE


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_a_new_file_begins_at_the_key_frame_after_each_minute(
    encoder: Encoder, tmp_path: Path, suffix: str
) -> None:
    clock = HandClock()
    pattern = str(tmp_path / f"%Y-%m-%d/%H-%M-%S{suffix}")
    sink = SegmentSink(pattern, encoder, clock, segment=10, keep=ROOMY)
    for packet, wall in packets(encoder, 25):
        sink.write(packet, wall)
        now = sorted(path.name for path in tmp_path.rglob("*.*"))
        assert sum(name.endswith(".part") for name in now) == 1, "the one being written"
    sink.finish()
    files = sorted(tmp_path.rglob("*.*"))
    assert [f.relative_to(tmp_path).as_posix() for f in files] == [
        f"2026-09-21/14-13-20{suffix}",
        f"2026-09-21/14-13-30{suffix}",
        f"2026-09-21/14-13-40{suffix}",
    ]
    assert [len(frame_times(file)) for file in files] == [100, 100, 50]
    assert all("Video: h264" in facts(file) for file in files)


def test_names_are_utc_or_bear_their_offset() -> None:
    assert named("%H-%M-%S.ts", START) == Path("14-13-20.ts")
    local = datetime.fromtimestamp(START, UTC).astimezone()
    assert named("%H%M%S%z.ts", START) == Path(local.strftime("%H%M%S%z.ts"))


def test_no_file_is_ever_overwritten_though_the_clock_is_set_back(
    encoder: Encoder, tmp_path: Path
) -> None:
    sink = SegmentSink(str(tmp_path / "%H-%M.ts"), encoder, HandClock(), segment=60, keep=ROOMY)
    for packet, wall in packets(encoder, 12):
        is_set_back = wall >= START + 6
        sink.write(packet, wall - 60 if is_set_back else wall)
    sink.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["14-12.ts", "14-13.ts"]
    assert free_name(tmp_path / "14-13.ts").name == "14-13-2.ts"


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_a_recording_of_two_dark_pictures_can_be_played(tmp_path: Path, suffix: str) -> None:
    """Without null packets behind them FFmpeg takes so short an MPEG-TS for something else."""
    info = StreamInfo("cam", 64, 48, PIXEL_FORMATS["gray"], TIME_BASE, Fraction(RATE))
    path = tmp_path / f"two{suffix}"
    with closing(
        open_encoder(info, EncoderOptions("h264", reorder=False, live=True), FrameCounts())
    ) as encoder:
        written = SegmentSink(str(path), encoder, HandClock(), segment=None, keep=ROOMY)
        for seq in range(2):
            plane = np.zeros((48, 64), np.uint8)
            dark = Frame((plane,), info.pixel_format, seq, seq * 90000 // RATE, TIME_BASE)
            for packet in encoder.encode(redact(dark, Coverage(seq, ()), make_effect("blur"))):
                written.write(packet, START)
        for packet in encoder.flush():
            written.write(packet, START)
        written.finish()
    assert len(frame_times(path)) == 2


def test_what_a_killed_process_left_gets_its_name(encoder: Encoder, tmp_path: Path) -> None:
    clock = HandClock()
    pattern = str(tmp_path / "%H-%M-%S.mp4")
    left = SegmentSink(pattern, encoder, clock, segment=60, keep=ROOMY)
    for packet, wall in packets(encoder, 4):
        left.write(packet, wall)
    (part,) = tmp_path.iterdir()
    abandoned = part.read_bytes()
    left.finish()
    (tmp_path / "14-13-20.mp4").unlink()
    part.write_bytes(abandoned)
    (tmp_path / "mine.mp4.part").write_bytes(b"somebody else's")
    (tmp_path / "14-13-19.mp4.part").write_bytes(abandoned[:40])
    SegmentSink(pattern, encoder, clock, segment=60, keep=ROOMY)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["14-13-20.mp4", "mine.mp4.part"]
    assert len(frame_times(tmp_path / "14-13-20.mp4")) >= 20


def recordings(folder: Path, count: int, size: int = 1000) -> list[Path]:
    """Make files such as the pattern names, a minute apart, the oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for n in range(count):
        path = folder / f"2026-01-01_00-{n:02d}.ts"
        path.write_bytes(bytes(size))
        os.utime(path, (START + 60 * n, START + 60 * n))
        made.append(path)
    return made


def test_recordings_go_when_they_are_old_or_too_many_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    made = recordings(tmp_path / "a", 10)
    foreign = [tmp_path / "a" / "notes.txt", tmp_path / "a" / "holiday.ts"]
    for path in foreign:
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    clock = HandClock(now=600.0)
    pattern = str(tmp_path / "a" / "%Y-%m-%d_%H-%M.ts")
    PatternFiles(pattern, Retention(seconds=420, free=0), clock).tend(made[-1])
    assert [path.exists() for path in made] == [False] * 3 + [True] * 7
    shelf = PatternFiles(pattern, Retention(bytes=4000, free=0), clock)
    shelf.tend(made[-1])
    assert [path.exists() for path in made[3:]] == [False] * 2 + [True] * 5
    assert all(path.exists() for path in foreign)
    assert shelf.storage is not None
    assert (shelf.storage.kept, shelf.storage.oldest) == (4000, START + 300)


def test_folders_that_are_empty_go_with_their_recordings(tmp_path: Path) -> None:
    for day in ("2026-01-01", "2026-01-02"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "00.ts").write_bytes(b"x")
        os.utime(tmp_path / day / "00.ts", (START, START))
    clock = HandClock(now=1000.0)
    (tmp_path / "2026-01-02" / "notes.txt").write_bytes(b"x")
    PatternFiles(str(tmp_path / "%Y-%m-%d" / "%H.ts"), Retention(seconds=60, free=0), clock).tend(
        tmp_path
    )
    assert [path.name for path in tmp_path.iterdir()] == ["2026-01-02"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes; skips where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_the_oldest_recordings_go(small_disk: Path, encoder: Encoder) -> None:
    made = recordings(small_disk, 5, size=700_000)
    sink = SegmentSink(
        str(small_disk / "%Y-%m-%d_%H-%M.ts"), encoder, HandClock(), segment=60,
        keep=Retention(free=1_500_000),
    )  # fmt: skip
    for packet, wall in packets(encoder, 3):
        sink.write(packet, wall)
    sink.finish()
    assert [path.exists() for path in made] == [False, False, True, True, True]
    assert len(frame_times(small_disk / "2026-09-21_14-13.ts")) == 30


def test_a_full_disk_stops_the_recorder_and_room_starts_it_again(
    small_disk: Path, encoder: Encoder
) -> None:
    (ballast,) = recordings(small_disk / "others", 1, size=3_000_000)
    clock = HandClock()
    keep = Retention(free=2_000_000, delete_when_full=False)

    def record(encoder: Encoder) -> SegmentSink:
        return SegmentSink(str(small_disk / "%H-%M-%S.ts"), encoder, clock, segment=3600, keep=keep)

    outlet = CameraOutput("recordings", record, clock)
    for packet, wall in packets(encoder, 12):
        clock.now = wall - START
        if clock.now == 6.0:
            assert not outlet.status().up
            assert "the disk is full" in (outlet.status().error or "")
            ballast.unlink()
        outlet.write(packet, wall, encoder)
    assert outlet.status().up
    outlet.finish()
    (file,) = small_disk.glob("*.ts")
    assert frame_times(file)


def test_writing_onto_a_disk_that_is_truly_full_is_an_error_of_that_output(
    small_disk: Path, encoder: Encoder
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((4 << 20) - 40_000))
    sink = SegmentSink(
        str(small_disk / "%H-%M-%S.ts"), encoder, HandClock(), segment=3600, keep=ROOMY
    )
    with pytest.raises(SinkWriteError, match="No space left on device"):
        for packet, wall in packets(encoder, 300):
            sink.write(packet, wall)
    sink.close()


def test_one_output_that_cannot_be_opened_stops_no_other(encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    clock = HandClock()

    def opener(folder: str) -> CameraOutput:
        return CameraOutput(
            folder,
            lambda e: SegmentSink(
                str(tmp_path / folder / "%H.ts"), e, clock, segment=None, keep=ROOMY
            ),
            clock,
        )

    bad, good = opener("file"), opener("fine")
    for packet, wall in packets(encoder, 2):
        for outlet in (bad, good):
            outlet.write(packet, wall, encoder)
    for outlet in (bad, good):
        outlet.finish()
    assert "cannot be written" in (bad.status().error or "")
    assert good.status().up
    assert len(frame_times(tmp_path / "fine" / "14.ts")) == 20
