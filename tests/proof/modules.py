"""The tests of every part of blurcam, run as they are, and then with blurcam broken."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.proof.told import told
from tests.proof.zygote import ROOT

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
    ("system/test_second_account", "attempts of other accounts come to nothing", WITHIN, ""),
    ("unit/runtime/test_last_words", "a death leaves a word, with its step", WITHIN, ""),
    ("system/test_deaths_told", "so does that of a service or a job", WITHIN, ""),
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
        "unit/serve/test_zone_editor",
        "zones change for viewers who signed in, and end no redaction",
        "anybody_may_draw",
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
        "a clock that is set is no gap in the answers",
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
# So many modules' tests side by side: most wait, or use one core.
_AT_ONCE = 2
# So much of what pytest says is shown of tests that fail: the last of it says why.
_SHOWN_LINES = 40


def tested(wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Run the tests of every part, long ones too, then broken; yield a row for each module."""
    chosen = [each for each in MODULES if wanted(each[0])]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for number, row in enumerate(threads.map(_tested, chosen), 1):
            told(f"tests: {number} of {len(chosen)} modules")
            yield row


def _tested(module: tuple[str, str, str, str]) -> dict[str, Any]:
    name, shows, broken, without = module
    told(f"tests: {name} begins")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-o", "junit_family=xunit1"]  # the one with what tests measured
        if without:
            options += ["-k", f"not {without}"]
        done = _pytest(name, *options, f"--junitxml={report}")
        root = ET.parse(report).getroot()
    suite = next(root.iter("testsuite")).attrib
    told(f"tests: {name}: {suite['tests']} in {suite['time']} s")
    if done.returncode != 0:
        told(f"failed: {name}:\n{_last_lines(done.stdout)}")
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
    """Return whether a module's tests fail where blurcam is broken.

    What they say then is not shown: that they fail is right.
    """
    done = _pytest(name, "-x", "-m", "not slow", "-p", "tests.proof.spoiling", broken=broken)
    is_noticed = done.returncode == 1  # tests failed: not that they could not be run
    if is_noticed:
        told(f"tests: {name}: notices {broken}")
    else:
        told(f"unnoticed: {name}: {broken}:\n{_last_lines(done.stdout)}")
    return is_noticed


def _pytest(name: str, *options: str, broken: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, f"tests/{name}.py"],
        cwd=ROOT,
        env=os.environ | {"PROOF_SPOIL": broken},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _last_lines(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-_SHOWN_LINES:])
