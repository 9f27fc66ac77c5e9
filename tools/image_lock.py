"""Writes packaging/requirements.lock: of requirements.lock, what is needed to run blurcam.

constraints.txt beside it has the versions without hashes, for installers that resolve themselves.

The extras for tests, Ray and signing stay out. The closure is read from the installed packages.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "packaging" / "requirements.lock"
CONSTRAINTS = PAGE.with_name("constraints.txt")


def image_lock() -> str:
    """Return the lines, with their hashes, in the order of requirements.lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    roots = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    wanted = set(_closure(roots, set()))
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text(encoding="utf-8").strip())
    kept = [each for each in blocks if canonicalize_name(each.split("==")[0]) in wanted]
    return "# Written by: make image-lock\n" + "\n".join(kept) + "\n"


def constraints() -> str:
    """Return the versions of the whole lock, for what any extra may need."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^(\S+==[^\\\n]*?) *\\?$", text, re.M)
    return "# Written by: make image-lock\n" + "\n".join(pins) + "\n"


def _closure(requirements: list[str], seen: set[str]) -> Iterator[str]:
    for text in requirements:
        each = Requirement(text)
        name = canonicalize_name(each.name)
        extras = each.extras or {""}
        if name in seen:
            continue
        # On arm64 some packages want other ones: a requirement for any platform counts.
        seen.add(name)
        yield name
        try:
            inner = requires(name) or []
        except PackageNotFoundError:
            continue
        yield from _closure([r for r in inner if _applies(Requirement(r), extras)], seen)


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    machines = ("x86_64", "aarch64")
    return any(
        requirement.marker.evaluate({"extra": extra, "platform_machine": machine})
        for extra in extras
        for machine in machines
    )


if __name__ == "__main__":
    PAGE.write_text(image_lock(), encoding="utf-8")
    CONSTRAINTS.write_text(constraints(), encoding="utf-8")
