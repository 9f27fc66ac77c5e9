"""Child processes: what they are told, what they may leave behind, how they end."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from blurcam.runtime.child import Child, wait_for
from blurcam.runtime.json_values import from_json, to_json
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import (
    Camera,
    PublishOutput,
    Receive,
    RecordingOutput,
    StdoutOutput,
)
from blurcam.settings.redaction import Cover, Detect, Encode
from tests.support.child_program import Deed
from tests.support.clocks import HandClock

SECRET = "p@ss/w:rd"
CAMERA = Camera(
    name="front",
    source=parse_address("rtsp://127.0.0.1/cam", username="user", password=SECRET),
    outputs=(
        RecordingOutput("/tmp/%H.mp4", 60.0, keep=3600.0),
        StdoutOutput(),
        PublishOutput(parse_address("rtsp://127.0.0.1/out")),
    ),
    receive=Receive("udp", loop=True),
    detect=Detect(profile="near", tiles=True),
    cover=Cover(masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)),
    encode=Encode(crf=20),
)


def started(deed: str, clock: HandClock, *, ends_within: float = 0.0) -> Child:
    child = Child("tests.support.child_program", clock, starts_within=20, hangs_after=5,
                  ends_within=ends_within, expendable=True)  # fmt: skip
    child.tell(to_json(Deed(deed)))
    return child


def heard(child: Child, *, until: Callable[[], bool] = lambda: False) -> list[tuple[str, bytes]]:
    """Return what it says until it says something, or has ended, or ``until`` says so."""
    found: list[tuple[str, bytes]] = []
    deadline = time.monotonic() + 60
    while not found and child.is_running and not until():
        assert time.monotonic() < deadline
        wait_for([child], 0.1)
        found += child.hear()
    return found + list(child.hear())


def ended(child: Child) -> str:
    child.wait(60)
    heard(child)
    child.close()
    return child.how_it_ended()


def test_nothing_can_be_left_behind_before_anything_is_told() -> None:
    child = started("tell of itself", HandClock())
    ((kind, body),) = heard(child)
    assert kind == "facts"
    assert json.loads(body) == {"dumpable": 0, "core": 0, "oom": "500"}
    child.close()


def test_settings_arrive_as_they_are_and_nobody_else_can_read_them() -> None:
    child = started("tell of itself", HandClock())
    heard(child)
    process = psutil.Process(child.pid)
    text = " ".join(process.cmdline()) + str(process.environ())
    assert "front" not in text
    child.tell(to_json(CAMERA))
    ((_, body),) = heard(child)
    assert body.decode() == repr((CAMERA, CAMERA.source.location))
    assert ended(child) == "ended with exit code 0"


def test_settings_survive_their_json() -> None:
    assert from_json(Camera, to_json(CAMERA), "camera") == CAMERA
    odd = Camera("x", parse_address("/tmp/\udcff.mp4"), ())
    assert from_json(Camera, to_json(odd), "camera") == odd


@pytest.mark.parametrize(
    ("text", "told"),
    [('{"name": 3}', r"deed\.name: "), ("{}", r"deed\.name: "), ("[]", "deed: ")],
)
def test_what_is_no_setting_is_refused_by_its_key(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        from_json(Deed, text, "deed")


def test_a_death_is_told_with_the_step_it_came_in() -> None:
    child = started("abort", HandClock())
    assert ended(child) == "was ended by SIGABRT while loading the detector"


def test_a_kill_from_elsewhere_is_told_with_what_may_have_done_it() -> None:
    child = started("hang", HandClock())
    heard(child)
    psutil.Process(child.pid).send_signal(signal.SIGKILL)
    assert ended(child) == "was ended by SIGKILL (by hand, or because memory ran out)"


def test_a_child_that_says_nothing_hangs_and_is_killed() -> None:
    clock = HandClock()
    child = started("hang", clock)
    clock.sleep(19)
    child.watch()
    assert child.is_running  # it may take so long to start
    heard(child)
    clock.sleep(4)
    child.watch()
    assert child.is_running
    clock.sleep(2)
    child.watch()
    assert ended(child) == "hung"


def test_a_child_that_does_not_end_in_its_time_is_killed() -> None:
    clock = HandClock()
    child = started("refuse to end", clock, ends_within=2.5)
    heard(child)
    child.end()
    clock.sleep(2)
    child.watch()
    assert child.is_running
    clock.sleep(1)
    child.watch()
    assert ended(child).startswith("was ended by SIGKILL")


def test_a_line_without_end_is_the_end() -> None:
    child = started("go mad", HandClock())
    heard(child, until=lambda: not child.is_running)
    assert child.exit_code == -signal.SIGKILL
    child.close()


def test_an_executable_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(Path("/nowhere/python")))
    with pytest.raises(OSError, match="No such file"):
        started("hang", HandClock())
