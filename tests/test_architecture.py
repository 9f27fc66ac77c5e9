"""The shape of the house: who may import what, and what stays unloaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "blurcam"

# A module imports only from the rows above its own.
ROWS = (
    ("errors", "streams", "confinement"),
    ("regions", "addresses", "backoff", "summary", "status"),
    ("config",),
    (
        "stats",
        "frames",
        "health",
        "notify",
        "spans",
        "piping",
        "stopping",
        "cameras",
        "pressure",
        "vault",
    ),
    ("camerakeys",),
    ("watchdog", "camerasfile", "supervision"),
    ("regionfile",),
    ("regionstream",),
    ("views", "masks", "labels"),
    ("detection",),
    ("account",),
    ("evaluation",),
    ("manifest",),
    ("weights",),
    ("models",),
    ("detectors",),
    ("following",),
    ("search", "sightings", "motion", "rounds", "zones", "tracks", "selftest"),
    ("scan",),
    ("plans",),
    ("easing",),
    ("tracking",),
    ("membrane",),
    ("effects",),
    ("redaction",),
    ("coding",),
    ("encoding",),
    ("encoders",),
    ("sources",),
    ("sinks",),
    ("buffering",),
    ("silence", "detached"),
    ("pipeline",),
    ("stages",),
    ("delivery", "service"),
    ("assembly",),
    ("planting",),
    ("verification",),
    ("trials", "cameraprocess"),
    ("batch",),
    ("report",),
    ("plots", "checkup"),
    ("api", "web"),
    ("attacks",),
    ("",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
# Who alone may import these; a package name stands for everything in it.
ONLY = {
    "threading": {"buffering"},
    "queue": set(),
    "concurrent": set(),
    "av": {"sources", "encoding", "encoders", "sinks"},
    "mediapipe": {"detectors.mediapipe"},
    "openvino": {"detectors.openvino"},
    "ray": {"batch.cluster"},
    "multiprocessing": {"batch.workers"},
    "sqlite3": {"batch.ledger"},
    "cryptography": {"report.chain"},
    "sklearn": {"attacks.attackers"},
    "typer": {"cli", "commands"},
    "prometheus_client": {"web.metrics"},
    "starlette": {"web"},
    "uvicorn": {"web.server"},
}
HEAVY = ("av", "cv2", "mediapipe", "numpy", "openvino")


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        found[".".join(parts)] = path
    return found


@cache
def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "blurcam":
            found.update(f"blurcam.{alias.name}" for alias in node.names if own(alias.name))
            if any(not own(alias.name) for alias in node.names):
                found.add("blurcam")
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name for name in inner if own(name.removeprefix("blurcam.")))
            found.add(node.module)
    return found


def own(name: str) -> bool:
    return name in modules()


def lineage(module: str) -> list[str]:
    """The module and the packages that it is in."""
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def row(module: str) -> int:
    top = module.split(".")[0]
    return next(n for n, names in enumerate(ROWS) if top in names)


@pytest.mark.parametrize("module", modules())
def test_module_imports_only_from_rows_above(module: str) -> None:
    for name in imports(modules()[module]):
        if name.split(".")[0] != "blurcam":
            continue
        target = name.removeprefix("blurcam").removeprefix(".")
        if target == "" and module != "cli":
            # The version, which the package's own front page holds.
            continue
        if module.split(".")[0] == target.split(".")[0]:
            continue  # within one package
        assert row(target) < row(module), f"{module} imports {target}"


@pytest.mark.parametrize("package", ONLY)
def test_package_is_imported_only_where_it_may_be(package: str) -> None:
    users = {
        module
        for module, path in modules().items()
        if any(name.split(".")[0] == package for name in imports(path))
    }
    assert {user for user in users if not set(lineage(user)) & ONLY[package]} == set()


def test_sinks_never_see_frames() -> None:
    closed = [m for m in modules() if lineage(m)[0] in ("sinks", "coding", "encoding", "encoders")]
    assert len(closed) > 3
    for module in closed:
        assert "blurcam.frames" not in imports(modules()[module])


def test_the_page_never_sees_frames_redacted_or_not() -> None:
    for module in modules():
        if lineage(module)[0] == "web":
            closed = {"blurcam.frames", "blurcam.redaction", "blurcam.pipeline", "numpy", "cv2"}
            assert not imports(modules()[module]) & closed, module


def test_every_module_has_a_row() -> None:
    for module in modules():
        row(module)


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['blurcam', 'run', '--help']\n"
        "from blurcam.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.strip() == "[]"
