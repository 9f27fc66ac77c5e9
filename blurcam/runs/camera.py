"""One live camera to redacted outputs, for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from blurcam.detect.overload import OverloadControl
from blurcam.detect.overload_search import at_ease, ladder_for
from blurcam.detect.profiles import smallest_face
from blurcam.detect.slow_detector import DeadlineDetector
from blurcam.encode.choice import codec_for, open_encoder
from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.errors import ConfigError
from blurcam.media.clock import Clock, SystemClock
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.runs.camera_account import StatusRecorder
from blurcam.runs.camera_loop import CameraParts, run
from blurcam.runs.chain import Freezer
from blurcam.runs.perception import covered, open_detector, searched_live
from blurcam.runs.timing import Stages
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import refuse_same
from blurcam.runtime.status import CameraStatus, OutputStatus
from blurcam.settings.camera import Camera, Output, RecordingOutput, StdoutOutput
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.camera_outputs import CameraOutput, CameraOutputs, FrameSink, LiveSink
from blurcam.sinks.camera_stdout import StdoutSink
from blurcam.sinks.containers import format_of
from blurcam.sinks.own_thread import detached
from blurcam.sinks.retention import PatternFiles, Retention
from blurcam.sinks.rtsp import Publisher
from blurcam.sinks.segments import SegmentSink, check_recording
from blurcam.sources.camera import CameraTimeline, LiveSource

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0
_TIMED = ("scan", "detect", "cover", "redact", "encode")


class CameraOwner:
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
        if isinstance(output, RecordingOutput):
            check_recording(output.path, overwrite=camera.encode.overwrite)
            if camera.source.kind == "file":
                refuse_same(Path(camera.source.location), Path(output.path))


def run_camera(
    camera: Camera, watch: CameraOwner, raw: Sequence[FrameSink] = (), standard: int | None = None
) -> FrameCounts:
    """Redact a camera into its outputs until asked to stop; return what became of its frames.

    ``standard`` is a descriptor of standard output, for the output of that kind.

    Raises :class:`~blurcam.errors.ModelError` where there is no detector that works, before the
    camera is so much as connected to.
    """
    check_camera(camera)
    clock, tally = SystemClock(), FrameCounts()
    with closing(DeadlineDetector(open_detector(camera.detect, live=True), clock)) as detector:
        outlets = tuple(_outlet(each, clock, standard) for each in camera.outputs)
        assembled = _Assembled(camera, detector, tally, clock, watch, outlets, raw)
        run(assembled.parts())
        watch.beat(assembled.status())
    return tally


class _Assembled:
    """A camera's objects."""

    def __init__(
        self,
        camera: Camera,
        detector: DeadlineDetector,
        tally: FrameCounts,
        clock: Clock,
        watch: CameraOwner,
        outlets: tuple[CameraOutput, ...],
        raw: Sequence[FrameSink],
    ) -> None:
        self._camera = camera
        self._detector = detector
        self._clock = clock
        self._watch = watch
        self._raw = raw
        self._reel = CameraTimeline.starting(clock, tally)
        self._account = StatusRecorder(camera.name, tally, clock)
        self._outlets = outlets
        self._beaten = float("-inf")
        self._pressure: OverloadControl | None = None
        self._finest_seen = 0.0
        self._stages = Stages()
        self._spent: tuple[int, dict[str, float]] = (0, {})

    def parts(self) -> CameraParts:
        camera = self._camera
        return CameraParts(
            connect=lambda: LiveSource(camera.source, camera.receive, self._reel),
            watch=self._covered,
            open_outputs=self._open_outputs,
            effect=make_effect(camera.effect),
            freezer=Freezer(active=camera.on_loss == "freeze"),
            account=self._account,
            clock=self._clock,
            stages=self._stages,
            tick=self._tick,
            note_load=self._note_load,
            connect_seconds=camera.receive.connect,
            stall_seconds=camera.receive.stall,
        )

    def _note_load(self, fill: float) -> None:
        account, pressure = self._account, self._pressure
        account.queue_fill = fill
        if pressure is not None:
            pressure.note_load(fill, account.tally.dropped)
            account.smallest_face = round(self._finest_seen / pressure.rung.scale, 1)

    def status(self) -> CameraStatus:
        self._account.packet_loss = self._reel.packet_loss
        if self._pressure is not None:
            self._account.overload = self._pressure.overload
        self._tell_stages()
        return self._account.status(self._output_statuses())

    def _tell_stages(self) -> None:
        """Note how long each stage took for each frame since the last time."""
        frames, spent = self._account.tally.frames_in, self._stages.seconds(_TIMED)
        before, spent_before = self._spent
        if frames == before:
            return
        self._spent = frames, spent
        for name, seconds in spent.items():
            since = seconds - spent_before.get(name, 0.0)
            self._account.stage(name, since / (frames - before))

    def _tick(self) -> bool:
        now = self._clock.elapsed()
        if now - self._beaten >= _BEAT_SECONDS:
            self._beaten = now
            self._watch.beat(self.status())
        return self._watch.stop()

    def _output_statuses(self) -> tuple[OutputStatus, ...]:
        return tuple(outlet.status() for outlet in self._outlets)

    def _covered(
        self, frames: Iterator[Frame | None], info: StreamInfo
    ) -> Iterator[tuple[Frame, Coverage]]:
        camera, account = self._camera, self._account
        pressure = self._pressure or self._unpressed(info)
        pressure.restart()
        stages, detector = self._stages, self._stages.detector(self._detector)
        waited = stages.timed("wait", frames)
        found = searched_live(waited, info, detector, camera.detect, camera.cover.lead, pressure)
        scanned = account.answers(stages.timed("scan", found), lambda: self._detector.late)
        return stages.timed("cover", covered(scanned, camera.cover, account.tally, live=True))

    def _unpressed(self, info: StreamInfo) -> OverloadControl:
        """Return the pressure on this camera, none yet, now that its pictures' size is known."""
        detect, account, detector = self._camera.detect, self._account, self._detector
        looks = at_ease(detect, detector.threshold, info.width, info.height)
        self._finest_seen = float(smallest_face(looks, detector.smallest_face))
        account.smallest_face = self._finest_seen
        account.plan_for = detect.plan_for or self._finest_seen
        ladder = ladder_for(detect, detector.threshold, info.width, info.height)
        self._pressure = OverloadControl(self._clock, ladder)
        return self._pressure

    def _open_outputs(self, info: StreamInfo) -> CameraOutputs:
        asked = self._camera.encode
        codec = codec_for(info, ".ts", asked.codec)
        coding = EncoderOptions(
            codec,
            asked.encoder,
            asked.crf,
            asked.preset,
            reorder=False,
            live=True,
            upright=not all(_turns(output) for output in self._camera.outputs),
        )
        encoder = open_encoder(info, coding, self._account.tally)
        return CameraOutputs(encoder, self._outlets, self._raw)


def _turns(output: Output) -> bool:
    """Whether an output says how its frames are turned; of others the pixels are turned."""
    return isinstance(output, RecordingOutput) and format_of(Path(output.path)).turns


def _outlet(output: Output, clock: Clock, standard: int | None) -> CameraOutput:
    if isinstance(output, RecordingOutput):
        keep = Retention(
            output.keep, output.keep_bytes, output.leave_free, output.when_full == "delete"
        )

        files = PatternFiles(NamePattern(output.path), keep, clock)

        def record(encoder: Encoder) -> LiveSink:
            return SegmentSink(files, encoder, segment=output.segment)

        return CameraOutput(output.path, detached(output.path, record, clock), clock)

    if isinstance(output, StdoutOutput):
        if standard is None:
            raise ConfigError("standard output: is closed, or not the camera's to write to")

        def pipe(encoder: Encoder) -> LiveSink:
            return StdoutSink(standard, encoder)

        return CameraOutput("standard output", pipe, clock)

    def publish(encoder: Encoder) -> LiveSink:
        return Publisher(output.url, encoder, clock)

    return CameraOutput(str(output.url), publish, clock)
