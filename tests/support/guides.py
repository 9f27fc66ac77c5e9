"""The snippets of the guides, and a place in which they can be run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.clips import FFMPEG

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guide"
INDEX = ("PIP_", "UV_", "SSL_", "REQUESTS_")
# Folders of a machine that a guide writes to or reads from.
_MOVED = re.compile(r"(?<![\w./%])/(?=(?:opt|etc|mnt|srv|var|media|usr/local)/)")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block: where it stands, its language (none: shell) and its text."""

    page: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        """Return the page and the number of the block on it."""
        return f"{self.page.stem}-{self.number}"


def snippets(*languages: str, pages: tuple[Path, ...] = ()) -> list[Snippet]:
    """Return the blocks in these languages, in order."""
    return [
        found
        for page in pages or (*sorted(GUIDES.glob("*.md")), ROOT / "README.md")
        for found in _of(page)
        if found.language in languages
    ]


def _of(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for number, match in enumerate(re.finditer(r"^```(\w*)\n(.*?)^```", text, re.S | re.M), 1):
        yield Snippet(page, number, match[1], match[2])


def shell(name: str) -> list[str]:
    """Return the shell blocks of one guide."""
    return [each.text for each in snippets("", pages=(GUIDES / f"{name}.md",))]


class Bench:
    """A folder that stands for a machine: its /etc, /opt and so on, and its programs.

    ``blurcam`` and ``ffmpeg`` are the real ones. What would change this machine (``systemctl``,
    ``docker``, ``apt-get``…) only notes how it was called.
    """

    NOTED = ("apt-get", "chown", "docker", "journalctl", "systemctl")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.calls_file = folder / "calls"
        programs = folder / "programs"
        for each in (self.home, programs):
            each.mkdir()
        scripts = {name: f'echo "{name} $*" >> "{self.calls_file}"' for name in self.NOTED}
        scripts["sudo"] = 'exec "$@"'
        scripts["blurcam"] = f'exec "{sys.executable}" -m blurcam "$@"'
        scripts["python3"] = f'exec "{sys.executable}" "$@"'
        scripts["ffmpeg"] = f'exec "{FFMPEG}" -v error -y "$@"'
        scripts["ffplay"] = f'exec "{FFMPEG}" -v error -i - -f null -'
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        self.environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "BLURCAM_MODELS": str(ROOT / "models"),
            "HOME": str(self.home),
            "NO_COLOR": "1",
            "LANG": "C.UTF-8",
        }
        # How this machine reaches its index.
        self.environment |= {
            name: value for name, value in os.environ.items() if name.startswith(INDEX)
        }

    def moved(self, text: str) -> str:
        """Return the text with this machine's folders in place of the system's."""
        return _MOVED.sub(f"{self.folder}/", text)

    def path(self, place: str) -> Path:
        """Return where a place of the system is here."""
        return self.folder / place.lstrip("/")

    def run(self, text: str, typed: str = "", *, timeout: float = 600) -> str:
        """Run a block in bash, which ends at the first command that fails; return what it said."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.moved(text)], input=typed, check=False,
            capture_output=True, text=True, timeout=timeout, cwd=self.home, env=self.environment,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def calls(self) -> list[str]:
        """Return what would have changed this machine, in order."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
