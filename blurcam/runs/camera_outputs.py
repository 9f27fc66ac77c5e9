"""What a camera writes to: one encoder and all outputs, opened in the writer's thread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from blurcam.encode.choice import codec_for, open_encoder
from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.errors import ConfigError
from blurcam.media.clock import Clock
from blurcam.media.formats import StreamInfo
from blurcam.runs.chain import FrameOutput, ShownFrame
from blurcam.runs.outputs import EncodedOutput, FrameSink, OnFailure, Output, PlainOutput
from blurcam.runs.timing import Stages
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import refuse_same
from blurcam.runtime.status import OutputStatus
from blurcam.settings.camera import Camera, RecordingOutput, StdoutOutput
from blurcam.settings.camera import Output as OutputSettings
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.camera_stdout import StdoutSink
from blurcam.sinks.containers import format_of
from blurcam.sinks.own_thread import Opens, in_own_thread
from blurcam.sinks.retention import PatternFiles, Retention
from blurcam.sinks.rtsp import Publisher
from blurcam.sinks.segments import SegmentSink, check_recording


def check_camera(camera: Camera) -> None:
    """Raise ConfigError for outputs that cannot be written, before anything is begun."""
    for output in camera.outputs:
        if isinstance(output, RecordingOutput):
            check_recording(output.path, overwrite=camera.encode.overwrite)
            if camera.source.kind == "file":
                refuse_same(Path(camera.source.location), Path(output.path))


class CameraOutputs:
    """All outputs of one camera; each is opened again where it fails, and fails alone."""

    def __init__(
        self,
        camera: Camera,
        counts: FrameCounts,
        stages: Stages,
        clock: Clock,
        stills: Sequence[FrameSink],
        standard: int | None,
    ) -> None:
        """Open nothing yet; ``standard`` is a descriptor of standard output."""
        self._camera = camera
        self._counts = counts
        self._stages = stages
        self._clock = clock
        self._stills = tuple(stills)
        self._standard = standard
        self._stack = ExitStack()
        self._encoder: Encoder | None = None
        self._opened: tuple[FrameOutput, ...] = ()
        self.info: StreamInfo | None = None
        self._outputs = [self._output(each) for each in camera.outputs]

    def write(self, shown: ShownFrame) -> None:
        """Hand a frame to every output; raises SinkError where it cannot be encoded."""
        if not self._opened:
            self._open()
        for output in self._opened:
            output.write(shown)

    def finish(self) -> None:
        """Hand out what the encoder holds, and complete every output."""
        for output in self._opened:
            output.finish()

    def close(self) -> None:
        """Release everything, completed or not; safe to call twice."""
        self._stack.close()

    def statuses(self) -> tuple[OutputStatus, ...]:
        """Return how the outputs do; any thread may ask."""
        return tuple(output.status() for output in self._outputs)

    def _open(self) -> None:
        """Open the encoder, now that the size of the frames is known."""
        assert self.info is not None
        asked = self._camera.encode
        coding = EncoderOptions(
            codec_for(self.info, ".ts", asked.codec),
            asked.encoder,
            asked.crf,
            asked.preset,
            reorder=False,
            live=True,
            upright=not all(_turns(output) for output in self._camera.outputs),
        )
        self._encoder = open_encoder(self.info, coding, self._counts)
        self._stack.callback(self._encoder.close)
        for output in self._outputs:
            self._stack.callback(output.close)
        encoded = EncodedOutput(self._stages.encoder(self._encoder), self._outputs)
        self._opened = (encoded, *(PlainOutput(each) for each in self._stills))

    def _output(self, settings: OutputSettings) -> Output:
        clock = self._clock
        if isinstance(settings, RecordingOutput):
            name, opens = (
                settings.path,
                in_own_thread(settings.path, self._recording(settings), clock),
            )
        elif isinstance(settings, StdoutOutput):
            descriptor = self._standard
            if descriptor is None:
                raise ConfigError("standard output: is closed, or not the camera's to write to")
            name, opens = "standard output", lambda: StdoutSink(descriptor, self._coder())
        else:
            url = settings.url
            name, opens = str(url), lambda: Publisher(url, self._coder(), clock)
        return Output(name, opens, OnFailure.REOPEN, self._counts, clock)

    def _recording(self, settings: RecordingOutput) -> Opens:
        keep = Retention(
            settings.keep,
            settings.keep_bytes,
            settings.leave_free,
            settings.when_full == "delete",
        )
        files = PatternFiles(NamePattern(settings.path), keep, self._clock)
        return lambda: SegmentSink(files, self._coder(), segment=settings.segment)

    def _coder(self) -> Encoder:
        assert self._encoder is not None  # no output is opened before the encoder
        return self._encoder


def _turns(output: OutputSettings) -> bool:
    """Whether an output says how its frames are turned; of others the pixels are turned."""
    return isinstance(output, RecordingOutput) and format_of(Path(output.path)).turns
