"""A real camera before a detector that is slow, or hangs."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from blurcam.detect.detector import Detector
from blurcam.detect.detectors import centerface, mediapipe
from blurcam.encode.encoder import RedactedPacket
from blurcam.errors import DetectorError
from blurcam.media.clock import SystemClock
from blurcam.runtime.status import CameraStatus
from blurcam.serve.camera_health import judge
from blurcam.serve.supervisor import Supervisor
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Camera, Receive, RecordingOutput
from blurcam.settings.redaction import Detect, Encode
from blurcam.sinks.retention import PatternFiles
from blurcam.sinks.segments import SegmentSink
from tests.support.clips import frame_times
from tests.support.fakecam import Clip, FakeCam
from tests.support.live_cameras import NEAR, PATIENCE, WOVEN, accounted, face_clip, strengths, watch
from tests.support.slow_detectors import Hanging, Slowed, wrapping

# At rest faces from 8 px are seen; the clip's has 75.
PLANNED = Detect(plan_for=32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return Clip(face_clip(tmp_path_factory.mktemp("clips") / "h264.mp4"))


@pytest.mark.slow
def test_overload_takes_the_rhythm_then_the_resolution_and_gives_it_back(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed: list[Slowed] = []
    seen: list[CameraStatus] = []

    def slow(detector: Detector) -> Slowed:
        slowed.append(Slowed(detector))
        return slowed[0]

    def sinks(status: CameraStatus) -> bool:
        seen.append(status)
        if status.redacted > 10 and not slowed[0].nanoseconds:
            slowed[0].nanoseconds = 4000  # a second for a picture that is looked at whole
        if status.overload == "resolution":
            slowed[0].nanoseconds = 1e-9
        sizes = [each.smallest_face or 0 for each in seen]
        return len(sizes) > 2 and sizes[-1] < max(sizes)

    monkeypatch.setattr(centerface, "open_centerface", wrapping(centerface.open_centerface, slow))
    out = tmp_path / "live.ts"
    with FakeCam({"cam": clip}) as server:
        watched = watch(server.url("cam"), RecordingOutput(str(out)), enough=sinks, detect=PLANNED)
    assert {each.overload for each in seen} >= {"none", "resolution"}
    # A resolution that sank is an alarm, with the smallest face that can be seen now.
    coarse = max(seen, key=lambda each: each.smallest_face or 0)
    at_rest = next(each.smallest_face for each in seen if each.smallest_face)
    assert at_rest < (coarse.smallest_face or 0) <= 32
    judged = judge(coarse, coarse.last_detection or time.time())
    assert judged.tone == "notice"
    assert f"Faces smaller than {coarse.smallest_face:.0f} px may be missed" in judged.why
    # And the face that can be seen still is covered on every frame, or the frame is.
    assert max(map(abs, strengths(out))) < WOVEN / 4
    assert watched.counts.frames_in == accounted(watched.counts)


@pytest.mark.parametrize("name", [pytest.param("centerface", marks=pytest.mark.slow), "mediapipe"])
def test_while_a_detector_hangs_frames_are_covered_whole_and_then_the_run_ends(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without ``Attended`` only a frame a second would leave, and without ``Apart`` none."""
    hanging: list[Hanging] = []
    seen: list[CameraStatus] = []

    def hang(detector: Detector) -> Hanging:
        hanging.append(Hanging(detector))
        return hanging[0]

    def go_on(status: CameraStatus) -> bool:
        seen.append(status)
        if status.redacted > 10:
            hanging[0].is_silent, hanging[0].is_stuck = True, name == "mediapipe"
        return False

    module = {"centerface": centerface, "mediapipe": mediapipe}[name]
    opens = f"open_{name}"
    monkeypatch.setattr(module, opens, wrapping(getattr(module, opens), hang))
    out = tmp_path / "live.ts"
    detect = NEAR if name == "mediapipe" else Detect()
    with FakeCam({"cam": clip}) as server, pytest.raises(DetectorError, match="not answered for"):
        watch(server.url("cam"), RecordingOutput(str(out)), enough=go_on, detect=detect)
    hanging[0].woken.set()
    # Three of the four seconds after its time-out, at 15 frames a second.
    assert seen[-1].covered_whole["detector timed out"] > 30
    assert max(map(abs, strengths(out))) < WOVEN / 4


@pytest.mark.parametrize(
    "kind",
    [signal.SIGUSR1, pytest.param(signal.SIGUSR2, marks=pytest.mark.slow)],
    ids=["silent", "stuck"],
)
def test_a_camera_whose_detector_hangs_gets_another_process(
    clip: Clip, tmp_path: Path, kind: signal.Signals
) -> None:
    """It fails where ``note_answers`` never raises, or the supervisor never kills."""
    with FakeCam({"cam": clip}) as server:
        camera = Camera(
            name="door",
            source=parse_address(server.url("cam")),
            outputs=(RecordingOutput(str(tmp_path / "%H-%M-%S.mp4"), segment=3600),),
            receive=Receive(connect=8, stall=2),
            encode=Encode(crf=14),
        )
        supervisor = Supervisor((camera,), SystemClock(), module="tests.support.slow_detectors")
        try:
            deadline = time.monotonic() + PATIENCE
            states: list[CameraStatus] = []
            hurt = now = 0
            while hurt in (0, now) or states[-1].state != "live":
                assert time.monotonic() < deadline, states[-1:]
                supervisor.turn()
                states += supervisor.statuses()
                now = supervisor.pids().get("door", hurt)
                if not hurt and states[-1].state == "live" and states[-1].redacted > 10:
                    hurt = now
                    os.kill(hurt, kind)
        finally:
            supervisor.stop()
    why = {signal.SIGUSR1: "crashed", signal.SIGUSR2: "hung"}[kind]
    assert states[-1].reconnects == {why: 1}
    if kind is signal.SIGUSR1:
        assert max(each.covered_whole.get("detector timed out", 0) for each in states) > 30
        assert "the detector has not answered" in (states[-1].last_error or "")
    files = sorted(tmp_path.glob("*.mp4"))
    assert len(files) == 2
    assert all(frame_times(file) for file in files)
    assert all(max(map(abs, strengths(file))) < WOVEN / 4 for file in files)


def test_a_disk_that_hangs_holds_up_no_picture_and_is_written_to_again_once_it_does_not(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ``in_own_thread`` no status comes, and no frame reaches the other output."""
    hangs, woken = threading.Event(), threading.Event()

    class Hanging(SegmentSink):
        def __init__(self, files: PatternFiles, *args: Any, **options: Any) -> None:
            super().__init__(files, *args, **options)
            self.may_hang = "slow" in files.names.text

        def write(self, packet: RedactedPacket, wall_time: float) -> None:
            if self.may_hang and hangs.is_set():
                woken.wait()
            super().write(packet, wall_time)

    monkeypatch.setattr("blurcam.runs.camera_outputs.SegmentSink", Hanging)
    monkeypatch.setattr("blurcam.sinks.own_thread._STUCK_SECONDS", 2.0)
    told: list[CameraStatus] = []

    def enough(status: CameraStatus) -> bool:
        slow = status.outputs[0]
        if status.redacted > 10:
            hangs.set()
        if not slow.up:
            told.append(status)
            if status.redacted > told[0].redacted + 30:
                woken.set()
        return woken.is_set() and slow.up

    with FakeCam({"cam": clip}) as server:
        outputs = (
            RecordingOutput(str(tmp_path / "slow-%H-%M-%S.ts"), 3600),
            RecordingOutput(str(tmp_path / "a.ts")),
        )
        watched = watch(server.url("cam"), *outputs, enough=enough)
    assert "the disk takes nothing for 2 s" in str([each.outputs[0].error for each in told])
    assert all(each.outputs[1].up for each in watched.statuses)
    assert len(strengths(tmp_path / "a.ts")) >= watched.counts.redacted
    # What hung is complete in the end, and what came after stands beside it.
    assert len(list(tmp_path.glob("slow-*.ts"))) == 2
    assert not list(tmp_path.glob("*.part"))
