"""How much memory there is: the machine's, or what a container leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from blurcam.runtime import memory
from blurcam.runtime.memory import GIGABYTE, available_bytes

MACHINE = "MemTotal:  16000000 kB\nMemAvailable:  8388608 kB\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for /proc and /sys of a machine with 8 GB to be had."""
    (tmp_path / "meminfo").write_text(MACHINE)
    (tmp_path / "cgroup").write_text("0::/user/blurcam\n")
    (tmp_path / "groups/user/blurcam").mkdir(parents=True)
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def limit(folder: Path, most: str, taken: int) -> None:
    (folder / "memory.max").write_text(most + "\n")
    (folder / "memory.current").write_text(f"{taken}\n")


@pytest.mark.usefixtures("machine")
def test_what_can_be_had_without_swapping() -> None:
    assert available_bytes() == 8 * GIGABYTE


def test_a_container_has_less(machine: Path) -> None:
    limit(machine / "groups/user", str(3 * GIGABYTE), GIGABYTE)
    limit(machine / "groups/user/blurcam", "max", 0)
    assert available_bytes() == 2 * GIGABYTE


def test_a_container_that_is_full_has_nothing(machine: Path) -> None:
    limit(machine / "groups/user/blurcam", str(GIGABYTE), 2 * GIGABYTE)
    assert available_bytes() == 0


def test_a_container_without_a_limit_has_what_the_machine_has(machine: Path) -> None:
    limit(machine / "groups/user/blurcam", "max", GIGABYTE)
    assert available_bytes() == 8 * GIGABYTE


def test_without_linux_four_gigabytes_are_assumed(machine: Path) -> None:
    (machine / "meminfo").unlink()
    (machine / "cgroup").unlink()
    assert available_bytes() == 4 * GIGABYTE
