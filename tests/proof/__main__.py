"""``make prove``: all of the proof, and its table in docs/design/proof.md.

    python -m tests.proof [--json FILE] [--only faults|tests|attack]

Ends with exit code 1 where anything is not safe, or a break goes unnoticed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.proof.canary import WovenFeed, make_feed
from tests.proof.faults import FAULTS
from tests.proof.paths import PathUnderTest, Run
from tests.proof.prove import build_shim, cases, judge, noticed
from tests.proof.zygote import ROOT, zygotes

PAGE = ROOT / "docs" / "design" / "proof.md"
MARK = "<!-- From here on written by: make prove -->\n"
# The ways through blurcam that faults are injected into.
PATHS: tuple[PathUnderTest, ...] = (Run(),)
MODULES = (
    "leak", "leak_channels", "irreversible", "malformed", "power", "confinement", "redaction",
    "tracking", "architecture",
)  # fmt: skip
EFFECTS = ("blur", "solid", "mosaic", "gaussian", "pixelate")


def _faults() -> Iterator[dict[str, Any]]:
    """Run every fault at every call, then with its break; yield a row for each."""
    with tempfile.TemporaryDirectory(prefix="proof-feeds-") as name:
        folder = Path(name)
        feeds = {
            False: make_feed(folder / "feed.mp4", 30),
            True: make_feed(folder / "woven.mp4", 16, moves=1, kind=WovenFeed),
        }
        shim = build_shim(folder)
        with zygotes(2) as pool, zygotes(2, shim) as shimmed:
            for path in PATHS:
                found = list(judge(pool, shimmed if shim else None, feeds, cases(path)))
                broken = pool.map(
                    lambda fault, path=path: noticed(
                        pool, shimmed if shim else None, feeds, path, fault
                    ),
                    [*FAULTS.values()],
                )
                for fault, seen in zip(FAULTS.values(), broken, strict=True):
                    own = [each for each in found if each.case.fault is fault]
                    yield {
                        "path": path.name,
                        "fault": fault.kind,
                        "runs": len(own),
                        "struck": sum(each.struck for each in own),
                        "unsafe": [str(each) for each in own if each.problems],
                        "break": fault.broken_by,
                        "noticed": bool(seen and seen.problems),
                    }


def _tests() -> Iterator[dict[str, Any]]:
    """Run the tests of every part, long ones too; yield a row for each module."""
    for name in MODULES:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-q", f"tests/test_{name}.py"]
            subprocess.run([*command, f"--junitxml={report}"], cwd=ROOT, check=False)
            suite = next(ET.parse(report).getroot().iter("testsuite")).attrib
        yield {
            "module": f"tests/test_{name}.py",
            "tests": int(suite["tests"]),
            "failed": int(suite["failures"]) + int(suite["errors"]),
            "skipped": int(suite["skipped"]),
        }


def _attacks() -> Iterator[dict[str, Any]]:
    """Attack every effect."""
    if "BLURCAM_EVAL_DATA" not in os.environ:
        return
    for effect in EFFECTS:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = [sys.executable, "-m", "blurcam", "attack", "--effect", effect]
            subprocess.run([*command, "--json", report], cwd=ROOT, check=False)
            yield json.loads(report.read_text(encoding="utf-8"))


def _page(proof: dict[str, Any]) -> Iterator[str]:
    """Yield the tables."""
    if faults := proof["faults"]:
        runs, unsafe = sum(f["runs"] for f in faults), sum(len(f["unsafe"]) for f in faults)
        yield (
            f"{len(faults)} kinds of fault, {runs} runs, {unsafe} of them unsafe; "
            f"{sum(f['noticed'] for f in faults)} of {len(faults)} breaks noticed."
        )
        yield "\n| path | fault | runs | struck | unsafe | break | noticed |"
        yield "|---|---|---|---|---|---|---|"
        for f in faults:
            yield (
                f"| {f['path']} | {f['fault']} | {f['runs']} | {f['struck']} | {len(f['unsafe'])} "
                f"| `{f['break']}` | {'yes' if f['noticed'] else '**no**'} |"
            )
    if proof["tests"]:
        yield "\n| tests | run | failed | skipped |"
        yield "|---|---|---|---|"
        for t in proof["tests"]:
            yield f"| `{t['module']}` | {t['tests']} | {t['failed']} | {t['skipped']} |"
    if proof["attacks"]:
        yield "\nRight name in % of pictures, 40 people, chance 2.5:"
        yield "\n| effect | the attacker sees | 1-NN | PCA+LDA | linear SVM |"
        yield "|---|---|---|---|---|"
        for a in proof["attacks"]:
            for view in dict.fromkeys(rate["view"] for rate in a["rates"]):
                row = [f"{100 * r['rate']:.1f}" for r in a["rates"] if r["view"] == view]
                yield f"| {a['effect']} | {view} | {' | '.join(row)} |"


def main() -> int:
    """Prove, write it down, and say whether it holds."""
    parser = argparse.ArgumentParser(prog="make prove")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "proof.json")
    parser.add_argument("--only", choices=("faults", "tests", "attacks"))
    asked = parser.parse_args()
    started = time.monotonic()
    parts = {"faults": _faults, "tests": _tests, "attacks": _attacks}
    before = json.loads(asked.json.read_text()) if asked.only and asked.json.exists() else {}
    proof: dict[str, Any] = {
        name: list(part()) if asked.only in (None, name) else before.get(name, [])
        for name, part in parts.items()
    }
    proof["seconds"] = round(time.monotonic() - started)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(proof, indent=2) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(page + MARK + "\n" + "\n".join(_page(proof)) + "\n", encoding="utf-8")
    bad = [each for fault in proof["faults"] for each in fault["unsafe"]]
    bad += [f"{f['fault']}: {f['break']} unnoticed" for f in proof["faults"] if not f["noticed"]]
    bad += [f"{t['module']}: {t['failed']} failed" for t in proof["tests"] if t["failed"]]
    bad += [
        f"{a['effect']}: {r['attacker']}, {r['view']}: {r['rate']:.3f}"
        for a in proof["attacks"]
        for r in a["rates"]
        if a["effect"] in ("blur", "solid", "mosaic") and r["rate"] > 0.045
    ]
    for each in bad:
        sys.stderr.write(each + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
