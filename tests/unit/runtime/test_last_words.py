"""A death leaves a word: what killed the process, and what it was doing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from blurcam.runtime.last_words import death_in_words, step, tell_steps_to

ROOT = Path(__file__).parents[3]
DYING = """
import ctypes, os, signal, sys
from blurcam.runtime import last_words
from blurcam.runtime.no_core_dump import no_core_dump
no_core_dump()
last_words.leave_witness()
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # as a library is silenced
with last_words.step("redacting"):
    with last_words.step("loading the\\n detector mediapipe"):
        {deed}
    {later}
last_words.over()
"""


def said(deed: str, later: str = "pass") -> tuple[str, int]:
    code = DYING.format(deed=deed, later=later)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert not done.stdout
    return done.stderr, done.returncode


@pytest.mark.parametrize(
    ("deed", "code", "told"),
    [
        ("os.abort()", -6, "died in a native library: Aborted"),
        ("ctypes.string_at(0)", -11, "died in a native library: Segmentation fault"),
        ("os.kill(os.getpid(), signal.SIGILL)", -4, "died in a native library: Illegal instr"),
        ("os.kill(os.getpid(), 9)", -9, "was killed (by hand, or because memory ran out)"),
    ],
)
def test_a_process_that_dies_says_of_what_and_in_which_step(
    deed: str, code: int, told: str
) -> None:
    text, ended = said(deed)
    assert ended == code
    assert text.startswith(f"blurcam: {told}")
    assert " while loading the detector mediapipe" in text
    assert text.count("\n") == 1


def test_without_a_witness_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The break: so that the test above can fail."""
    monkeypatch.setattr(f"{__name__}.DYING", DYING.replace("last_words.leave_witness()", ""))
    assert said("os.abort()") == ("", -6)


def test_the_step_is_the_one_under_way() -> None:
    text, _ = said("pass", later="os.abort()")
    assert " while redacting" in text


def test_an_end_in_order_is_none_of_its_business() -> None:
    assert said("pass") == ("", 0)


def test_where_it_happened_is_told_of_a_fault_and_not_of_a_kill() -> None:
    trace = (
        b"step redacting\nFatal Python error: Aborted\n\nCurrent thread 0x1 "
        b'(most recent call first):\n  File "/a/ctypes/__init__.py", line 3 in f\n'
        b'  File "/a/blurcam/detect/x.py", line 66 in _search\n'
        b'  File "/a/blurcam/y.py", line 1 in g\n'
    )
    assert " while redacting (blurcam/detect/x.py, line 66); " in death_in_words(trace)
    assert death_in_words(b"step redacting\nstep \n").startswith("was killed (by hand")
    assert " while " not in death_in_words(b"step redacting\nstep \n")


def test_steps_nest() -> None:
    told: list[str] = []
    tell_steps_to(told.append)
    try:
        with step("a"), step("b"):
            pass
    finally:
        tell_steps_to(lambda text: None)
    assert told == ["a", "b", "a", ""]
