"""A fault put into the process that does the work: this one, a job's worker, or a camera's."""

from __future__ import annotations

import importlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.proof.joints import Strike, take, wrap

# So many redacted frames of a camera are enough, or so many processes that died, or seconds.
_FRAMES, _DEATHS, _LONGEST = 45, 2, 60.0


def arm(order: dict[str, Any], tell: Callable[[], object]) -> None:
    """Put the order's detector, fault and breaks into this process."""
    from tests.proof import breaks, faults

    take(order["path"])
    if order["oracle"]:
        faults.use_oracle(order["path"])
    if order["fault"]:
        faults.apply(order["fault"], order["at"], tell)
    for name in order["breaks"]:
        breaks.apply(name)
    if order["path"] == "review":
        wrap("blurcam.review.web.routes:ReviewPage._list", _until_told)
    if "PROOF_WRITTEN" in os.environ:
        wrap("blurcam.sinks.segment_file:SegmentFile.write", _told_of)


def pass_on(order: dict[str, Any]) -> None:
    """Have the processes that this one will start be armed, in its place."""
    os.environ["PROOF_ORDER"] = json.dumps(order)
    wrap("blurcam.runtime.child:subprocess.Popen", _with_fault)
    if order["path"] == "serve":
        wrap("blurcam.serve.supervisor:Supervisor.turn", _until_enough())


def _until_told(original: Strike, page: Any, request: Any) -> Any:
    """End the review once its visitor has seen everything."""
    if "end" in request.query_params:
        os.kill(os.getpid(), signal.SIGTERM)
    return original(page, request)


def _arm_as_told() -> dict[str, Any]:
    order: dict[str, Any] = json.loads(os.environ["PROOF_ORDER"])
    arm(order, Path(order["struck"]).touch)
    return order


def _with_fault(original: Strike, command: list[str], **options: Any) -> Any:
    """Start the program below in place of a camera's or a worker's process."""
    assert command[1:3] == ["-m", "blurcam.runtime"]
    os.environ["PROOF_MODULE"] = command[3]
    return original([*command[:3], "tests.proof.inside", *command[4:]], **options)


def _until_enough() -> Strike:
    """End the service once its camera has shown enough, or has died often enough."""
    began: list[float] = []

    def around(original: Strike, supervisor: Any) -> None:
        original(supervisor)
        began.append(time.monotonic())
        seen = supervisor.statuses()
        dead = sum(n for each in seen for n in each.reconnects.values())
        if (
            any(each.redacted >= _FRAMES for each in seen)
            or dead >= _DEATHS
            or began[-1] - began[0] > _LONGEST
        ):
            os.kill(os.getpid(), signal.SIGTERM)
        del began[1:]

    return around


def _told_of(original: Strike, file: Any, packet: Any) -> None:
    """Write down, beyond any buffer, that a picture has been written."""
    original(file, packet)
    with Path(os.environ["PROOF_WRITTEN"]).open("ab", buffering=0) as written:
        written.write(b".")


def _noted(original: Strike, *args: Any) -> Any:
    """Write a camera's books down when it has ended by itself."""
    counts = original(*args)
    values = {
        "frames_in": counts.frames_in,
        "redacted": counts.redacted,
        "covered_whole": sum(counts.covered_whole.values()),
        "dropped": counts.dropped,
        "frozen": counts.frozen,
    }
    Path(os.environ["PROOF_BOOKS"], f"{os.getpid()}.json").write_text(json.dumps(values))
    return counts


def main(parent: Any) -> None:
    """Be the process that blurcam started, with the fault that the environment names."""
    _arm_as_told()
    module = importlib.import_module(os.environ["PROOF_MODULE"])
    if module.__name__ == "blurcam.serve.camera_process":
        wrap("blurcam.runs.camera:CameraRun.run", _noted)
    module.main(parent)
