"""One live camera to redacted outputs, for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from blurcam.account import Account
from blurcam.assembly.watching import covered, open_detector, searched
from blurcam.cameras import Camera, Output, Recording
from blurcam.coding import Coding
from blurcam.detection import Detector
from blurcam.effects import make_effect
from blurcam.encoders import codec_for, open_encoder
from blurcam.encoding import Encoder
from blurcam.frames import Frame
from blurcam.pipeline import Freezer
from blurcam.plans import looks_for, smallest_face
from blurcam.regions import Coverage
from blurcam.service import Parts, run
from blurcam.sinks.files import refuse_same
from blurcam.sinks.outlets import LiveSink, Outlet, Outlets, RawSink
from blurcam.sinks.publishing import Publisher
from blurcam.sinks.recordings import Recordings, check_recording
from blurcam.sinks.shelf import Keep
from blurcam.sources.live import LiveSource, Reel
from blurcam.stats import Tally
from blurcam.status import CameraStatus, OutputStatus
from blurcam.streams import Clock, StreamInfo, SystemClock

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0


class Watch:
    """What the owner of a camera learns and says while it runs.

    ``beat`` is given the camera's status once a second; it comes from the main thread, so that it
    stops when that hangs. ``stop`` is asked several times a second.
    """

    def __init__(self, beat: Callable[[CameraStatus], None], stop: Callable[[], bool]) -> None:
        """Take both."""
        self.beat = beat
        self.stop = stop


def check_camera(camera: Camera) -> None:
    """Raise ConfigError for outputs that cannot be written, before anything is begun."""
    for output in camera.outputs:
        if isinstance(output, Recording):
            check_recording(output.path, overwrite=camera.encode.overwrite)
            if camera.source.kind == "file":
                refuse_same(Path(camera.source.location), Path(output.path))


def run_camera(camera: Camera, watch: Watch, raw: Sequence[RawSink] = ()) -> Tally:
    """Redact a camera into its outputs until asked to stop; return what became of its frames.

    Raises :class:`~blurcam.errors.ModelError` where there is no detector that works, before the
    camera is so much as connected to.
    """
    check_camera(camera)
    clock, tally = SystemClock(), Tally()
    with closing(open_detector(camera.detect)) as detector:
        assembled = _Assembled(camera, detector, tally, clock, watch, raw)
        run(assembled.parts())
        watch.beat(assembled.status())
    return tally


class _Assembled:
    """A camera's objects."""

    def __init__(
        self,
        camera: Camera,
        detector: Detector,
        tally: Tally,
        clock: Clock,
        watch: Watch,
        raw: Sequence[RawSink],
    ) -> None:
        self._camera = camera
        self._detector = detector
        self._clock = clock
        self._watch = watch
        self._raw = raw
        self._reel = Reel.starting(clock, tally)
        self._account = Account(camera.name, tally, clock)
        self._outlets = tuple(_outlet(each, clock) for each in camera.outputs)
        self._beaten = float("-inf")

    def parts(self) -> Parts:
        camera = self._camera
        return Parts(
            connect=lambda: LiveSource(camera.source, camera.receive, self._reel),
            watch=self._covered,
            open_outputs=self._open_outputs,
            effect=make_effect(camera.effect),
            freezer=Freezer(active=camera.on_loss == "freeze"),
            account=self._account,
            clock=self._clock,
            pulse=self._pulse,
            connect_seconds=camera.receive.connect,
            stall_seconds=camera.receive.stall,
        )

    def status(self) -> CameraStatus:
        self._account.packet_loss = self._reel.packet_loss
        return self._account.status(self._output_statuses())

    def _pulse(self) -> bool:
        now = self._clock.elapsed()
        if now - self._beaten >= _BEAT_SECONDS:
            self._beaten = now
            self._watch.beat(self.status())
        return self._watch.stop()

    def _output_statuses(self) -> tuple[OutputStatus, ...]:
        return tuple(outlet.status() for outlet in self._outlets)

    def _covered(
        self, frames: Iterator[Frame], info: StreamInfo
    ) -> Iterator[tuple[Frame, Coverage]]:
        camera, account = self._camera, self._account
        looks = looks_for(camera.detect, self._detector.threshold, info.width, info.height)
        seen = float(smallest_face(looks, self._detector.smallest_face))
        account.smallest_face, account.plan_for = seen, camera.detect.plan_for or seen
        found = searched(frames, info, self._detector, camera.detect, camera.cover.lead, live=True)
        return covered(account.answers(found), camera.cover, account.tally, live=True)

    def _open_outputs(self, info: StreamInfo) -> Outlets:
        asked = self._camera.encode
        codec = codec_for(info, ".ts", asked.codec)
        coding = Coding(codec, asked.encoder, asked.crf, asked.preset, reorder=False, live=True)
        encoder = open_encoder(info, coding, self._account.tally)
        return Outlets(encoder, self._outlets, self._raw)


def _outlet(output: Output, clock: Clock) -> Outlet:
    if isinstance(output, Recording):
        keep = Keep(output.keep, output.keep_bytes, output.leave_free, output.when_full == "delete")

        def record(encoder: Encoder) -> LiveSink:
            return Recordings(output.path, encoder, clock, segment=output.segment, keep=keep)

        return Outlet(output.path, record, clock)

    def publish(encoder: Encoder) -> LiveSink:
        return Publisher(output.url, encoder, clock)

    return Outlet(str(output.url), publish, clock)
