"""The power goes off: what lies there is playable or nothing, and never a name for half a video."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.canary import Feed, decoded, hits, make_feed
from tests.proof.zygote import Order, Pool, zygotes

FRAMES = 75
# Without an output a recording of three seconds takes about as long, on a machine with others.
LONGEST = 2.5


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with zygotes(2) as made:
        yield made


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return make_feed(tmp_path_factory.mktemp("feed") / "feed.mp4", FRAMES, moves=1)


def cut_off(
    pool: Pool, feed: Feed, room: Path, after: float, suffix: str, breaks: tuple[str, ...] = ()
) -> list[str]:
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
    return found


def all_cut_off(pool: Pool, feed: Feed, folder: Path, many: int) -> list[str]:
    rng = random.Random(many)
    plan = [
        (folder / f"{number}", rng.uniform(0.02, LONGEST), (".mp4", ".mkv", ".ts")[number % 3])
        for number in range(many)
    ]
    ended = pool.map(lambda each: cut_off(pool, feed, *each), plan)
    return [problem for problems in ended for problem in problems]


def test_a_run_that_is_killed_leaves_something_playable_or_nothing(
    pool: Pool, feed: Feed, tmp_path: Path
) -> None:
    assert all_cut_off(pool, feed, tmp_path, 8) == []


@pytest.mark.slow
def test_a_run_may_be_killed_at_any_time(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    assert all_cut_off(pool, feed, tmp_path, 100) == []


@pytest.mark.slow
def test_a_build_that_writes_in_place_is_caught(pool: Pool, feed: Feed, tmp_path: Path) -> None:
    """The break: the final name is there from the first packet on."""
    found = [
        problem
        for number in range(16)
        for problem in cut_off(
            pool, feed, tmp_path / f"{number}", 0.1 + number * 0.15, ".mkv", ("write_in_place",)
        )
    ]
    assert any("half a video" in each for each in found)
