"""The run of one camera: it redacts session after session until it is stopped."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from typing import Final, Self

from blurcam.detect.overload import OverloadControl
from blurcam.detect.overload_search import full_resolution, levels_for
from blurcam.detect.profiles import smallest_face
from blurcam.detect.slow_detector import DeadlineDetector
from blurcam.errors import SourceError, SourceRefused, SourceTimeout
from blurcam.media.clock import Clock, SystemClock
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.runs.camera_outputs import CameraOutputs, check_camera
from blurcam.runs.camera_status import CameraState, note_answers, status_of
from blurcam.runs.chain import Freezer, ShownFrame, account, deliver, redact_all
from blurcam.runs.frame_budget import MOST_BYTES
from blurcam.runs.outputs import FrameSink
from blurcam.runs.perception import covered, open_detector, searched_live
from blurcam.runs.timing import Stages
from blurcam.runtime.backoff import REFUSED, UNREACHABLE, BackOff
from blurcam.runtime.counts import FrameCounts, RepeatedFailure
from blurcam.runtime.signals import Stop
from blurcam.runtime.status import CameraStatus
from blurcam.runtime.threads import LIVE_SECONDS, live_turns
from blurcam.settings.camera import Camera
from blurcam.sources.camera import CameraTimeline, LiveSource

logger = logging.getLogger(__name__)

# The status is reported twice a second. After five seconds without one, the supervisor counts the
# process as hung.
_TELLS_EVERY: Final = 0.5
_RESTS_FOR: Final = 0.1
# A reader that hangs beyond its own time-outs is given up after this many seconds more.
_GRACE_SECONDS: Final = 2.0
_TIMED: Final = ("scan", "detect", "cover", "redact", "encode")


class CameraRun:
    """The run of one camera: enter it, then call :meth:`step` until that returns false.

    It owns its state: ``state`` and ``counts`` hold what it knows, :meth:`status` what that means.
    """

    def __init__(
        self,
        camera: Camera,
        tell: Callable[[CameraStatus], None],
        stop: Stop,
        *,
        stills: Sequence[FrameSink] = (),
        standard: int | None = None,
    ) -> None:
        """Check the outputs; open nothing yet.

        The run calls ``tell`` with its status twice a second, from the thread that steps, so that
        a thread that hangs shows. ``stop`` ends the run. ``stills`` get every redacted frame.
        ``standard`` is a descriptor of standard output, for the output of that kind.
        """
        check_camera(camera)
        self.camera = camera
        self.counts = FrameCounts()
        self._clock: Clock = SystemClock()
        self.state = CameraState.starting(self._clock)
        self._tell = tell
        self._told = float("-inf")
        self._stop = stop
        self._stack = ExitStack()
        self._stages = Stages()
        self._spent: tuple[int, dict[str, float]] = (0, {})
        self._timeline = CameraTimeline.starting(self._clock, self.counts)
        self._outputs = CameraOutputs(
            camera, self.counts, self._stages, self._clock, stills, standard
        )
        self._freezer = Freezer(active=camera.on_loss == "freeze")
        self._overload: OverloadControl | None = None
        self._finest_seen = 0.0
        self._backoff = BackOff()
        self._failures = RepeatedFailure(logger, self._clock)
        self._has_worked = False
        self._gives_up_at = 0.0
        self._ended: SourceError | None = None
        self._redacted = self._frames()
        self._steps = deliver(self._redacted, (self._outputs,), self.counts, may_end_early=True)

    def __enter__(self) -> Self:
        """Open the detector; raises ModelError if it cannot be used."""
        opened = open_detector(self.camera.detect, live=True)
        self._detector = DeadlineDetector(opened, self._clock)
        for last in (self._detector, self._outputs, self._redacted, self._steps):
            self._stack.callback(last.close)
        return self

    def __exit__(self, *exc: object) -> None:
        """Release everything; outputs that were not finished keep their temporary names."""
        self._stack.close()

    def run(self) -> FrameCounts:
        """Enter the run and step to its end; return what happened to its frames."""
        with self:
            while self.step():
                pass
        account(self.counts, may_drop=True)  # also for what waited when the source was released
        self._tell(self.status())
        return self.counts

    def step(self) -> bool:
        """Redact one more frame, connecting as often as needed; return false at the end.

        Raises the errors that are not the camera's fault: a detector that failed for good, an
        encoder that cannot encode. Nothing is written then.
        """
        return next(self._steps, None) is not None

    def status(self) -> CameraStatus:
        """Return what the camera is doing."""
        outputs = self._outputs.statuses()
        return status_of(self.camera.name, self.state, self.counts, outputs, self._clock)

    def _frames(self) -> Generator[ShownFrame, None, None]:
        """Yield the redacted frames of one session after another."""
        while not self._turn():
            began = self._clock.elapsed()
            try:
                yield from self._session()
                break  # the run was stopped, or a file played as a camera has ended
            except SourceError as exc:
                wait = self._failed(exc, self._clock.elapsed() - began)
            # The exception's traceback and the generators refer to each other, and so keep the
            # decoder with its threads and frames until collected: 1.8 MB a session at 320x240.
            gc.collect()
            end = self._clock.elapsed() + wait
            while self._clock.elapsed() < end and not self._turn():
                self._clock.sleep(_RESTS_FOR)
        self.state.enter("stopped", self._clock)

    def _failed(self, error: SourceError, lasted: float) -> float:
        """Note why a session ended; return the seconds to wait before the next."""
        if self._has_worked:
            self._failures.over()
        self._has_worked = False
        self._failures.add(str(error))  # the error itself would keep the decoder
        self.state.failed(error)
        is_refused = isinstance(error, SourceRefused)
        wait = self._backoff.after(REFUSED if is_refused else UNREACHABLE, lasted)
        self.state.enter("refused" if is_refused else "backoff", self._clock, next_try=wait)
        return wait

    def _session(self) -> Iterator[ShownFrame]:
        """Yield the redacted frames of one session; raises SourceError when it ends."""
        self.state.connecting(self._clock)
        session = LiveSource(
            self.camera.source, self.camera.receive, self._timeline, self.camera.mounting
        )
        receive = self.camera.receive
        self._gives_up_at = self._clock.elapsed() + 2 * receive.connect + _GRACE_SECONDS
        self._ended = None
        frames = live_turns(
            session.frames(),
            LIVE_SECONDS,
            time_of=lambda frame: frame.time,
            dropped=self._drop,
            until=self._is_over,
        )
        with closing(frames):
            first = next((frame for frame in frames if frame is not None), None)
            if first is None:
                return
            self._outputs.info = session.info
            covering = self._covered(self._passing(chain((first,), frames)), session.info)
            effect = make_effect(self.camera.effect)
            redacted = redact_all(covering, effect, self.counts, self._freezer)
            for shown in self._stages.timed("redact", redacted):
                yield shown
                self._has_worked = True
                self.state.note_shown(shown.coverage, shown.wall_time, self._clock)
                self._turn()
        if self._ended is not None:
            raise self._ended

    def _passing(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        """Yield the frames; the error that ends them is raised after all are covered."""
        try:
            for frame in frames:
                if frame is None:
                    yield None
                    continue
                self._note_load(frame.wall_time)
                yield frame
                now = self._clock.elapsed()
                self._gives_up_at = now + self.camera.receive.stall + _GRACE_SECONDS
        except SourceError as exc:
            self._ended = exc

    def _is_over(self) -> bool:
        """Whether to end the session; raises SourceTimeout if its reader hangs."""
        if self._turn():
            return True
        if self._clock.elapsed() > self._gives_up_at:
            raise SourceTimeout(f"{self.camera.name}: no frame and no error from its reader")
        return False

    def _drop(self, count: int) -> None:
        self.counts.dropped += count

    def _covered(
        self, frames: Iterator[Frame | None], info: StreamInfo
    ) -> Iterator[tuple[Frame, Coverage]]:
        camera, stages = self.camera, self._stages
        overload = self._overload = self._overload or self._unloaded(info)
        overload.restart()
        detector = stages.detector(self._detector)
        waited = stages.timed("wait", frames)
        found = searched_live(waited, info, detector, camera.detect, overload)
        scanned = stages.timed("scan", found)
        noted = note_answers(scanned, self.state, lambda: self._detector.late, self._clock)
        return stages.timed(
            "cover", covered(noted, camera.cover, self.counts, live=True, most_bytes=MOST_BYTES)
        )

    def _unloaded(self, info: StreamInfo) -> OverloadControl:
        """Return the overload control of this camera, now that the size of its frames is known."""
        detect, detector = self.camera.detect, self._detector
        passes = full_resolution(detect, detector.threshold, info.width, info.height)
        self._finest_seen = float(smallest_face(passes, detector.smallest_face))
        self.state.smallest_face = self._finest_seen
        self.state.plan_for = detect.plan_for or self._finest_seen
        levels = levels_for(detect, detector.threshold, info.width, info.height)
        return OverloadControl(self._clock, levels)

    def _note_load(self, wall_time: float) -> None:
        """Note how far behind the camera the search is."""
        lag = self._clock.wall() - wall_time
        self.state.queue_fill = min(1.0, max(0.0, lag / LIVE_SECONDS))
        if self._overload is not None:
            self._overload.note_load(self.state.queue_fill, self.counts.dropped)
            self.state.smallest_face = round(self._finest_seen / self._overload.level.scale, 1)
            self.state.overload = self._overload.overload

    def _turn(self) -> bool:
        """Report the status if that is due; return whether the run was stopped."""
        now = self._clock.elapsed()
        if now - self._told >= _TELLS_EVERY:
            self._told = now
            self.state.packet_loss = self._timeline.packet_loss
            self._note_stages()
            self._tell(self.status())
        return self._stop.asked

    def _note_stages(self) -> None:
        """Note the time that each stage took for each frame since the last note."""
        frames, spent = self.counts.frames_in, self._stages.seconds(_TIMED)
        before, spent_before = self._spent
        if frames == before:
            return
        self._spent = frames, spent
        for name, seconds in spent.items():
            since = seconds - spent_before.get(name, 0.0)
            self.state.note_stage(name, since / (frames - before))
