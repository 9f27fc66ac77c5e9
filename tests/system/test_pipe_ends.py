"""How a pipe ends: signals, and slow, dead and rude neighbours, all of them real processes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests.support.clips import FFMPEG, frame_hashes
from tests.support.streams import (
    ENV,
    HEIGHT,
    RATE,
    SIZE,
    WIDTH,
    as_stream,
    command,
    face_clip,
    pipe,
    planes,
)

FRAME = WIDTH * HEIGHT * 3 // 2


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_clip(tmp_path_factory.mktemp("ends") / "clip.mkv", 1)


@pytest.fixture(scope="module")
def raw(clip: Path) -> bytes:
    return as_stream(clip, "raw").read_bytes()


@pytest.fixture(scope="module")
def ts(clip: Path) -> bytes:
    return as_stream(clip, "ts").read_bytes()


class Neighbours:
    """blurcam between a writer that goes on for ever, at a camera's pace, and a reader."""

    def __init__(self, raw: bytes, *args: object, frames: int | None = None) -> None:
        self.process = subprocess.Popen(
            command(*SIZE, *args), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=ENV,
        )  # fmt: skip
        self.received = bytearray()
        self.some = threading.Event()
        self.reads = True
        self._stop = threading.Event()
        self._raw = raw
        self._frames = frames
        self._threads = [threading.Thread(target=self._write), threading.Thread(target=self._read)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        assert self.process.stdin is not None
        count = len(self._raw) // FRAME
        n = 0
        try:
            while not self._stop.is_set() and n != self._frames:
                place = n % count * FRAME
                self.process.stdin.write(self._raw[place : place + FRAME])
                n += 1
                self._stop.wait(1 / RATE)
            if self._frames is not None:
                self.process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass

    def _read(self) -> None:
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            self.received += data
            self.some.set()
            while not self.reads and not self._stop.is_set():
                self._stop.wait(0.05)

    def end(self, number: signal.Signals | None = None, timeout: float = 60) -> tuple[int, str]:
        """Send a signal; return the exit code and what was said."""
        assert self.process.stderr is not None
        assert self.process.stdin is not None
        if number is not None:
            self.process.send_signal(number)
        try:
            said = self.process.stderr.read().decode()  # until it is closed
            return self.process.wait(timeout), said
        finally:
            self._stop.set()
            self.process.kill()
            for thread in self._threads:
                thread.join()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                with suppress(BrokenPipeError):
                    assert stream is not None
                    stream.close()


@pytest.mark.parametrize(("number", "to"), [(signal.SIGINT, "matroska"), (signal.SIGTERM, "y4m")])
def test_a_signal_is_a_normal_end_and_the_stream_well_formed(
    raw: bytes, tmp_path: Path, number: signal.Signals, to: str
) -> None:
    tee = tmp_path / "tee.mp4"
    running = Neighbours(raw, "--to", to, "--tee", tee, "--summary", tmp_path / "s.json")
    assert running.some.wait(timeout=120)
    while len(running.received) < 20_000:
        assert running.process.poll() is None
        time.sleep(0.02)
    code, said = running.end(number)
    assert code == 0, said
    assert "Traceback" not in said
    found = planes(bytes(running.received), to)  # which takes no complaint
    summary = json.loads((tmp_path / "s.json").read_text())
    assert len(found) == summary["frames_redacted"] + summary["frames_covered_whole"] > 0
    assert len(frame_hashes(tee)) == len(found)
    left = summary["frames_in"] - len(found) - summary["frames_dropped"]
    assert left == 0


def test_a_signal_ends_it_while_its_reader_does_not_read(raw: bytes) -> None:
    running = Neighbours(raw, "--to", "raw", "--profile", "near")
    running.reads = False
    assert running.some.wait(timeout=120)
    deadline = time.monotonic() + 240
    assert running.process.stdout is not None
    while not _is_full(running.process.stdout):
        assert time.monotonic() < deadline
    code, said = running.end(signal.SIGTERM)
    assert code == 0, said
    assert "its reader took nothing more" in said


def _is_full(pipe: IO[bytes]) -> bool:
    """Whether much waits in a pipe that nobody reads, and nothing is added for a while."""
    before = _waiting(pipe)
    time.sleep(1)
    return before > 65536 and _waiting(pipe) == before


def _waiting(pipe: IO[bytes]) -> int:
    return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_frame_ends_it_with_nothing_written(
    number: signal.Signals,
) -> None:
    running = Neighbours(b"\0" * FRAME, "--quiet", frames=0)
    # Let it wait for a first frame that never comes.
    assert running.process.stdin is not None
    while not _waits(running.process.pid):
        assert running.process.poll() is None
        time.sleep(0.05)
    code, said = running.end(number)
    assert (code, said) == (0, "")
    assert running.received == b""


def _waits(pid: int) -> bool:
    """Whether the process handles SIGTERM itself by now (bit 14 of the mask of caught signals)."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


def test_a_reader_that_goes_away_is_a_normal_end(raw: bytes) -> None:
    running = Neighbours(raw, "--to", "mp4")
    assert running.some.wait(timeout=120)
    assert running.process.stdout is not None
    running.reads = False
    _close(running.process.stdout)
    code, said = running.end()
    assert code == 0, said
    assert "its reader went away" in said
    assert "Traceback" not in said


def _close(stream: IO[bytes]) -> None:
    """Close a descriptor that another thread may be reading, by putting nothing in its place."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def test_a_closed_standard_output_is_a_normal_end(ts: bytes) -> None:
    words = command("--quiet")
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words], input=ts, capture_output=True, env=ENV,
        timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_stream_that_comes_faster_than_it_plays_loses_nothing(raw: bytes, tmp_path: Path) -> None:
    summary = tmp_path / "s.json"
    every = ("--lead", 0, "--bridge", 0)  # every frame is searched, the last one too
    done = pipe(raw * 8, *SIZE, "--to", "raw", "--summary", summary, "--profile", "near", *every)
    told = json.loads(summary.read_text())
    assert (told["frames_in"], told["frames_dropped"]) == (8 * RATE, 0)
    assert len(done.out) == 8 * RATE * FRAME
    assert done.code == 0, done.said


def test_a_producer_that_is_faster_than_the_search_is_dropped_from_where_that_was_asked_for(
    raw: bytes, tmp_path: Path
) -> None:
    summary = tmp_path / "s.json"
    done = pipe(raw * 40, *SIZE, "--to", "raw", "--summary", summary, "--when-slow", "drop")
    assert done.code in (0, 3), done.said
    told = json.loads(summary.read_text())
    out = len(done.out) // FRAME
    assert told["frames_in"] == 40 * RATE
    assert told["frames_dropped"] > 0
    assert out == told["frames_redacted"] + told["frames_covered_whole"]
    assert out + told["frames_dropped"] == told["frames_in"]
    assert f"{told['frames_dropped']} dropped" in done.said


def test_block_loses_nothing_though_the_reader_is_slow(raw: bytes) -> None:
    words = command(*SIZE, "--to", "raw", "--when-slow", "block", "--quiet")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writer = threading.Thread(target=_write_and_close, args=(process.stdin, raw * 2))
        writer.start()
        received = b""
        while data := os.read(process.stdout.fileno(), 5000):
            received += data
        writer.join()
        assert process.wait(60) == 0
    assert len(received) == len(raw) * 2


def _write_and_close(stream: IO[bytes], data: bytes) -> None:
    for start in range(0, len(data), 7001):  # half packets, and pauses
        stream.write(data[start : start + 7001])
        stream.flush()
    stream.close()


ERRORS = {
    "words": (b"these are only words\n" * 50, (), 1, "by its first bytes"),
    "nothing": (b"", (), 1, "before its first byte"),
    "no size": (b"", ("--from", "raw"), 2, "--size"),
    "regions": (b"", ("--regions", "-"), 2, "standard output carries the video"),
    "descriptor": (b"", ("--regions", "fd:77"), 2, "descriptor 77 is not open"),
    "codec": (b"", ("--codec", "h266"), 2, "h266"),
    "short": (b"abc", SIZE, 1, "before its first complete frame"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_one_line_and_standard_output_stays_empty(name: str) -> None:
    data, args, code, told = ERRORS[name]
    done = pipe(data, *args)
    assert (done.code, done.out) == (code, b""), done.said
    assert done.said.count("\n") == 1
    assert told in done.said


def test_fifos_on_both_sides_a_side_channel_and_a_record(
    clip: Path, raw: bytes, tmp_path: Path
) -> None:
    given, taken, lines = tmp_path / "in.fifo", tmp_path / "out.fifo", tmp_path / "regions.jsonl"
    os.mkfifo(given)
    os.mkfifo(taken)
    tee = tmp_path / "tee.mkv"
    words = command(*SIZE, given, taken, "--to", "y4m", "--when-slow", "block", "--tee", tee,
                    "--regions", "fd:3", "--crf", 0)  # fmt: skip
    with subprocess.Popen(
        ["sh", "-c", 'exec "$@" 3> "$0"', str(lines), *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV,
    ) as process:  # fmt: skip
        writer = threading.Thread(target=given.write_bytes, args=(raw,))
        writer.start()
        out = taken.read_bytes()
        said = process.communicate(timeout=120)
        writer.join()
    assert process.returncode == 0, said
    assert said[0] == b""
    found = planes(out, "y4m")
    assert len(found) == RATE
    assert planes(as_stream(tee, "y4m", "tee.y4m").read_bytes(), "y4m") == found
    header, *frames = map(json.loads, lines.read_text().splitlines())
    assert (header["width"], header["height"], header["live"]) == (WIDTH, HEIGHT, True)
    assert [frame["seq"] for frame in frames] == list(range(RATE))
    assert any(region["basis"] == "detected" for frame in frames for region in frame["regions"])


def test_run_takes_a_dash_on_either_side(clip: Path, ts: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = pipe(ts, "-", out, "--quiet", name="run")
    assert (done.code, done.out, done.said) == (0, b"", "")
    assert len(frame_hashes(out)) == RATE
    done = pipe(b"", clip, "-", "--to", "y4m", "--quiet", name="run")
    assert (done.code, done.said) == (0, "")
    assert len(planes(done.out, "y4m")) == RATE


@pytest.mark.parametrize("options", [("--to", "y4m"), ("--from", "raw", "--size", "64x48")])
def test_the_commands_that_are_shown_work(clip: Path, options: tuple[str, ...]) -> None:
    shown = pipe(b"", *options, "--show-commands")
    assert (shown.code, shown.out) == (0, b"")
    line = next(line for line in shown.said.splitlines() if "recording.mkv" in line)
    out = clip.with_name("shown.mkv")
    out.unlink(missing_ok=True)
    line = line.replace("-rtsp_transport tcp -i rtsp://CAMERA/STREAM", f"-i '{clip}'")
    line = line.replace("ffmpeg ", f"'{FFMPEG}' ").replace("recording.mkv", f"'{out}'")
    line = line.replace("blurcam pipe", " ".join(command("--when-slow", "block")))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], capture_output=True, env=ENV, timeout=180,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert len(frame_hashes(out)) == RATE


@pytest.mark.slow
def test_ten_minutes_of_raw_frames_need_no_more_memory_than_one() -> None:
    words = command(*SIZE, "--to", "raw", "--when-slow", "block", "--quiet", "--profile", "near")
    still = os.urandom(FRAME)
    minute, sizes = 60 * RATE, []
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        drain = threading.Thread(target=_drain, args=(process.stdout,))
        drain.start()
        for n in range(10 * minute):
            process.stdin.write(still[n % 100 :] + still[: n % 100])
            if n % minute == minute - 1:
                sizes.append(psutil.Process(process.pid).memory_info().rss)
        process.stdin.close()
        drain.join()
        assert process.wait(60) == 0
    assert max(sizes[1:]) < sizes[0] * 1.05, sizes


def _drain(stream: IO[bytes]) -> None:
    while os.read(stream.fileno(), 1 << 20):
        pass
