"""The commit that ``blurcam --version`` tells."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from blurcam.runtime.build import commit


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "blurcam").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "pyproject.toml")
    git(tmp_path, "commit", "--quiet", "-m", "a")
    return tmp_path


def test_a_checkout_is_asked_for_its_commit(checkout: Path) -> None:
    assert commit(checkout / "blurcam") == git(checkout, "rev-parse", "--short=12", "HEAD")


def test_files_that_were_changed_since_are_told(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text("[project]\nname = 'b'\n")
    assert commit(checkout / "blurcam").endswith("+")


def test_what_was_built_has_it_in_a_file(checkout: Path) -> None:
    (checkout / "blurcam" / "commit.txt").write_text("0123456789ab\n")
    assert commit(checkout / "blurcam") == "0123456789ab"


def test_a_repository_around_an_installed_package_is_not_taken_for_its_own(checkout: Path) -> None:
    (checkout / "pyproject.toml").unlink()
    assert commit(checkout / "blurcam") == ""
