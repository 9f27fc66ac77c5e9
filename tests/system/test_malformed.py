"""Broken recordings: each ends in one line that says why, or in a correct result.

Never a crash, a hang, and no loss without a word of frames that an independent decoder finds.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from blurcam.errors import SourceReadError
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source
from tests.proof.zygote import End, Order, Pool
from tests.support.clips import FFMPEG, moving_clip

EVAL = os.environ.get("BLURCAM_EVAL_DATA")
# A hang is 30 s without output; on a machine shared by many a minute is given.
PATIENCE = 60.0
LIMITS = {resource.RLIMIT_AS: 8 << 30, resource.RLIMIT_CPU: 60}


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one recording."""

    name: str
    end: End
    stderr: str
    summary: dict[str, Any] | None
    decodable: int
    written: int

    @property
    def faults(self) -> list[str]:
        """What is wrong with how it ended."""
        found = []
        lines = [each for each in self.stderr.splitlines() if each]
        errors = [each for each in lines if "WARNING" not in each]
        code = self.end.code
        if self.end.hung:
            found.append("hung")
        if code not in (0, 1, 3):
            found.append(f"exit code {code}")
        if "internal error" in self.stderr or "Traceback" in self.stderr:
            found.append(f"a bug: {lines[-1]}")
        if not all(each.startswith("blurcam: ") for each in lines):
            found.append("words of others on standard error")
        if code == 1 and (len(errors) != 1 or self.written):
            found.append(f"{len(errors)} lines and {self.written} frames for a failure")
        if code == 1 and self.decodable > 0:
            found.append(f"nothing, where {self.decodable} frames can be decoded")
        claimed = self.written if self.summary is None else self.summary["frames_in"]
        if self.written != claimed:
            found.append(f"{claimed} frames in, {self.written} written")
        if code == 0 and self.written < self.decodable:
            found.append(f"{self.written} of {self.decodable} decodable frames, and nothing said")
        return found

    def __str__(self) -> str:
        return f"{self.name}: {'; '.join(self.faults)}"


def count(path: Path) -> int:
    """Return how many pictures FFmpeg decodes; 0 where it takes too long to say."""
    command = [FFMPEG, "-nostdin", "-v", "quiet", "-i", str(path), "-map", "0:V:0"]
    command += ["-fps_mode", "passthrough", "-f", "framecrc", "-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return 0
    return sum(not line.startswith(b"#") for line in done.stdout.splitlines())


def ending(pool: Pool, path: Path, breaks: Sequence[str] = ()) -> Ending:
    """Run a recording through blurcam, in a process with limits."""
    room = Path(tempfile.mkdtemp(prefix="proof-"))
    output, summary, stderr = room / "out.mkv", room / "summary.json", room / "stderr"
    try:
        argv = ["run", str(path), str(output), "--summary", str(summary), "--preset", "ultrafast"]
        order = Order(argv, str(stderr), breaks=list(breaks), limits=LIMITS, patience=PATIENCE)
        end = pool.run(order)
        return Ending(
            name=path.name,
            end=end,
            stderr=stderr.read_text(errors="replace"),
            summary=json.loads(summary.read_text()) if summary.exists() else None,
            decodable=count(path),
            written=count(output) if output.exists() else 0,
        )
    finally:
        shutil.rmtree(room)


def wrong(pool: Pool, paths: Sequence[Path]) -> list[str]:
    return [str(each) for each in pool.map(lambda path: ending(pool, path), paths) if each.faults]


# --- mutants


def bits(content: bytearray, rng: random.Random, rate: float) -> bytes:
    """Flip bits behind the first 200 bytes, one in ``1 / rate`` bytes, one at least."""
    for _ in range(max(1, int(len(content) * rate))):
        content[rng.randrange(200, len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def cut(content: bytearray, rng: random.Random) -> bytes:
    return bytes(content[: rng.randrange(1, len(content))])


def shuffled(content: bytearray, rng: random.Random, how: str) -> bytes:
    """Drop, double or exchange transport-stream packets, or blocks of a like size."""
    size = 188
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    for _ in range(max(1, len(blocks) // 50)):
        at = rng.randrange(2, len(blocks))
        if how == "dropped":
            blocks[at] = bytearray()
        elif how == "doubled":
            blocks[at] = blocks[at] * 2
        else:
            other = rng.randrange(2, len(blocks))
            blocks[at], blocks[other] = blocks[other], blocks[at]
    return b"".join(blocks)


MUTATIONS: dict[str, Callable[[bytearray, random.Random], bytes]] = {
    "flipped-1e-5": lambda content, rng: bits(content, rng, 1e-5),
    "flipped-1e-4": lambda content, rng: bits(content, rng, 1e-4),
    "flipped-1e-3": lambda content, rng: bits(content, rng, 1e-3),
    "flipped-1e-2": lambda content, rng: bits(content, rng, 1e-2),
    "cut": cut,
    "dropped": lambda content, rng: shuffled(content, rng, "dropped"),
    "doubled": lambda content, rng: shuffled(content, rng, "doubled"),
    "exchanged": lambda content, rng: shuffled(content, rng, "exchanged"),
}
KINDS = {
    "a.mp4": ("-c:v", "libx264"),
    "b.mkv": ("-c:v", "libx264"),
    "c.ts": ("-c:v", "libx264"),
    "d.avi": ("-c:v", "mpeg4"),
    "e.mp4": ("-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"),
    "f.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime"),
    "g.mov": ("-c:v", "mjpeg"),
}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("seeds")
    return [
        moving_clip(folder / name, *options, size="128x96", seconds=1.2)
        for name, options in KINDS.items()
    ]


def mutants(seeds: Sequence[Path], folder: Path, many: int) -> Iterator[Path]:
    """Write so many mutants, the same ones each time."""
    names = list(MUTATIONS)
    for number in range(many):
        seed, how = seeds[number % len(seeds)], names[number // len(seeds) % len(names)]
        rng = random.Random(f"{number} {how}")
        path = folder / f"{number:03}-{how}{seed.suffix}"
        path.write_bytes(MUTATIONS[how](bytearray(seed.read_bytes()), rng))
        yield path


def hostile(folder: Path) -> Iterator[Path]:
    """Write recordings whose headers lie or are beyond all measure."""
    plain = moving_clip(folder / "plain.mp4", "-c:v", "libx264", "-bf", "0")
    content = plain.read_bytes()
    for name, size in (
        ("16k", b"\x3e\x80\x3e\x80"),
        ("none", b"\0\0\0\0"),
        ("wide", b"\xff\xff\0\1"),
    ):
        at = content.find(b"avc1") + 28
        path = folder / f"size-{name}.mp4"
        path.write_bytes(content[:at] + size + content[at + 4 :])
        yield path
    for name, header in (
        ("16k", "W16384 H16384 F25:1"), ("beyond", "W99999 H99999 F25:1"),
        ("no-rate", "W64 H48 F0:0"), ("swift", "W64 H48 F2000000000:1"), ("no-size", "W0 H0 F25:1"),
    ):  # fmt: skip
        path = folder / f"header-{name}.y4m"
        path.write_bytes(f"YUV4MPEG2 {header} Ip C420jpeg\nFRAME\n".encode() + bytes(4608))
        yield path
    for name, setts in (
        ("negative", "setts=ts=TS-5/TB"), ("gap", r"setts=ts=TS+gte(N\,10)*36000/TB"),
        ("same", "setts=ts=0"), ("huge", "setts=ts=TS*1000000"),
    ):  # fmt: skip
        path = folder / f"pts-{name}.nut"
        command = [FFMPEG, "-nostdin", "-v", "quiet", "-y", "-i", plain, "-c", "copy"]
        subprocess.run([*command, "-bsf:v", setts, path], check=False, timeout=60)
        yield path


def test_mutants_end_in_a_line_or_a_right_result(
    pool: Pool, seeds: list[Path], tmp_path: Path
) -> None:
    """A short form: one mutant of each kind and container, and every hostile header."""
    assert wrong(pool, [*mutants(seeds, tmp_path, 56)][::2] + list(hostile(tmp_path))) == []


def test_a_build_that_trusts_damage_is_caught(pool: Pool, tmp_path: Path) -> None:
    """The break: a file that was cut short is redacted as if it were whole."""
    whole = moving_clip(tmp_path / "whole.mkv", "-c:v", "mjpeg", size="128x96")
    short = tmp_path / "short.mkv"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    good = ending(pool, short)
    assert good.faults == []
    assert good.end.code == 3
    broken = ending(pool, short, breaks=["failed_read_is_the_end"])
    assert broken.end.code == 0


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_short_recording_that_stops_in_the_middle_says_so(share: float, tmp_path: Path) -> None:
    """FFmpeg says it once, while a short one is opened; seen to fail where that goes unheard."""
    whole = moving_clip(tmp_path / "a.mkv", "-c:v", "libx264", "-bf", "0", size="128x96")
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * share)])
    with (
        open_source(whole, FrameCounts()) as source,
        pytest.raises(SourceReadError, match="prematurely"),
    ):
        list(source.frames())


def damaged(path: Path, spared: Sequence[int]) -> Path:
    """Make an H.265 recording in which only these packets can be decoded."""
    moving_clip(path, *KINDS["e.mp4"], size="128x96")
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for number, packet in enumerate(container.demux(video=0)):
            if packet.size and number not in spared and packet.pos is not None:
                content[packet.pos : packet.pos + 4] = b"\x7f\xff\xff\xff"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("spared", [(), (0, 1)], ids=str)
def test_pictures_beside_errors_are_shown_and_the_decoder_comes_to_rest(
    pool: Pool, spared: tuple[int, ...], tmp_path: Path
) -> None:
    """Seen to fail: the pictures were given up, and every second run hung at its end."""
    path = damaged(tmp_path / "a.mp4", spared)
    for _ in range(4):
        found = ending(pool, path)
        assert (found.faults, found.written) == ([], found.decodable)


@pytest.mark.slow
def test_500_mutants_end_in_a_line_or_a_right_result(
    pool: Pool, seeds: list[Path], tmp_path: Path
) -> None:
    assert wrong(pool, list(mutants(seeds, tmp_path, 500))) == []


@pytest.mark.slow
@pytest.mark.skipif(EVAL is None, reason="BLURCAM_EVAL_DATA is not set")
def test_every_malformed_file_ends_in_a_line_or_a_right_result(pool: Pool) -> None:
    assert EVAL is not None
    assert wrong(pool, sorted(Path(EVAL, "malformed").iterdir())) == []
