"""The shape of the house: sizes, names and words."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "blurcam"
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40

# Nouns that name a file in several packages: the same thing at another stage.
SAME_NOUN = {"recording", "camera", "picture", "pipe", "descriptor"}
# A file of commands/ is named by its command, whatever does the work.
COMMANDS = {
    "attack",
    "batch",
    "check",
    "evaluate",
    "health",
    "pipe",
    "report",
    "review",
    "serve",
    "verify",
}
# What a class may be named by after its noun: something that happened to it.
HAPPENED = set(
    "began cancelled closed cut died ended failed finished forgotten planned progressed redacted "  # noqa: SIM905
    "refused retried timeout".split()
)

# Words that blurcam once used for what FFmpeg and the field have other words for.
DIALECT = {
    r"eas(e|ed|es|ing)": "overload level",
    r"rungs?": "overload level",
    r"reels?": "camera timeline",
    r"shel(f|ves)": "retention",
    r"news": "events",
    r"spool(s|ed)?": "span packets",
    r"outflow": "output descriptor",
    r"intake": "input descriptor",
    r"cover(s|ed|ing)? (it |them |frames? |the frame )?whole": "fully covered",
    r"(a|the|one|each|every|second|two|three|close|closer|half-way|whole|further) looks?(?!-)":
        "search",
    r"glances?": "search",
    r"of late": "recently",
    r"tally": "frame counts",
    r"errands?": "worker thread",
    r"silence": "a detector that does not answer",
    r"whoever|whatsoever": "the actor",
    r"relay": "RTSP process",
}  # fmt: skip
# Where none of them stands any more.
CLEAN = (
    "CONTRIBUTING.md",
    "README.md",
    "benchmarks",
    "blurcam",
    "docs",
    "sample_videos",
    "tests",
    "tools",
)


@cache
def modules() -> dict[str, str]:
    """Every module's text, by its path below the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module])


def public_classes() -> Iterator[tuple[str, str]]:
    """Yield each public class with its module."""
    for module in modules():
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, module


def functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@cache
def glossary() -> frozenset[str]:
    """The words of the glossary, each by itself, in lower case."""
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([^|]+) \|", page, re.M)
    return frozenset(word.strip().lower() for cell in cells for word in re.split(r",|\s", cell))


def noun(name: str) -> str:
    """The noun of a class: its last word, but for what happened to it."""
    words = re.findall(r"[A-Z][a-z]+|[A-Z]+(?![a-z])", name)
    while len(words) > 1 and words[-1].lower() in HAPPENED:
        words.pop()
    return words[-1].lower()


def test_a_public_class_has_a_name_of_its_own() -> None:
    homes = defaultdict(list)
    for name, module in public_classes():
        homes[name].append(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_a_file_name_stands_twice_only_for_the_same_noun_at_another_stage() -> None:
    homes = defaultdict(list)
    for module in modules():
        path = Path(module)
        is_command = path.parts[0] == "commands" and path.stem in COMMANDS
        if path.stem not in ("__init__", "__main__", *SAME_NOUN) and not is_command:
            homes[path.stem].append(module)
    twice = {stem: found for stem, found in homes.items() if len(found) > 1}
    assert twice == {}


def test_the_nouns_that_may_stand_twice_do() -> None:
    stems = [Path(module).stem for module in modules()]
    assert {each for each in SAME_NOUN if stems.count(each) < 2} == set()


def test_the_noun_of_every_class_is_in_the_glossary() -> None:
    unknown = []
    for name, module in public_classes():
        word = noun(name)
        spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
        known = {word, word.removesuffix("s"), word.removesuffix("es"), name.lower(), spelt}
        if not known & glossary():
            unknown.append(f'{module}: {name}: explain "{word}" in docs/glossary.md')
    assert unknown == []


def test_no_module_is_too_long() -> None:
    sizes = {module: text.count("\n") for module, text in modules().items()}
    long = {module for module, lines in sizes.items() if lines > LONGEST_MODULE}
    assert {each: sizes[each] for each in long} == {}


def test_no_function_is_too_long_but_for_the_signature_of_a_command() -> None:
    long = {}
    for module in modules():
        for function in functions(module):
            is_command = module.startswith("commands/") and not function.name.startswith("_")
            first = function.body[0].lineno if is_command else function.lineno
            lines = (function.end_lineno or first) - first + 1
            if lines > LONGEST_FUNCTION:
                long[f"{module}: {function.name}"] = lines
    assert long == {}


@pytest.mark.parametrize("place", CLEAN)
def test_what_is_clean_stays_free_of_the_dialect(place: str) -> None:
    top = ROOT / place
    kinds = ("*.css", "*.html", "*.js", "*.md", "*.py")
    files = [top] if top.is_file() else [each for kind in kinds for each in top.rglob(kind)]
    assert files
    for path in set(files) - {Path(__file__)}:
        text = path.read_text(encoding="utf-8")
        for word, better in DIALECT.items():
            found = re.search(rf"\b({word})\b", text, re.IGNORECASE)
            assert found is None, f'{path.relative_to(ROOT)}: "{found.group()}": say {better}'


@pytest.mark.parametrize("page", ["docs/design/architecture.md"])
def test_the_picture_of_the_package_shows_what_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    picture = text.split("\nblurcam/\n")[1].split("```")[0]
    shown = set(re.findall(r"\b\w+/|\b\w+\.py\b", picture.replace("detectors/", "")))
    hidden = {"__init__.py", "py.typed", "__pycache__/"}
    there = {each.name + "/" * each.is_dir() for each in PACKAGE.iterdir()} - hidden
    assert there - shown == set()
    assert {each for each in shown - there if not list(PACKAGE.rglob(each))} == set()


def test_where_things_are_names_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:blurcam|tests)/[\w./]+)`", text)
    assert len(named) > 12
    assert {each for each in named if not (ROOT / each).exists()} == set()


def test_a_unit_test_lies_with_the_package_that_it_tests() -> None:
    strays = set()
    for path in sorted((ROOT / "tests" / "unit").glob("*/test_*.py")):
        if f"blurcam.{path.parent.name}" not in path.read_text(encoding="utf-8"):
            strays.add(path.relative_to(ROOT).as_posix())
    assert strays == set()


def test_no_list_names_what_is_gone() -> None:
    assert {each for each in CLEAN if not (ROOT / each).exists()} == set()
