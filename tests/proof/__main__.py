"""``make prove``: all of the proof, its tables in build/, its summary in docs/design/proof.md.

    python -m tests.proof [--json FILE] [--only run|paths|tests|scenes|attacks] [--rows PATTERN]

What each part found is kept in the JSON file, so that the parts can be run one at a time; with a
pattern only the rows that it matches are measured anew ("serve: .* in encode", "track/test_cover").
Progress goes to standard error, and at the end the judgement: what was unsafe, failed or unnoticed,
of all that the file holds. Ends with exit code 1 where there is any of it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import this_machine
from tests.proof.canary import Feed, WovenFeed, make_feed
from tests.proof.modules import tested
from tests.proof.page import judgement, summary, tables, wrong
from tests.proof.paths import Batch, PathUnderTest, Pipe, Review, Run, Serve
from tests.proof.prove import Judged, build_shim, cases, judge, noticed
from tests.proof.scenes import proved
from tests.proof.told import told
from tests.proof.zygote import ROOT, Pool, zygotes

PAGE = ROOT / "docs" / "design" / "proof.md"
MARK = "<!-- From here on written by: make prove -->\n"
# The ways through blurcam that faults are injected into, beside the first one at every call.
PATHS: tuple[PathUnderTest, ...] = (Pipe(), Batch(), Serve(), Review())
EFFECTS = ("blur", "solid", "mosaic", "gaussian", "pixelate")
PEER = "deface"
# So many attacks side by side: each uses one core.
_AT_ONCE = 2
# So many faults of a path may bring a break to light before it counts as unnoticed.
_TRIED = 4


Wanted = Callable[[str], bool]
"""Whether a row of the table is to be measured."""


def _row(path: PathUnderTest, kind: str, own: list[Judged], *, is_noticed: bool) -> dict[str, Any]:
    fault = path.faults[kind]
    return {
        "path": path.name,
        "fault": kind,
        "runs": len(own),
        "struck": sum(each.struck for each in own),
        "unsafe": [str(each) for each in own if each.problems],
        "break": fault.broken_by,
        "noticed": is_noticed,
    }


class _Lab:
    """Feeds and processes to inject faults into."""

    def __init__(self, folder: Path, pool: Pool, shimmed: Pool | None) -> None:
        self.feeds: dict[bool, Feed] = {
            False: make_feed(folder / "feed.mp4", 30),
            True: make_feed(folder / "woven.mp4", 16, moves=1, kind=WovenFeed),
        }
        self.pool, self.shimmed = pool, shimmed

    def judged(self, path: PathUnderTest, kinds: list[str]) -> dict[str, list[Judged]]:
        """Run these faults of a path; return what came of it, by kind."""
        found: dict[str, list[Judged]] = {kind: [] for kind in kinds}
        every = [each for each in cases(path) if each.fault.kind in found]
        told(f"{path.name}: {len(kinds)} kinds of fault, {len(every)} runs")
        for number, each in enumerate(judge(self.pool, self.shimmed, self.feeds, every), 1):
            found[each.case.fault.kind].append(each)
            if each.problems:
                told(f"unsafe: {each}")
            if number % 50 == 0:
                told(f"{path.name}: {number} of {len(every)} runs")
        return found

    def noticed(self, path: PathUnderTest, kinds: list[str]) -> list[bool]:
        """Run faults of a path with their breaks; return which went wrong, as they must."""

        def one(kind: str) -> bool:
            seen = noticed(self.pool, self.shimmed, self.feeds, path, path.faults[kind])
            return bool(seen and seen.problems)

        return self.pool.map(one, kinds)


def _with_lab(
    paths: tuple[PathUnderTest, ...], wanted: Wanted, *, each_break: bool
) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="proof-feeds-") as name:
        shim = build_shim(Path(name))
        with zygotes(2) as pool, zygotes(2, shim) as shimmed:
            lab = _Lab(Path(name), pool, shimmed if shim else None)
            for path in paths:
                kinds = [kind for kind in path.faults if wanted(f"{path.name}: {kind}")]
                if not kinds:
                    continue
                found = lab.judged(path, kinds)
                told(f"{path.name}: each fault with its break, which must be noticed")
                if each_break:
                    seen = dict(zip(kinds, lab.noticed(path, kinds), strict=True))
                else:
                    seen = _by_break(lab, path, kinds)
                for kind, own in found.items():
                    if not seen[kind]:
                        told(f"unnoticed: {path.name}: {kind} with {path.faults[kind].broken_by}")
                    yield _row(path, kind, own, is_noticed=seen[kind])


def _by_break(lab: _Lab, path: PathUnderTest, kinds: list[str]) -> dict[str, bool]:
    """Return whether each fault's break was noticed: one break, whichever fault shows it."""
    seen: dict[str, bool] = {}
    for broken in dict.fromkeys(path.faults[kind].broken_by for kind in kinds):
        same = [kind for kind, fault in path.faults.items() if fault.broken_by == broken]
        is_noticed = any(lab.noticed(path, [kind])[0] for kind in same[:_TRIED])
        seen |= dict.fromkeys(same, is_noticed)
    return seen


def _run(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Run every fault at every call, then each with its break; yield a row for each."""
    return _with_lab((Run(),), wanted, each_break=True)


def _paths(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Run the faults of the other paths, then each break; yield a row for each fault."""
    return _with_lab(PATHS, wanted, each_break=False)


def _attacks(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Attack every effect, and deface where it is installed."""
    data = os.environ.get("BLURCAM_EVAL_DATA")
    if data is None:
        told("no attack: BLURCAM_EVAL_DATA is not set")
        return
    faces = Path(data) / "faces-orl"
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        rows = threads.map(lambda name: _attacked(name, faces), filter(wanted, (*EFFECTS, PEER)))
        yield from (row for row in rows if row is not None)


def _attacked(effect: str, faces: Path) -> dict[str, Any] | None:
    if effect == PEER:
        from tests.proof.peers import attack_deface

        found = attack_deface(faces)
        return None if found is None else found.values()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "blurcam", "attack", "--effect", effect]
        subprocess.run(
            [*command, "--faces", faces, "--json", report], cwd=ROOT, check=False, stdout=sys.stderr
        )
        row: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return row


def _name_of(row: dict[str, Any]) -> str:
    """Return what a row is called where rows are chosen."""
    if "fault" in row:
        return f"{row['path']}: {row['fault']}"
    if "scene" in row:
        return f"{row['mode']}: {row['scene']}"
    name = str(row.get("module", row.get("effect", "")))
    return name.removeprefix("tests/").removesuffix(".py")


PARTS = {"run": _run, "paths": _paths, "tests": tested, "scenes": proved, "attacks": _attacks}


def main() -> int:
    """Prove, write it down, and say whether it holds."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "proof.json")
    parser.add_argument("--only", choices=tuple(PARTS))
    parser.add_argument("--rows", default="", help="only those that this pattern matches")
    asked = parser.parse_args()

    def wanted(row: str) -> bool:
        return re.search(asked.rows, row) is not None

    machine = str(this_machine())  # how busy it was before
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    proof: dict[str, Any] = {}
    if asked.only and asked.json.exists():
        proof = json.loads(asked.json.read_text(encoding="utf-8"))
    for name, part in PARTS.items():
        if asked.only not in (None, name):
            continue
        started, before = time.monotonic(), proof.get(name, [])
        told(f"{name}: begins{_last_time(proof, name)}")
        proof[name] = [row for row in before if not wanted(_name_of(row))] if asked.rows else []
        for row in part(wanted):
            proof[name].append(row)
            asked.json.write_text(json.dumps(proof, indent=1) + "\n", encoding="utf-8")
        if not asked.rows:
            proof.setdefault("seconds", {})[name] = round(time.monotonic() - started)
            proof["machine"] = machine
        asked.json.write_text(json.dumps(proof, indent=1) + "\n", encoding="utf-8")
        if all(part in proof for part in PARTS):  # no half of a page
            written = PAGE.read_text(encoding="utf-8").split(MARK)[0]
            text = written + MARK + "\n" + "\n".join(summary(proof)) + "\n"
            PAGE.write_text(text, encoding="utf-8")
            every = "# The proof, row by row\n\n" + "\n".join(tables(proof)) + "\n"
            asked.json.with_suffix(".md").write_text(every, encoding="utf-8")
        told(f"{name}: {len(proof[name])} rows in {time.monotonic() - started:.0f} s")
    sys.stderr.write("\n" + "\n".join(judgement(proof)) + "\n")
    return 1 if any(wrong(proof)) else 0


def _last_time(proof: dict[str, Any], part: str) -> str:
    seconds = proof.get("seconds", {}).get(part)
    return "" if seconds is None else f"; all of it took {seconds / 60:.0f} minutes last time"


if __name__ == "__main__":
    sys.exit(main())
