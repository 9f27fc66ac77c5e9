"""A camera, from a real RTSP server to a file, with everything that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from blurcam.runtime.backoff import BackOffTimes
from blurcam.runtime.status import CameraStatus
from blurcam.settings.camera import OnLoss, Receive, RecordingOutput, Transport
from blurcam.settings.redaction import Cover
from tests.support.clips import frame_times
from tests.support.fakecam import Clip, FakeCam, Fault
from tests.support.fakecam.faults import Kind
from tests.support.live_cameras import WOVEN, accounted, face_clip, strengths, watch


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        "h264": Clip(face_clip(folder / "h264.mp4")),
        "h265": Clip(face_clip(folder / "h265.mp4", "libx265")),
    }


def redacted(count: int) -> Callable[[CameraStatus], bool]:
    return lambda status: status.redacted >= count


def reconnected(times: int, then: int) -> Callable[[CameraStatus], bool]:
    """Wait for so many reconnects, and so many redacted frames after the last of them."""
    at_reconnect: list[int] = []

    def enough(status: CameraStatus) -> bool:
        if sum(status.reconnects.values()) >= times:
            at_reconnect.append(status.redacted)
            return status.redacted >= at_reconnect[0] + then
        return False

    return enough


def exposed(path: Path) -> float:
    return max(map(abs, strengths(path)))


def assert_time_goes_on(path: Path) -> None:
    times = frame_times(path)
    assert all(a < b for a, b in pairwise(times))


@pytest.mark.parametrize(
    ("name", "transport"),
    [
        ("h264", "tcp"),
        ("h265", "udp"),
        pytest.param("h264", "udp", marks=pytest.mark.slow),
        pytest.param("h265", "tcp", marks=pytest.mark.slow),
    ],
)
def test_a_camera_becomes_a_redacted_file(
    clips: dict[str, Clip], tmp_path: Path, name: str, transport: Transport
) -> None:
    out = tmp_path / "live.ts"
    with FakeCam(clips) as server:
        watched = watch(
            server.url(name), RecordingOutput(str(out)), enough=redacted(30), transport=transport
        )
    assert exposed(out) < WOVEN / 4
    assert_time_goes_on(out)
    counts = watched.counts
    assert counts.frames_in == accounted(counts)
    assert len(strengths(out)) == counts.frames_in - counts.dropped
    assert watched.states[-2:] == ["live", "stopped"]
    assert list(tmp_path.iterdir()) == [out], "nothing keeps a temporary name"


def test_the_code_is_seen_where_no_face_is_looked_for(
    clips: dict[str, Clip], tmp_path: Path
) -> None:
    """The control: with all of the picture to be ignored, the tests above would fail."""
    out = tmp_path / "live.ts"
    with FakeCam(clips) as server:
        blind = Cover(0.4, 0.5, 0.4, ignores=(((0, 0), (1, 0), (1, 1), (0, 1)),))
        watch(server.url("h264"), RecordingOutput(str(out)), enough=redacted(15), cover=blind)
    assert exposed(out) > WOVEN / 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("close", at=1),
        Fault("reset", at=1),
        pytest.param(Fault("stall", at=1, amount=3600), marks=pytest.mark.slow),
        Fault("blackhole", at=1),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_camera_that_goes_away_is_connected_to_again(
    clips: dict[str, Clip], tmp_path: Path, fault: Fault
) -> None:
    out = tmp_path / "live.ts"
    with FakeCam(clips, fault=fault) as server:

        def enough(status: CameraStatus) -> bool:
            if status.reconnects:
                server.fault = None
            return again(status)

        again = reconnected(1, then=10)
        watched = watch(
            server.url("h264"), RecordingOutput(str(out)), enough=enough, receive=Receive(stall=1)
        )
    assert exposed(out) < WOVEN / 4
    assert_time_goes_on(out)
    assert watched.counts.frames_in == accounted(watched.counts)


def test_frames_are_covered_whole_until_the_detector_has_answered_after_every_start(
    clips: dict[str, Clip], tmp_path: Path
) -> None:
    """No frame of either session shows the code, although each begins in the middle of a face."""
    out = tmp_path / "live.ts"
    with FakeCam(clips, fault=Fault("close", at=0.8)) as server:
        watched = watch(
            server.url("h264"), RecordingOutput(str(out)), enough=reconnected(2, then=5)
        )
    assert exposed(out) < WOVEN / 4
    assert sum(watched.last.reconnects.values()) >= 2


@pytest.mark.parametrize(
    ("name", "on_loss"),
    [
        ("h264", "freeze"),
        ("h265", "cover"),
        pytest.param("h264", "cover", marks=pytest.mark.slow),
        pytest.param("h265", "freeze", marks=pytest.mark.slow),
    ],
)
def test_what_lost_packets_leave_of_a_face_is_not_shown(
    clips: dict[str, Clip], tmp_path: Path, name: str, on_loss: OnLoss
) -> None:
    """Packets are lost at random, and a damaged face may be no face to the detector.

    With ``LossState.sign`` made to do nothing, no frame is hidden and the last assertions fail.
    """
    out = tmp_path / "live.ts"

    def enough(status: CameraStatus) -> bool:
        return status.packet_loss >= 4 and status.redacted >= 25

    with FakeCam(clips, fault=Fault("loss", at=1, amount=0.025)) as server:
        watched = watch(server.url(name), RecordingOutput(str(out)), enough=enough, on_loss=on_loss)
    assert exposed(out) < WOVEN / 4
    counts = watched.counts
    hidden = counts.frozen if on_loss == "freeze" else sum(counts.covered_whole.values())
    assert hidden > 0
    assert counts.frames_in == accounted(counts)


def test_a_jump_of_an_hour_leaves_the_output_s_time_true(
    clips: dict[str, Clip], tmp_path: Path
) -> None:
    out = tmp_path / "live.ts"
    with FakeCam(clips, fault=Fault("jump", at=1, amount=3600)) as server:
        watch(server.url("h264"), RecordingOutput(str(out)), enough=redacted(45))
    times = frame_times(out)
    assert times[-1] - times[0] < 60
    assert_time_goes_on(out)


@pytest.mark.parametrize("basic", [True, False], ids=["basic", "digest"])
def test_a_password_of_odd_characters_opens_the_camera(
    clips: dict[str, Clip], tmp_path: Path, basic: bool
) -> None:
    password = "p@ss/w:rd?#%&"
    with FakeCam(clips, login=("user", password), basic=basic) as server:
        out = RecordingOutput(str(tmp_path / "live.ts"))
        watched = watch(server.url("h264"), out, enough=redacted(5), password=password)
    assert watched.counts.redacted >= 5


def test_a_wrong_password_is_tried_once_and_never_told(
    clips: dict[str, Clip], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeCam(clips, login=("user", "right")) as server:
        out = RecordingOutput(str(tmp_path / "live.ts"))
        watched = watch(
            server.url("h264"),
            out,
            enough=lambda status: status.state == "refused",
            password="wrong-secret",
        )
        assert server.connections == 1
    assert "refuses the user name or the password" in (watched.last.last_error or "")
    assert "wrong-secret" not in caplog.text + repr(watched.statuses)


def test_udp_that_does_not_arrive_becomes_tcp(clips: dict[str, Clip], tmp_path: Path) -> None:
    with FakeCam(clips, fault=Fault("udp-blocked")) as server:
        out = RecordingOutput(str(tmp_path / "live.ts"))
        watch(
            server.url("h264"),
            out,
            enough=redacted(5),
            receive=Receive("udp", connect=2, stall=1.5),
        )


def test_a_camera_without_tcp_is_taken_by_udp(clips: dict[str, Clip], tmp_path: Path) -> None:
    with FakeCam(clips, tcp=False) as server:
        out = RecordingOutput(str(tmp_path / "live.ts"))
        watch(server.url("h264"), out, enough=redacted(5))


def test_a_server_that_never_answers_is_given_up(clips: dict[str, Clip], tmp_path: Path) -> None:
    with FakeCam(clips, fault=Fault("no-answer")) as server:
        watched = watch(
            server.url("h264"),
            RecordingOutput(str(tmp_path / "live.ts")),
            enough=lambda status: status.reconnects.get("silent", 0) >= 1,
            receive=Receive(connect=1.5, stall=1.5),
        )
    assert watched.counts.frames_in == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_hundred_reconnects_leave_memory_threads_and_descriptors_flat(
    clips: dict[str, Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the collection after each session it holds 1.8 MB more after each."""
    monkeypatch.setattr("blurcam.runs.camera.UNREACHABLE", BackOffTimes(0.05, 0.1))
    process = psutil.Process()
    seen: dict[int, tuple[int, int, int]] = {}

    def enough(status: CameraStatus) -> bool:
        count = sum(status.reconnects.values())
        held = process.memory_info().rss, process.num_threads(), process.num_fds()
        seen.setdefault(count // 50, held)
        return count >= 200

    with FakeCam(clips, fault=Fault("close", at=0.3)) as server:
        out = RecordingOutput(str(tmp_path / "live.ts"))
        watch(server.url("h264"), out, enough=enough, patience=1200)
    (memory, threads, files), (memory_later, threads_later, files_later) = seen[1], seen[4]
    assert memory_later < memory + (30 << 20)
    assert threads_later <= threads + 2
    assert files_later <= files + 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["close", "reset", "stall", "blackhole", "jump"])
def test_a_fault_that_comes_twenty_times_shows_no_face(
    clips: dict[str, Clip], tmp_path: Path, kind: Kind
) -> None:
    out = tmp_path / "live.ts"
    with FakeCam(clips) as server:
        done = 0

        def enough(status: CameraStatus) -> bool:
            nonlocal done
            if server.fault is None or server.connections > done + 1:
                done += 1
                server.fault = Fault(kind, at=1.0)
            return done > 20

        watched = watch(server.url("h264"), RecordingOutput(str(out)), enough=enough, patience=600)
    assert exposed(out) < WOVEN / 4
    assert_time_goes_on(out)
    assert watched.counts.frames_in == accounted(watched.counts)


@pytest.mark.slow
@pytest.mark.parametrize("on_loss", ["freeze", "cover"])
def test_packets_that_are_lost_twenty_times_leave_nothing_of_a_face(
    clips: dict[str, Clip], tmp_path: Path, on_loss: OnLoss
) -> None:
    """Each time until a loss was seen, and then not before pictures are shown again."""
    out = tmp_path / "live.ts"
    losses, missed, shown = 0, 0, 0
    with FakeCam(clips) as server:

        def enough(status: CameraStatus) -> bool:
            nonlocal losses, missed, shown
            if server.fault is not None and status.packet_loss > missed:
                losses, missed, shown = losses + 1, status.packet_loss, status.redacted
                server.fault = None
            elif server.fault is None and status.redacted > shown + 5:
                server.fault = Fault("loss", amount=0.02)
            return losses >= 20

        watched = watch(
            server.url("h264"),
            RecordingOutput(str(out)),
            enough=enough,
            on_loss=on_loss,
            patience=600,
        )
    assert exposed(out) < WOVEN / 4
    assert_time_goes_on(out)
    assert not watched.last.reconnects
    counts = watched.counts
    assert (counts.frozen if on_loss == "freeze" else sum(counts.covered_whole.values())) >= 20
    assert counts.frames_in == accounted(counts)
