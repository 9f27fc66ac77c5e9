"""Of which commit this blurcam is: told by a file in the package, or by the checkout around it.

``hatch_build.py`` runs this file to write ``commit.txt`` into wheel and source archive, so that it
imports nothing of blurcam.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

NAME: Final = "commit.txt"
_DIGITS: Final = 12


def commit(package: Path) -> str:
    """Return the commit of a package's folder; empty where nobody knows.

    A ``+`` at the end says that files were changed after the commit.
    """
    try:
        return (package / NAME).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return of_checkout(package.parent)


def of_checkout(root: Path) -> str:
    """Return the commit of a checkout, or what ``BLURCAM_COMMIT`` says; empty where it is none."""
    if not (root / ".git").exists() or not (root / "pyproject.toml").exists():
        return os.environ.get("BLURCAM_COMMIT", "")
    head = _git(root, "rev-parse", f"--short={_DIGITS}", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{head}+" if head and changed else head


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
