"""What ``make site`` does besides: the changelog as a page, and links that leave ``docs/``."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Put every decision into the navigation, in the order of the folder's own list."""
    folder = ROOT / "docs" / "design" / "decisions"
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    for part in config.nav:
        for group in part.get("Design", ()) if isinstance(part, dict) else ():
            if isinstance(group, dict) and "Decisions" in group:
                group["Decisions"] += [f"design/decisions/{name}" for name in dict.fromkeys(listed)]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the changelog, which lies where people look for it in a repository."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    files.append(File.generated(config, "changelog.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Name what lies outside of the site by its path in the repository, in place of a link."""
    del config
    folder = posixpath.dirname(page.file.src_uri)

    def inside(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if not target.startswith("../"):
            return match[0]
        path = target.removeprefix("../")
        return (
            match[1] if match[1].strip("`") == path else f"{match[1]} (`{path}` in the repository)"
        )

    del files
    return _LINK.sub(inside, markdown)
