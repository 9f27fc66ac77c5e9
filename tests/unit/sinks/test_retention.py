"""What of a camera's recordings is deleted, when, and what never is."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blurcam.encode.encoder import Encoder
from blurcam.errors import SinkWriteError
from blurcam.runs.outputs import OnFailure, Output
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.recording_ages import RecordingAges
from blurcam.sinks.retention import PatternFiles, Retention
from blurcam.sinks.segments import SegmentSink
from tests.support.clips import frame_times
from tests.support.clocks import HandClock
from tests.support.live_packets import START, live_encoder, packets

ROOMY = Retention(free=0)
DAY = 86_400.0
SETTLED = 200.0


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    with closing(live_encoder()) as encoder:
        yield encoder


def pattern(folder: Path) -> NamePattern:
    return NamePattern(str(folder / "%Y-%m-%d_%H-%M.ts"))


def recordings(
    folder: Path, count: int, *, size: int = 1000, begin: float = START, apart: float = 60
) -> list[Path]:
    """Make files such as the pattern names, each changed when its name says, the oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for n in range(count):
        path = pattern(folder).name_at(begin + apart * n)
        path.write_bytes(bytes(size))
        os.utime(path, (begin + apart * n, begin + apart * n))
        made.append(path)
    return made


def there(made: list[Path]) -> list[bool]:
    return [path.exists() for path in made]


def tend(files: PatternFiles, clock: HandClock, seconds: float, writing: Path) -> None:
    """Let time pass as it does while a camera records, with passes of retention."""
    end = clock.now + seconds
    while clock.now < end:
        clock.now += max(10, seconds // 1000)
        files.tend(writing)


def test_recordings_go_when_they_are_too_old_and_nothing_else_does(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    made = recordings(folder, 10)
    foreign = [folder / "notes.txt", folder / "holiday.ts", folder / "2026-01-01_00-00-1.ts"]
    for path in foreign:
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    clock = HandClock()
    files = PatternFiles(pattern(folder), Retention(seconds=800, free=0), clock)
    tend(files, clock, 1010, made[-1])
    # After 1000 s those of the first 200 s are older than 800.
    assert there(made) == [False] * 4 + [True] * 6
    assert all(path.exists() for path in foreign)


def test_recordings_go_when_they_take_more_disk_than_they_may(tmp_path: Path) -> None:
    made = recordings(tmp_path, 10, size=8000)
    clock = HandClock()
    files = PatternFiles(pattern(tmp_path), Retention(bytes=40_000, free=0), clock)
    tend(files, clock, 1000, made[-1])
    taken = made[-1].stat().st_blocks * 512
    kept = 40_000 // taken
    assert there(made) == [False] * (9 - kept) + [True] * (kept + 1)
    assert files.storage is not None
    assert files.storage.kept == kept * taken
    assert files.storage.oldest == made[9 - kept].stat().st_mtime


def test_each_deletion_is_logged_with_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = recordings(tmp_path, 2)
    clock = HandClock()
    with caplog.at_level(logging.INFO):
        files = PatternFiles(pattern(tmp_path), Retention(seconds=600, free=0), clock)
        tend(files, clock, 630, made[-1])
    assert [each.getMessage() for each in caplog.records] == [
        f"{made[0]}: deleted: it is 610 s old, and 600 s are kept (keep)"
    ]


@pytest.mark.parametrize("directive", ["%F_%T", "%D_%R", "%h-%d-%Y_%r", "%Y-%m-%_d_%P"])
def test_no_directive_keeps_recordings_for_ever(tmp_path: Path, directive: str) -> None:
    names = NamePattern(str(tmp_path / f"{directive}.ts"))
    old = names.name_at(START)
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_bytes(b"x")
    os.utime(old, (START, START))
    clock = HandClock()
    tend(PatternFiles(names, Retention(seconds=600, free=0), clock), clock, 2 * DAY, tmp_path)
    assert not old.exists()


def test_a_recording_is_as_young_as_its_name_or_its_last_change_says(tmp_path: Path) -> None:
    by_name, by_change, old = recordings(tmp_path, 3, apart=60)
    os.utime(by_name, (0, 0))
    os.utime(by_change, (START + DAY, START + DAY))
    by_change.rename(pattern(tmp_path).name_at(START - 30 * DAY))
    clock = HandClock()
    tend(PatternFiles(pattern(tmp_path), Retention(seconds=600, free=0), clock), clock, 650, old)
    assert not by_name.exists()
    assert pattern(tmp_path).name_at(START - 30 * DAY).exists()


def test_a_clock_that_is_set_eight_days_ahead_deletes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = recordings(tmp_path, 40)
    clock = HandClock(now=2400)
    files = PatternFiles(pattern(tmp_path), Retention(seconds=7 * DAY, free=0), clock)
    tend(files, clock, 600, tmp_path)
    clock.was_set = 8 * DAY
    tend(files, clock, 3600, tmp_path)
    assert all(there(made))
    assert "was set forward by 691200 s" in caplog.text
    # What is recorded by the wrong clock has its own age, and so has it when that is set back.
    clock.was_set = 0
    tend(files, clock, 3600, tmp_path)
    assert all(there(made))
    tend(files, clock, 7 * DAY, tmp_path)
    tend(files, clock, 3600, tmp_path)
    assert not any(there(made))


def test_a_box_that_boots_in_1970_keeps_what_it_recorded_when_the_time_comes(
    tmp_path: Path,
) -> None:
    clock = HandClock(was_set=-START + 60)
    files = PatternFiles(pattern(tmp_path), Retention(seconds=7 * DAY, free=0), clock)
    earlier = recordings(tmp_path, 3, begin=START - 6 * DAY)
    too_old = recordings(tmp_path, 1, begin=START - 8 * DAY)
    fresh = recordings(tmp_path, 10, begin=clock.wall())
    tend(files, clock, 600, tmp_path)
    clock.was_set = 0
    tend(files, clock, 3600, tmp_path)
    assert all(there(earlier + fresh))
    assert not any(there(too_old))
    tend(files, clock, 7 * DAY, tmp_path)
    tend(files, clock, 3600, tmp_path)
    assert not any(there(earlier + fresh))


def test_after_a_restart_what_bears_the_time_of_no_clock_counts_from_then_on(
    tmp_path: Path,
) -> None:
    made = recordings(tmp_path, 5, begin=60)
    clock = HandClock()
    files = PatternFiles(pattern(tmp_path), Retention(seconds=7 * DAY, free=0), clock)
    tend(files, clock, 6 * DAY, tmp_path)
    assert all(there(made))
    tend(files, clock, DAY, tmp_path)
    tend(files, clock, 1200, tmp_path)
    assert not any(there(made))


def test_nothing_is_deleted_for_its_age_in_the_first_minutes(tmp_path: Path) -> None:
    made = recordings(tmp_path, 1, begin=START - 30 * DAY)
    clock = HandClock()
    files = PatternFiles(pattern(tmp_path), Retention(seconds=DAY, bytes=1, free=0), clock)
    tend(files, clock, 170, tmp_path)
    assert all(there(made))
    tend(files, clock, 120, tmp_path)
    assert not any(there(made))


def test_no_more_than_a_share_of_the_recordings_goes_in_a_pass(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = recordings(tmp_path, 100, begin=START - 30 * DAY)
    clock = HandClock()
    files = PatternFiles(pattern(tmp_path), Retention(seconds=DAY, free=0), clock)
    tend(files, clock, SETTLED, tmp_path)
    left = sum(there(made))
    assert left == 90
    assert "100 of 100 recordings are due for deletion; 10 are deleted every" in caplog.text
    tend(files, clock, 60, tmp_path)
    assert sum(there(made)) == 81


def test_a_short_keep_is_kept_up_with(tmp_path: Path) -> None:
    clock = HandClock()
    files = PatternFiles(pattern(tmp_path), Retention(seconds=600, free=0), clock)
    for minute in range(60):
        recordings(tmp_path, 1, begin=clock.wall())
        tend(files, clock, 60, tmp_path)
        assert len(list(tmp_path.iterdir())) <= 11, minute


def test_ages_are_true_however_often_the_clock_is_set() -> None:
    clock = HandClock()
    ages = RecordingAges(clock)
    recorded = []
    for was_set in (0.0, 3600.0, -7200.0, 90_000.0, 90_003.0, 0.0):
        clock.was_set = was_set
        ages.compare()
        recorded.append((clock.now, clock.wall()))
        clock.now += 500
        ages.compare()
    for moment, wall in recorded:
        assert ages.least(wall) <= clock.now - moment + 5, "never older than it is"


def test_folders_that_are_empty_go_with_their_recordings(tmp_path: Path) -> None:
    for day in ("2026-01-01", "2026-01-02"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "00.ts").write_bytes(b"x")
        os.utime(tmp_path / day / "00.ts", (0, START))
    clock = HandClock()
    (tmp_path / "2026-01-02" / "notes.txt").write_bytes(b"x")
    names = NamePattern(str(tmp_path / "%Y-%m-%d" / "%H.ts"))
    tend(PatternFiles(names, Retention(seconds=60, free=0), clock), clock, 600, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["2026-01-02"]


def test_a_pattern_at_the_root_of_a_disk_does_not_walk_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2026" / "others").mkdir(parents=True)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "2026" / "00.ts").write_bytes(b"x")
    entered = []
    scandir = os.scandir

    def noting(path: str) -> object:
        entered.append(Path(path).name)
        return scandir(path)

    monkeypatch.setattr("os.scandir", noting)
    files = PatternFiles(NamePattern(str(tmp_path / "%Y" / "%H.ts")), ROOMY, HandClock())
    assert [each.path for each in files.recordings()] == [str(tmp_path / "2026" / "00.ts")]
    assert entered == [tmp_path.name, "2026"]


def test_what_a_link_leads_to_is_not_deleted(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "media"
    for made in (elsewhere / "2026-01-01", folder):
        made.mkdir(parents=True)
    (elsewhere / "2026-01-01" / "00.ts").write_bytes(b"x")
    os.utime(elsewhere / "2026-01-01" / "00.ts", (0, START))
    (folder / "2026-01-01").symlink_to(elsewhere / "2026-01-01")
    names = NamePattern(str(folder / "%Y-%m-%d" / "%H.ts"))
    clock = HandClock()
    files = PatternFiles(names, Retention(seconds=60, free=0), clock)
    tend(files, clock, 600, tmp_path)
    assert (elsewhere / "2026-01-01" / "00.ts").exists()


def test_a_folder_that_becomes_a_link_before_its_recording_is_deleted_is_not_followed(
    tmp_path: Path,
) -> None:
    """The link is put there when the deletion is logged, which is just before it happens."""
    victim, folder = tmp_path / "victim", tmp_path / "media"
    for made in (victim, folder / "2026-01-01"):
        made.mkdir(parents=True)
        (made / "00.ts").write_bytes(b"x")
        os.utime(made / "00.ts", (0, START))

    class Swap(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "deleted" in record.getMessage() and not (tmp_path / "moved").exists():
                (folder / "2026-01-01").rename(tmp_path / "moved")
                (folder / "2026-01-01").symlink_to(victim)

    clock, swap = HandClock(), Swap()
    names = NamePattern(str(folder / "%Y-%m-%d" / "%H.ts"))
    files = PatternFiles(names, Retention(seconds=60, free=0), clock)
    logger = logging.getLogger("blurcam.sinks.retention")
    logger.addHandler(swap)
    logger.setLevel(logging.INFO)
    try:
        tend(files, clock, 200, tmp_path)
    finally:
        logger.removeHandler(swap)
        logger.setLevel(logging.NOTSET)
    assert (tmp_path / "moved").exists(), "the swap took place"
    assert (victim / "00.ts").exists()


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


def recorder(names: str | Path, keep: Retention, clock: HandClock, encoder: Encoder) -> Output:
    files = PatternFiles(NamePattern(str(names)), keep, clock)
    return Output(
        "disk",
        lambda: SegmentSink(files, encoder, segment=3600),
        OnFailure.REOPEN,
        FrameCounts(),
        clock,
    )


def record(output: Output, encoder: Encoder, clock: HandClock, seconds: float) -> Iterator[float]:
    """Record, and yield the time before each packet."""
    for packet, wall in packets(encoder, seconds):
        clock.now = wall - START
        yield clock.now
        output.write(packet, wall)
    output.finish()
    output.close()


def test_on_a_full_disk_the_oldest_recordings_go(small_disk: Path, encoder: Encoder) -> None:
    made = recordings(small_disk, 5, size=700_000, begin=START - 600)
    clock = HandClock()
    output = recorder(small_disk / "%Y-%m-%d_%H-%M.ts", Retention(free=1_500_000), clock, encoder)
    for _ in record(output, encoder, clock, 6):
        assert output.status().up
    assert there(made) == [False, False, True, True, True]
    assert len(frame_times(small_disk / "2026-09-21_14-13.ts")) == 60


@pytest.mark.parametrize("others", [0, 3_000_000])
def test_deletion_that_cannot_help_is_not_begun(
    small_disk: Path, encoder: Encoder, others: int
) -> None:
    """``leave_free`` is more than the disk, or somebody else's files fill it."""
    (small_disk / "ballast").write_bytes(bytes(others))
    made = recordings(small_disk, 3, size=200_000)
    clock = HandClock()
    keep = Retention(free=2_000_000 if others else 8 << 20)
    output = recorder(small_disk / "%Y-%m-%d_%H-%M.ts", keep, clock, encoder)
    for _ in record(output, encoder, clock, 6):
        pass
    assert all(there(made))
    assert "deleting every recording would not make enough room" in (output.status().error or "")


def test_what_is_linked_from_elsewhere_frees_nothing_and_stays(
    small_disk: Path, encoder: Encoder
) -> None:
    made = recordings(small_disk, 3, size=700_000)
    for path in made:
        (small_disk / f"{path.name}.kept").hardlink_to(path)
    clock = HandClock()
    output = recorder(small_disk / "%Y-%m-%d_%H-%M.ts", Retention(free=3_000_000), clock, encoder)
    for _ in record(output, encoder, clock, 3):
        pass
    assert all(there(made))


def test_deletions_that_free_nothing_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system whose snapshots hold what was deleted."""
    made = recordings(tmp_path, 100, size=100_000)
    monkeypatch.setattr(PatternFiles, "_free", lambda self: 1_000_000)
    clock = HandClock()
    files = PatternFiles(pattern(tmp_path), Retention(free=2_000_000), clock)
    for _ in range(20):
        files.tend(tmp_path)
        clock.now += 4
    assert sum(there(made)) == 98
    clock.now += 60
    with pytest.raises(SinkWriteError, match="freed nothing"):
        files.tend(tmp_path)
    assert sum(there(made)) == 98


def test_a_full_disk_stops_the_recorder_and_room_starts_it_again(
    small_disk: Path, encoder: Encoder
) -> None:
    (ballast,) = recordings(small_disk / "others", 1, size=3_000_000)
    clock = HandClock()
    keep = Retention(free=2_000_000, delete_when_full=False)
    output = recorder(small_disk / "%H-%M-%S.ts", keep, clock, encoder)
    for now in record(output, encoder, clock, 12):
        if now == 6.0:
            assert not output.status().up
            assert "the disk is full" in (output.status().error or "")
            ballast.unlink()
    assert output.status().up
    (file,) = small_disk.glob("*.ts")
    assert frame_times(file)


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_wherever_the_disk_fills_up_what_was_recorded_plays_and_recording_goes_on(
    small_disk: Path, suffix: str
) -> None:
    """At the folder, the header, any frame, the trailer: for every second number of free blocks."""
    folder, ballast = small_disk / "media", small_disk / "ballast"
    failed = 0
    for blocks in range(0, 24, 2):
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(bytes((os.statvfs(small_disk).f_bavail - blocks) * 4096))
        clock = HandClock()
        with closing(live_encoder()) as encoder:
            output = recorder(folder / "%Y" / f"%H-%M-%S{suffix}", ROOMY, clock, encoder)
            for now in record(output, encoder, clock, 6):
                if now == 2.0:
                    failed += not output.status().up
                    ballast.write_bytes(b"")
        assert output.status().up, blocks
        files = sorted((folder / "2026").iterdir())
        assert files, blocks
        assert {file.suffix for file in files} == {suffix}, blocks
        assert all(frame_times(file) for file in files), blocks
        assert len(frame_times(files[-1])) >= 20, blocks
        shutil.rmtree(folder)
    assert 3 < failed < 12
