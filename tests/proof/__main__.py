"""``make prove``: all of the proof, its tables in build/, its summary in docs/design/proof.md.

    python -m tests.proof [--json FILE] [--only run|paths|tests|scenes|attacks] [--rows PATTERN]

What each part found is kept in the JSON file, so that the parts can be run one at a time; with a
pattern only the rows that it matches are measured anew ("serve: .* in encode", "track/test_cover").
Ends with exit code 1 where anything is not safe, or a break goes unnoticed.
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
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import this_machine
from tests.proof.canary import Feed, WovenFeed, make_feed
from tests.proof.page import summary, tables, wrong
from tests.proof.paths import Batch, PathUnderTest, Pipe, Run, Serve
from tests.proof.prove import Judged, build_shim, cases, judge, noticed
from tests.proof.scenes import proved
from tests.proof.zygote import ROOT, Pool, zygotes

PAGE = ROOT / "docs" / "design" / "proof.md"
MARK = "<!-- From here on written by: make prove -->\n"
# The ways through blurcam that faults are injected into, beside the first one at every call.
PATHS: tuple[PathUnderTest, ...] = (Pipe(), Batch(), Serve())
# Its own tests break what they test, and show that they fail then.
WITHIN = "in the tests"
# Module, what it shows, the break (of tests/proof/spoiling.py) with which it must fail; what of it
# is left out here.
MODULES = (
    ("system/test_leak", "no code of a face reaches the output", "redacts_nothing", ""),
    ("system/test_leak_channels", "nothing else carries a face or a secret out", WITHIN, ""),
    (
        "system/test_irreversible",
        "the same bytes whatever is under the mask",
        "blur_reads_the_face",
        "forty",
    ),
    ("unit/redact/test_gate", "the same samples, over all formats", "blur_reads_the_face", ""),
    ("unit/redact/test_steady_fill", "the same over time", "blur_reads_the_face", ""),
    ("unit/track/test_cover", "tracking only adds", "tracking_takes_away", ""),
    ("system/test_malformed", "500 mutants and 187 broken files", WITHIN, ""),
    ("system/test_power", "killed at 100 moments each: run, batch, a camera", WITHIN, ""),
    ("unit/runtime/test_no_core_dump", "no core, no other file, no other protocol", WITHIN, ""),
    ("system/test_no_core", "no process can be read by a neighbour", WITHIN, ""),
    ("unit/runtime/test_last_words", "a death leaves a word, with its step", WITHIN, ""),
    ("system/test_paths", "60 hostile names and links", WITHIN, ""),
    ("system/test_secrets", "credentials in 22 shapes", WITHIN, ""),
    ("system/test_parsers", "any input to our own parsers", WITHIN, ""),
    (
        "unit/serve/test_web",
        "token, Host, Origin, traversal, fuzz",
        "any_token_will_do",
        "",
    ),
    (
        "unit/serve/test_door",
        "guesses are slowed, half-open requests hold nobody up",
        "guesses_are_free",
        "",
    ),
    (
        "unit/serve/test_health",
        "two troubles at once: both answers, all findings",
        "outputs_do_not_count",
        "",
    ),
    (
        "unit/serve/test_steady_times",
        "a clock that is set is no silence",
        "a_step_is_silence",
        "",
    ),
    (
        "unit/sinks/test_retention",
        "clocks, full disks and links delete nothing by mistake",
        "the_clock_is_right",
        "",
    ),
    (
        "unit/sinks/test_segments",
        "links lead a recording nowhere, one process a pattern",
        "links_are_followed",
        "",
    ),
    (
        "unit/settings/test_recording_names",
        "every name is recognised, no two cameras share one",
        "names_never_meet",
        "",
    ),
    (
        "system/test_http_confined",
        "a camera by HTTP is asked for its stream alone",
        "a_camera_may_send_elsewhere",
        "",
    ),
    ("unit/models/test_models", "changed weights are refused", "any_model_will_do", ""),
    (
        "unit/models/test_pins",
        "a folder of models adds, and replaces no pin",
        "pins_lie_beside_the_models",
        "",
    ),
    (
        "unit/batch/test_output_folder",
        "one job to an output folder; what was swapped gets no name",
        "a_tree_is_anybodys",
        "",
    ),
    ("system/test_batch_kills", "killed, full, twice at once: a job", WITHIN, ""),
    (
        "unit/batch/test_report_check",
        "a report names what it does not know",
        "any_file_is_known",
        "",
    ),
    ("unit/batch/test_task_json", "workers are sent values, no code", "a_pickle_will_do", ""),
    ("system/test_endurance", "memory stays level", WITHIN, ""),
    ("unit/test_architecture", "who may import what", "a_sink_sees_frames", ""),
)
EFFECTS = ("blur", "solid", "mosaic", "gaussian", "pixelate")
PEER = "deface"
# So many modules' tests, and attacks, side by side: most wait, or use one core.
_AT_ONCE = 2


Wanted = Callable[[str], bool]
"""Whether a row of the table is to be measured."""


def told(text: str) -> None:
    """Say how it goes."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


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
        for number, each in enumerate(judge(self.pool, self.shimmed, self.feeds, every), 1):
            found[each.case.fault.kind].append(each)
            if each.problems:
                told(f"unsafe: {each}"[:1000])
            if number % 50 == 0:
                told(f"{path.name}: {number} of {len(every)} runs")
        return found

    def noticed(self, path: PathUnderTest, kinds: list[str]) -> list[bool]:
        """Run faults of a path with their breaks; return which went wrong, as they must."""

        def one(kind: str) -> bool:
            fault = path.faults[kind]
            seen = noticed(self.pool, self.shimmed, self.feeds, path, fault)
            if not (seen and seen.problems):
                told(f"unnoticed: {path.name}: {kind} with {fault.broken_by}")
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
                told(f"{path.name}: the breaks")
                if each_break:
                    seen = dict(zip(kinds, lab.noticed(path, kinds), strict=True))
                else:
                    seen = _by_break(lab, path, kinds)
                for kind, own in found.items():
                    yield _row(path, kind, own, is_noticed=seen[kind])


def _by_break(lab: _Lab, path: PathUnderTest, kinds: list[str]) -> dict[str, bool]:
    """Return whether each fault's break was noticed: one break, whichever fault shows it."""
    seen: dict[str, bool] = {}
    for broken in dict.fromkeys(path.faults[kind].broken_by for kind in kinds):
        same = [kind for kind in kinds if path.faults[kind].broken_by == broken]
        is_noticed = any(lab.noticed(path, [kind])[0] for kind in same[:4])
        seen |= dict.fromkeys(same, is_noticed)
    return seen


def _run(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Run every fault at every call, then each with its break; yield a row for each."""
    return _with_lab((Run(),), wanted, each_break=True)


def _paths(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Run the faults of the other paths, then each break; yield a row for each fault."""
    return _with_lab(PATHS, wanted, each_break=False)


def _tests(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Run the tests of every part, long ones too, then broken; yield a row for each module."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        yield from threads.map(_tested, [each for each in MODULES if wanted(each[0])])


def _tested(module: tuple[str, str, str, str]) -> dict[str, Any]:
    name, shows, broken, without = module
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"tests/{name}.py"]
        command += ["-o", "junit_family=xunit1"]  # the one with what tests measured
        if without:
            command += ["-k", f"not {without}"]
        subprocess.run([*command, f"--junitxml={report}"], cwd=ROOT, check=False, stdout=sys.stderr)
        root = ET.parse(report).getroot()
    suite = next(root.iter("testsuite")).attrib
    told(f"tests: {name}: {suite['tests']} in {suite['time']} s")
    return {
        "module": f"tests/{name}.py",
        "shows": shows,
        "measured": {
            each.attrib["name"]: each.attrib["value"]
            for each in root.iter("property")
            if not each.attrib["name"].startswith("hypothesis")
        },
        "break": broken,
        "noticed": broken == WITHIN or _fails_broken(name, broken),
        "tests": int(suite["tests"]),
        "failed": int(suite["failures"]) + int(suite["errors"]),
        "skipped": int(suite["skipped"]),
    }


def _fails_broken(name: str, broken: str) -> bool:
    """Return whether a module's tests fail where blurcam is broken."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow"]
    command += ["-p", "tests.proof.spoiling", f"tests/{name}.py"]
    done = subprocess.run(
        command, cwd=ROOT, check=False, stdout=sys.stderr, env=os.environ | {"PROOF_SPOIL": broken}
    )
    return done.returncode == 1  # tests failed: not that they could not be run


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


PARTS = {"run": _run, "paths": _paths, "tests": _tests, "scenes": proved, "attacks": _attacks}


def main() -> int:
    """Prove, write it down, and say whether it holds."""
    parser = argparse.ArgumentParser(prog="make prove")
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
    bad = list(wrong(proof))
    for each in bad:
        sys.stderr.write(each + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
