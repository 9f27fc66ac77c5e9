"""Writes into wheel and source archive of which commit they are, for ``blurcam --version``."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface[Any]):
    """Adds ``blurcam/commit.txt``, where the commit is known and the source does not hold it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file beside what is built, and have it packed."""
        root = Path(self.root)
        build = runpy.run_path(str(root / "blurcam" / "runtime" / "build.py"))
        commit = build["of_checkout"](root)
        if version == "editable" or not commit:
            return
        made = root / "build" / build["NAME"]
        made.parent.mkdir(exist_ok=True)
        made.write_text(commit + "\n", encoding="ascii")
        build_data["force_include"][str(made)] = f"blurcam/{build['NAME']}"
