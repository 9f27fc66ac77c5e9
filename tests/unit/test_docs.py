"""What the documentation says is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
ERRORS = re.findall(
    r"^### (.+)$", (ROOT / "docs/guide/troubleshooting.md").read_text(encoding="utf-8"), re.M
)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_reference_lists_every_option_as_it_is() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "reference.py"))
    text = tool["PAGE"].read_text(encoding="utf-8")
    assert text.split(tool["MARK"])[1].strip() == tool["tables"]().strip(), "run: make reference"


def test_every_command_in_the_readme_has_only_options_that_exist() -> None:
    reference = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for page in PAGES:
        if page.name == "cli.md":
            continue
        for line in re.findall(r"^(?:\S*/)?blurcam .*$", page.read_text(encoding="utf-8"), re.M):
            for option in re.findall(r"(?<= )--[a-z-]+", line.split("#")[0]):
                assert f"`{option}`" in reference, f"{page}: {line}"


@pytest.mark.parametrize("heading", ERRORS)
def test_troubleshooting_is_headed_by_texts_that_blurcam_says(heading: str) -> None:
    sources = [*ROOT.glob("blurcam/**/*.py"), ROOT / "tools" / "system.py"]
    told = " ".join(path.read_text(encoding="utf-8") for path in sources)
    told = re.sub(r'"\s*\n\s*f?"', "", told)
    system = ("No space left on device", "libGL.so.1: cannot open shared object file")
    for text in heading.split(" · "):
        assert text in told or text in system, text


def test_every_target_of_make_tells_how_long_it_takes() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = dict(re.findall(r"^([a-z-]+):.*## (.*)$", text, re.M))
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text, re.M)
    assert phony is not None
    assert set(phony[1].replace("\\", " ").split()) == set(told)
    del told["help"]
    for target, words in told.items():
        assert re.search(r"\((\d+ (s|min|h)( with setup)?|hours)\)$", words), target
