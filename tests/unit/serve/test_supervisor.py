"""The supervisor where the machine has nothing left to start a process with."""

from __future__ import annotations

import os
import resource

from blurcam.serve.supervisor import Supervisor
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Camera, RecordingOutput
from tests.support.clocks import HandClock


def test_a_process_that_cannot_be_started_is_told_and_tried_again() -> None:
    # Seen to fail: the error ended the whole service, with every other camera.
    camera = Camera(
        name="door",
        source=parse_address("rtsp://127.0.0.1:9/x"),
        outputs=(RecordingOutput("/nowhere/%H.mp4"),),
    )
    clock = HandClock()
    supervisor = Supervisor((camera,), clock)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 2, hard))
    try:
        supervisor.turn()
        (status,) = supervisor.statuses()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert status.state == "backoff"
    assert status.last_error == "door: its process cannot be started: Too many open files"
    clock.now += 60
    supervisor.turn()
    assert supervisor.pids(), "and started once there is room"
    supervisor.stop()
