from __future__ import annotations

import subprocess
import sys

import pytest

from blurcam import cli
from blurcam.errors import ConfigError, DetectorError
from blurcam.runtime.lines import one_line

# As OpenCV writes them, with a line break at the end.
_OF_OPENCV = "OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) in function 'Error'\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("one", "one"),
        (_OF_OPENCV, _OF_OPENCV.strip()),
        ("one\r\n\n  two\u2028three\x85", "one two three"),
        ("two  spaces stay.mp4", "two  spaces stay.mp4"),
        ("\n", ""),
    ],
)
def test_line_breaks_become_spaces(text: str, told: str) -> None:
    assert one_line(text) == told


@pytest.mark.parametrize(
    ("error", "code", "begins"),
    [
        (MemoryError(_OF_OPENCV), 1, "blurcam: internal error: MemoryError: OpenCV(5.0.0)"),
        (DetectorError(f"mediapipe: {_OF_OPENCV}"), 1, "blurcam: mediapipe: OpenCV(5.0.0)"),
    ],
)
def test_an_error_is_told_in_one_line_whatever_a_library_says(
    error: Exception,
    code: int,
    begins: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(error, monkeypatch) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(begins)


def test_each_fault_of_a_file_of_settings_has_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(ConfigError("a: no\nb: no"), monkeypatch) == 2
    assert capsys.readouterr().err.splitlines() == ["blurcam: a: no", "blurcam: b: no"]


def told(error: Exception, monkeypatch: pytest.MonkeyPatch) -> object:
    """Have the command line end in this error; return its exit code."""

    def failing(**how: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", failing)
    monkeypatch.setattr(cli, "no_core_dump", lambda: None)
    monkeypatch.setattr(sys, "argv", ["blurcam", "run"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_a_record_of_the_log_is_one_line_and_a_traceback_keeps_its_own() -> None:
    program = (
        "import logging\n"
        "from blurcam.runtime.lines import log_in_lines\n"
        "log_in_lines(logging.WARNING)\n"
        "logging.warning('frame 3: %s', 'no\\nmemory\\n')\n"
        "try:\n    1 / 0\n"
        "except ZeroDivisionError:\n    logging.exception('a bug')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, second, *traceback = done.stderr.splitlines()
    assert first == "blurcam: WARNING: frame 3: no memory"
    assert second == "blurcam: ERROR: a bug"
    assert traceback[-1] == "ZeroDivisionError: division by zero"
