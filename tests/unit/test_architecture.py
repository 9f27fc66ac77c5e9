"""The shape of the house: who may import what, and what stays unloaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "blurcam"

# A package imports only from the rows above its own.
ROWS = (
    ("errors", "media"),
    ("runtime",),
    ("models", "redact", "settings"),
    ("detect", "encode", "sources"),
    ("sinks", "track"),
    ("runs",),
    ("api", "serve"),
    ("", "assess"),
    ("batch",),
    ("review",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
# Who alone may import these; a package name stands for everything in it.
ONLY = {
    "threading": {"runtime.channel", "runtime.threads"},
    "queue": set(),
    "concurrent": {"runtime.threads"},
    "av": {"sources", "encode", "sinks", "assess.inspect_output"},
    "mediapipe": {"detect.detectors.mediapipe"},
    "openvino": {"detect.detectors.openvino"},
    "ray": {"batch.ray_workers"},
    "multiprocessing": set(),
    "pickle": set(),
    "subprocess": {"runtime.build", "runtime.child", "models.fetch"},
    "sqlite3": {"batch.ledger_database"},
    "cryptography": {"batch.report.hash_chain"},
    "jinja2": {"batch.report.page"},
    "sklearn": {"assess.attack.attackers"},
    "typer": {"cli", "commands"},
    "PIL": {"sources.picture", "sources.animation", "sinks.picture"},
    "prometheus_client": {"serve.web.metrics"},
    "starlette": {"serve.web", "review.web"},
    "uvicorn": {"serve.web.server"},
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
def test_module_imports_only_from_packages_above(module: str) -> None:
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


# Where FFmpeg is opened: paths and streams to read, cameras, outputs. The encoder opens FFmpeg's
# null muxer, which writes nothing, for a stream whose parameters the muxer copies.
OPENS = {"sources.open", "sources.camera", "sinks.muxer", "encode.encoder"}
# Where packets are made: those that are muxed, and those of raw video to be decoded.
MAKES_PACKETS = {"sinks.muxer", "sources.raw_video"}


@pytest.mark.parametrize(("call", "allowed"), [("av.open", OPENS), ("av.Packet", MAKES_PACKETS)])
def test_ffmpeg_is_opened_and_fed_in_few_places(call: str, allowed: set[str]) -> None:
    users = {
        module
        for module, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == call
    }
    assert users == allowed


def test_sinks_never_see_frames() -> None:
    closed = [m for m in modules() if lineage(m)[0] in ("sinks", "encode")]
    assert len(closed) > 3
    for module in closed:
        assert "blurcam.media.frames" not in imports(modules()[module])


def test_the_page_never_sees_frames_redacted_or_not() -> None:
    for module in modules():
        if module.startswith(("serve.web", "review.web")):
            closed = {
                "blurcam.media.frames",
                "blurcam.redact.gate",
                "blurcam.runs.chain",
                "numpy",
                "cv2",
            }
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
