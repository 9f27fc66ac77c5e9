"""The documentation site: built strictly, whole in itself, searched without a server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser import NEEDS_CHROMIUM, browser, expect, playwright, tab
from tests.support.guides import ROOT
from tools import diagrams

__all__ = ["browser", "tab"]
LARGEST_PICTURE = 300_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; a link or page that leads nowhere fails the build."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        capture_output=True, text=True, check=False, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_in_it_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    for source in (ROOT / "docs").rglob("*.md"):
        name = source.relative_to(ROOT / "docs").with_suffix("").as_posix()
        assert name.replace("README", "index") in pages
    for path in site.rglob("*.html"):
        loaded = re.findall(r'(?:<link|<script|<img)[^>]*(?:href|src)="([^"]*)"', path.read_text())
        assert not [each for each in loaded if "//" in each], path


@NEEDS_CHROMIUM
def test_the_search_works_from_a_folder(site: Path, tab: playwright.Page) -> None:
    tab.goto((site / "index.html").as_uri())
    tab.get_by_label("Search").first.click()
    tab.get_by_role("textbox", name="Search").press_sequentially("killsignal")
    expect(tab.locator(".md-search-result__item").first).to_contain_text("go2rtc")


def test_no_picture_is_large() -> None:
    pictures = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".jpg", ".png")]
    assert len(pictures) >= 4
    assert {p.name for p in pictures if p.stat().st_size > LARGEST_PICTURE} == set()


@pytest.mark.parametrize("name", ["chain", "system"])
def test_the_diagrams_are_as_drawn(name: str) -> None:
    drawn = getattr(diagrams, name)()
    assert (diagrams.FOLDER / f"{name}.svg").read_text(encoding="utf-8") == drawn, "make pictures"
