"""The same job on a real Ray cluster of two nodes, one of which is killed in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.batches import ROOT, batch, begin, outputs, rows, tree, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra blurcam[ray] is not installed"),
]
FILES = 6


def start() -> Any:
    """Start two raylets on this machine, as two nodes with a CPU each."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80_000_000}
    made = Cluster(
        initialize_head=True,
        head_node_args=small | {"include_dashboard": False},
        shutdown_at_exit=False,
    )
    made.second = made.add_node(**small)
    made.wait_for_nodes()
    return made


def until_started(start: Callable[[], Any]) -> Any:
    """Start a cluster; again, if the machine is too busy for the time that Ray allows for it."""
    for left in reversed(range(6)):
        before = set(psutil.Process().children(recursive=True))
        try:
            return start()
        except Exception:
            for child in set(psutil.Process().children(recursive=True)) - before:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            if not left:
                raise
    raise AssertionError


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "300000")
    made = until_started(start)
    yield made
    made.shutdown()


def working() -> list[psutil.Process]:
    """Ray's processes that carry a task out."""
    found = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if each.cmdline()[:1] == ["ray::_carry_out"]:
                found.append(each)
    return found


def may_dump_no_core(process: psutil.Process) -> bool:
    """Whether a process has called no_core_dump: its hard limit of core files is nought."""
    try:
        limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
    except OSError:  # gone
        return True
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    return core.split()[4:6] == ["0", "0"]


def test_a_node_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    cluster: Any, tmp_path: Path
) -> None:
    source = tree(tmp_path / "in", FILES, seconds=6.0)
    plain = tmp_path / "plain"
    assert batch(source, "--out", plain, "--jobs", 2, "--span", 3).returncode == 0
    out = tmp_path / "out"
    job = begin(
        source, "--out", out, "--engine", "ray", "--address", cluster.address, "--span", 3
    )  # fmt: skip
    until(lambda: bool(working()), seconds=300)
    until(lambda: all(map(may_dump_no_core, working())), seconds=30)
    until(lambda: len(outputs(out)) >= 1, seconds=300)
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert len(outputs(out)) < FILES
    _, said = job.communicate(timeout=540)
    assert job.returncode == 0, said[-3000:]
    assert outputs(out) == outputs(plain)
    assert [row["state"] for row in rows(out)] == ["done"] * FILES
    finished = [line for line in said.splitlines() if '"event": "finished"' in line]
    assert len(finished) == FILES


def test_no_cluster_is_one_line(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 1)
    result = batch(
        source, "--out", tmp_path / "out", "--engine", "ray", "--address", "127.0.0.1:1"
    )  # fmt: skip
    assert result.returncode == 1
    assert "no Ray cluster at 127.0.0.1:1" in result.stderr.splitlines()[-1]
