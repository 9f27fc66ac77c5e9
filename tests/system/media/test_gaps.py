"""Films that stand still: time-lapse, motion-triggered clips, cameras that send when they like.

The time of every frame is kept, and how long the last one is shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.support.clips import ffmpeg
from tests.support.program import blurcam
from tests.system.media.judge import redact, run, steps

# When each frame is shown, in seconds; the last number is the end.
FILMS = {
    "ten seconds a frame": [0, 10, 20, 30, 40, 50, 60],
    "two seconds a frame": [0, 2, 4, 6, 8],
    "a minute a frame": [0, 60, 120, 180],
    "one of 1.5 frames a second": [0, 1.5, 3, 4.5],
    "bursts": [0, 0.04, 0.08, 30, 30.04, 30.08, 75, 75.04, 75.08, 75.12],
    "one that stands still at its end": [0, 0.04, 0.08, 0.12, 20],
    "one that stands still at its start": [0, 25, 25.04, 25.08, 25.12],
    "an hour without a frame": [0, 0.04, 3600, 3600.04, 3600.08],
}


def film(path: Path, times: Sequence[float], *options: object) -> Path:
    """Write a film whose frames are shown at these times."""
    ticks = [round(each * 1000) for each in times]
    shown = "+".join(f"eq(N\\,{n})*{at}" for n, at in enumerate(ticks))
    lasts = "+".join(f"eq(N\\,{n})*{b - a}" for n, (a, b) in enumerate(pairwise(ticks)))
    still = path.with_suffix(".nut")
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=96x64:r=25:d={(len(times) - 1) / 25}",
           "-vf", f"settb=1/1000,setpts='{shown}'", "-fps_mode", "passthrough",
           "-enc_time_base", "1:1000", "-c:v", "libx264", "-bf", 0, "-g", 250,
           "-pix_fmt", "yuv420p", still)  # fmt: skip
    timed = f"setts=pts=PTS:dts=DTS:duration='({lasts})/TB/1000'"
    ffmpeg("-i", still, "-c", "copy", "-bsf:v", timed, *options, path)
    still.unlink()
    return path


def seconds(path: Path) -> float:
    """Return how long a file says that it lasts."""
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / 1_000_000


SLOWEST = "ten seconds a frame"
EVERY = [(name, ".mp4") for name in FILMS]
ELSEWHERE = [(SLOWEST, ".mkv"), (SLOWEST, ".ts"), (SLOWEST, ".webm"), (SLOWEST, ".mov"),
             ("bursts", ".mkv"), ("bursts", ".ts")]  # fmt: skip


@pytest.mark.parametrize(("name", "suffix"), EVERY + ELSEWHERE)
def test_every_time_is_kept(name: str, suffix: str, tmp_path: Path) -> None:
    source, target = film(tmp_path / "in.mp4", FILMS[name]), tmp_path / f"out{suffix}"
    redact(source, target)
    asked = [Fraction(round(each * 1000), 1000) for each in FILMS[name][:-1]]
    tick = Fraction(1, 1000) if suffix in (".mkv", ".webm") else Fraction(1, 12800)
    assert steps(source) == asked
    got = steps(target)
    assert len(got) == len(asked)
    assert max(abs(a - b) for a, b in zip(got, asked, strict=True)) <= tick
    if suffix in (".mp4", ".mkv"):
        assert seconds(target) == pytest.approx(FILMS[name][-1], abs=0.05)


@pytest.mark.parametrize("name", [SLOWEST, "bursts"])
def test_a_pipe_becomes_a_file(name: str, tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", FILMS[name], "-live", 1)
    target, tee, summary = (tmp_path / each for each in ("out.mp4", "tee.mp4", "s.json"))
    done = run("run", "-", target, stdin=source)
    assert done.code == 0, done.said
    assert len(steps(target)) == len(FILMS[name]) - 1
    done = run("pipe", "--tee", tee, "--summary", summary, stdin=source)
    assert done.code == 0, done.said
    assert json.loads(summary.read_text())["complete"]
    assert len(steps(tee)) == len(FILMS[name]) - 1


def test_a_batch_takes_them_too(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number, name in enumerate(FILMS):
        film(source / f"{number}.mp4", FILMS[name])
    done = blurcam("batch", source, "--out", tmp_path / "out", "--jobs", "1", "--span", "5")
    assert done.returncode == 0, done.stderr
    for number, name in enumerate(FILMS):
        assert len(steps(tmp_path / "out" / f"{number}.mp4")) == len(FILMS[name]) - 1, name
