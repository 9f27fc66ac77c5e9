"""Recordings of a camera: their names, their cuts, and what links and killed processes do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.errors import SinkOpenError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runs.outputs import OnFailure, Output
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.folders import folder_below
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.retention import PatternFiles, Retention
from blurcam.sinks.segment_file import free_names, give_name
from blurcam.sinks.segments import SegmentSink
from tests.support.clips import facts, frame_times
from tests.support.clocks import HandClock
from tests.support.live_packets import RATE, START, TIME_BASE, live_encoder, packets

ROOMY = Retention(free=0)


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    with closing(live_encoder()) as encoder:
        yield encoder


def recorder(
    pattern: Path | str, encoder: Encoder, *, segment: float | None = 60, keep: Retention = ROOMY
) -> SegmentSink:
    files = PatternFiles(NamePattern(str(pattern)), keep, HandClock())
    return SegmentSink(files, encoder, segment=segment)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_a_new_file_begins_at_the_key_frame_after_each_minute(
    encoder: Encoder, tmp_path: Path, suffix: str
) -> None:
    sink = recorder(tmp_path / f"%Y-%m-%d/%H-%M-%S{suffix}", encoder, segment=10)
    for packet, wall in packets(encoder, 25):
        sink.write(packet, wall)
        now = names(tmp_path / "2026-09-21")
        assert sum(name.endswith(".part") for name in now) == 1, "the one being written"
    sink.close()
    files = sorted(tmp_path.rglob("*.*"))
    assert [f.relative_to(tmp_path).as_posix() for f in files] == [
        f"2026-09-21/14-13-20{suffix}",
        f"2026-09-21/14-13-30{suffix}",
        f"2026-09-21/14-13-40{suffix}",
    ]
    assert [len(frame_times(file)) for file in files] == [100, 100, 50]
    assert all("Video: h264" in facts(file) for file in files)


def test_no_file_is_ever_overwritten_though_the_clock_is_set_back(
    encoder: Encoder, tmp_path: Path
) -> None:
    (tmp_path / "14-12.ts").write_bytes(b"recorded before")
    sink = recorder(tmp_path / "%H-%M.ts", encoder)
    for packet, wall in packets(encoder, 12):
        is_set_back = wall >= START + 6
        sink.write(packet, wall - 60 if is_set_back else wall)
    sink.close()
    assert names(tmp_path) == ["14-12-2.ts", "14-12.ts", "14-13.ts"]
    assert (tmp_path / "14-12.ts").read_bytes() == b"recorded before"


def test_a_name_that_is_taken_at_the_last_moment_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.ts.part").write_bytes(b"new")
    with folder_below(tmp_path, tmp_path) as folder:
        assert next(free_names(folder, "a.ts")) == "a-2.ts"
        (tmp_path / "a.ts").symlink_to("nowhere")
        assert give_name(folder, "a.ts.part", "a.ts") == "a-2.ts"
    assert names(tmp_path) == ["a-2.ts", "a.ts"]
    assert (tmp_path / "a.ts").is_symlink()


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_a_recording_of_two_dark_frames_can_be_played(tmp_path: Path, suffix: str) -> None:
    """Without null packets behind them FFmpeg takes so short an MPEG-TS for something else."""
    info = StreamInfo("cam", 64, 48, PIXEL_FORMATS["gray"], TIME_BASE, Fraction(RATE))
    path = tmp_path / f"two{suffix}"
    with closing(
        open_encoder(info, EncoderOptions("h264", reorder=False, live=True), FrameCounts())
    ) as encoder:
        written = recorder(path, encoder, segment=None)
        for seq in range(2):
            plane = np.zeros((48, 64), np.uint8)
            dark = Frame((plane,), info.pixel_format, seq, seq * 90000 // RATE, TIME_BASE)
            for packet in encoder.encode(redact(dark, Coverage(seq, ()), make_effect("blur"))):
                written.write(packet, START)
        for packet in encoder.flush():
            written.write(packet, START)
        written.close()
    assert len(frame_times(path)) == 2


def test_what_a_killed_process_left_gets_its_name(encoder: Encoder, tmp_path: Path) -> None:
    pattern = tmp_path / "%H-%M-%S.mp4"
    left = recorder(pattern, encoder)
    for packet, wall in packets(encoder, 4):
        left.write(packet, wall)
    (part,) = tmp_path.glob("*.part")
    abandoned = part.read_bytes()
    left.close()
    part.write_bytes(abandoned)  # and the name is taken by now
    (tmp_path / "mine.mp4.part").write_bytes(b"somebody else's")
    (tmp_path / "14-13-19.mp4.part").write_bytes(abandoned[:40])
    recorder(pattern, encoder).close()
    assert names(tmp_path) == ["14-13-20-2.mp4", "14-13-20.mp4", "mine.mp4.part"]
    assert len(frame_times(tmp_path / "14-13-20-2.mp4")) >= 20


def test_what_lies_where_a_killed_process_wrote_is_read_as_a_recording_and_nothing_else(
    encoder: Encoder, tmp_path: Path
) -> None:
    """A playlist would have had FFmpeg open whatever file or address it names."""
    real = tmp_path / "elsewhere.ts"
    sink = recorder(real, encoder, segment=None)
    for packet, wall in packets(encoder, 2):
        sink.write(packet, wall)
    sink.close()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{real}\n#EXT-X-ENDLIST\n"
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "14-00-00.ts.part").write_text(playlist, encoding="utf-8")
    (tmp_path / "media" / "14-00-01.ts.part").symlink_to(real)
    recorder(tmp_path / "media" / "%H-%M-%S.ts", encoder).close()
    assert names(tmp_path / "media") == ["14-00-01.ts.part"], "the playlist is no recording"


def test_links_that_somebody_planted_lead_a_recording_nowhere(
    encoder: Encoder, tmp_path: Path
) -> None:
    media, victim = tmp_path / "media", tmp_path / "victim"
    media.mkdir()
    victim.mkdir()
    (victim / "14-13-20.ts").write_bytes(b"precious")
    (media / "14-13-20.ts.part").symlink_to(victim / "14-13-20.ts")
    (media / "14-13-20-2.ts.part").symlink_to(victim / "new.ts")
    (media / "14-13-20-3.ts").symlink_to(victim / "new.ts")
    sink = recorder(media / "%H-%M-%S.ts", encoder)
    for packet, wall in packets(encoder, 2):
        sink.write(packet, wall)
    sink.close()
    assert [path.name for path in victim.iterdir()] == ["14-13-20.ts"]
    assert (victim / "14-13-20.ts").read_bytes() == b"precious"
    assert len(frame_times(media / "14-13-20-4.ts")) == 20
    (tmp_path / "days").mkdir()
    (tmp_path / "days" / "2026-09-21").symlink_to(victim)
    with pytest.raises(SinkOpenError, match="cannot be written"):
        sink = recorder(tmp_path / "days" / "%Y-%m-%d" / "%H-%M-%S.ts", encoder)
        for packet, wall in packets(encoder, 2):
            sink.write(packet, wall)
    sink.close()
    assert [path.name for path in victim.iterdir()] == ["14-13-20.ts"]


def test_a_folder_that_becomes_a_link_while_a_recording_is_written_is_not_followed(
    encoder: Encoder, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    sink = recorder(tmp_path / "media" / "%Y" / "%H-%M-%S.ts", encoder)
    for packet, wall in packets(encoder, 2):
        sink.write(packet, wall)
        if wall == START:
            (tmp_path / "media" / "2026").rename(tmp_path / "moved")
            (tmp_path / "media" / "2026").symlink_to(victim)
    sink.close()
    assert not list(victim.iterdir())
    assert len(frame_times(tmp_path / "moved" / "14-13-20.ts")) == 20


def test_one_output_that_cannot_be_opened_stops_no_other(encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    clock = HandClock()

    def output(folder: str) -> Output:
        files = PatternFiles(NamePattern(str(tmp_path / folder / "%H.ts")), ROOMY, clock)
        return Output(
            folder,
            lambda: SegmentSink(files, encoder, segment=None),
            OnFailure.REOPEN,
            FrameCounts(),
            clock,
        )

    bad, good = output("file"), output("fine")
    for packet, wall in packets(encoder, 2):
        for each in (bad, good):
            each.write(packet, wall)
    for each in (bad, good):
        each.finish()
        each.close()
    assert "cannot be" in (bad.status().error or "")
    assert good.status().up
    assert len(frame_times(tmp_path / "fine" / "14.ts")) == 20


def test_a_second_recorder_by_the_same_pattern_is_refused_until_the_first_ends(
    encoder: Encoder, tmp_path: Path
) -> None:
    pattern = tmp_path / "%H-%M-%S.ts"
    first = recorder(pattern, encoder)
    with pytest.raises(SinkOpenError, match="another process records by this pattern"):
        recorder(pattern, encoder)
    with pytest.raises(SinkOpenError, match="which can make the same names"):
        recorder(tmp_path / "%H-%M.ts", encoder)
    recorder(tmp_path / "back-%H.ts", encoder).close()
    first.close()
    recorder(pattern, encoder).close()
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_process_that_was_killed_holds_nobody_up(
    encoder: Encoder, tmp_path: Path
) -> None:
    pattern = tmp_path / "%H-%M-%S.ts"
    pid = os.fork()
    if not pid:
        recorder(pattern, encoder)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert list(tmp_path.glob(".blurcam-*.lock")), "left behind"
    recorder(pattern, encoder).close()
    assert not list(tmp_path.iterdir())
