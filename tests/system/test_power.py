"""The power goes off: what lies there is playable or nothing, and never a name for half a video."""

from __future__ import annotations

import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.proof.canary import RATE, Feed, decoded, hits, make_feed
from tests.proof.zygote import End, Order, Pool

FRAMES = 75
CutOff = Callable[..., tuple[list[str], End]]
"""Kills after so many seconds; returns what is wrong with what lies there."""


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return make_feed(tmp_path_factory.mktemp("feed") / "feed.mp4", FRAMES, moves=1)


def cut_off(
    pool: Pool, feed: Feed, room: Path, after: float, suffix: str, breaks: tuple[str, ...] = ()
) -> tuple[list[str], End]:
    """Kill a run after so many seconds; return what is wrong with what lies there."""
    room.mkdir()
    output = room / f"out{suffix}"
    argv = ["run", str(feed.path), str(output), "--preset", "ultrafast",
            "--lead", "0.2", "--hold", "0.2", "--bridge", "0.2"]  # fmt: skip
    order = Order(argv, str(room / "stderr"), signals=[(after, signal.SIGKILL)], breaks=breaks)
    end = pool.run(order)
    found = [str(hit) for hit in hits(feed, ((p.name, p) for p in room.iterdir()))]
    if end.code not in (0, -9):
        found.append(f"exit code {end.code}")
    if output.exists() and len(decoded(output)) != FRAMES:
        found.append(f"half a video under its name, after {after:.2f} s")
    part = room / f".out{suffix}.part"
    if part.exists() and part.stat().st_size > 20_000 and not len(decoded(part)):
        found.append(f"a partial file that cannot be played, after {after:.2f} s")
    if unknown := {p.name for p in room.iterdir()} - {output.name, part.name, "stderr"}:
        found.append(f"also left behind: {unknown}")
    return found, end


SUFFIXES = (".mp4", ".mkv", ".ts")


def all_cut_off(
    pool: Pool, feed: Feed, folder: Path, many: int, cut: CutOff = cut_off,
    longest: float | None = None,
) -> list[str]:  # fmt: skip
    """Kill at so many random moments; without ``longest`` of what it takes if it is let alone."""
    if longest is None:
        found, whole = cut(pool, feed, folder / "whole", 40.0, SUFFIXES[0])
        assert (found, whole.code) == ([], 0)
        longest = whole.seconds
    rng = random.Random(many)
    problems, killed, number = [], 0, 0
    while killed < many:
        plan = []
        for _ in range(many - killed):
            plan.append((folder / f"{number}", rng.uniform(0.02, longest), SUFFIXES[number % 3]))
            number += 1
        for found, end in pool.map(lambda each: cut(pool, feed, *each), plan):
            problems += found
            killed += end.code == -9  # not if it was over by then
    return problems


def job_cut_off(
    pool: Pool, feed: Feed, room: Path, after: float, suffix: str, breaks: tuple[str, ...] = ()
) -> tuple[list[str], End]:
    """Kill the driver of a job, whose workers die with it; return what is wrong."""
    room.mkdir()
    out = room / "out"
    source = room.with_name(f"{room.name}-in{suffix}")
    source.symlink_to(feed.path)
    argv = ["batch", str(source), "--out", str(out), "--jobs", "1", "--preset", "ultrafast"]
    order = Order(
        argv, str(room / "stderr"), path="batch", struck=str(room / "struck"),
        signals=[(after, signal.SIGKILL)], breaks=breaks,
    )  # fmt: skip
    end = pool.run(order)
    left = [path for path in room.rglob("*") if path.is_file()]
    found = [str(hit) for hit in hits(feed, ((p.name, p) for p in left))]
    final = out / source.name
    if final.exists() and len(decoded(final)) != FRAMES:
        found.append(f"half a video under its name, after {after:.2f} s")
    for path in (out / ".blurcam" / "work").glob("*"):
        if path.stat().st_size > 20_000 and not len(decoded(path)):
            found.append(f"{path.name} cannot be played, after {after:.2f} s")
    if (ledger := out / ".blurcam" / "ledger.sqlite3").exists():
        with closing(sqlite3.connect(ledger)) as db:
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                found.append(f"a broken ledger, after {after:.2f} s")
    return found, end


def camera_cut_off(
    pool: Pool, feed: Feed, room: Path, after: float, suffix: str, breaks: tuple[str, ...] = ()
) -> tuple[list[str], End]:
    """Kill a camera that records in files of a second; return what is wrong with them."""
    room.mkdir()
    (room / "out").mkdir()
    argv = ["run", str(feed.path), str(room / "out" / f"%H-%M-%S{suffix}"), "--loop", "--segment",
            "1", "--preset", "ultrafast"]  # fmt: skip
    written = room / "written"
    order = Order(
        argv, str(room / "stderr"), path="serve", env={"PROOF_WRITTEN": str(written)},
        signals=[(after, signal.SIGKILL)], breaks=breaks,
    )  # fmt: skip
    end = pool.run(order)
    files = sorted((room / "out").iterdir())
    found = [str(hit) for hit in hits(feed, ((p.name, p) for p in files))]
    if end.code not in (0, -9):
        found.append(f"exit code {end.code}: {(room / 'stderr').read_text()}")
    shown = {path.name: len(decoded(path)) for path in files if path.suffix != ".lock"}
    found += [f"{name} cannot be played" for name, count in shown.items()
              if not count and not name.endswith(".part")]  # fmt: skip
    told = written.stat().st_size if written.exists() else 0
    if told - sum(shown.values()) > RATE:
        found.append(f"{told} pictures written, {sum(shown.values())} of them to be seen")
    return found, end


def test_a_run_that_is_killed_leaves_something_playable_or_nothing(
    pool: Pool, feed: Feed, tmp_path: Path
) -> None:
    assert all_cut_off(pool, feed, tmp_path, 8) == []


def test_a_job_that_is_killed_leaves_no_half_file_under_its_name(
    pool: Pool, feed: Feed, tmp_path: Path
) -> None:
    assert all_cut_off(pool, feed, tmp_path, 3, job_cut_off) == []


def test_a_camera_that_is_killed_loses_less_than_a_second(
    pool: Pool, feed: Feed, tmp_path: Path
) -> None:
    assert all_cut_off(pool, feed, tmp_path, 4, camera_cut_off, 4.0) == []


@pytest.mark.slow
def test_a_job_may_be_killed_at_any_time(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    assert all_cut_off(pool, feed, tmp_path, 100, job_cut_off) == []


@pytest.mark.slow
def test_a_camera_may_be_killed_at_any_time(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    assert all_cut_off(pool, feed, tmp_path, 100, camera_cut_off, 4.5) == []


@pytest.mark.slow
def test_a_run_may_be_killed_at_any_time(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    assert all_cut_off(pool, feed, tmp_path, 100) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cut", "moments", "suffix", "broken", "told"),
    [
        (cut_off, [0.05 + n * 0.05 for n in range(24)], ".mkv", "write_in_place", "half a video"),
        (camera_cut_off, [3.0, 3.2, 3.4, 3.6], ".ts", "nothing_is_flushed", "pictures written"),
    ],
)
def test_a_broken_build_is_caught(
    pool: Pool, feed: Feed, tmp_path: Path, cut: CutOff, moments: list[float], suffix: str,
    broken: str, told: str,
) -> None:  # fmt: skip
    """The breaks: the final name is there from the first packet on; nothing leaves the memory."""
    found = [
        problem
        for number, after in enumerate(moments)
        for problem in cut(pool, feed, tmp_path / f"{number}", after, suffix, (broken,))[0]
    ]
    assert any(told in each for each in found)
