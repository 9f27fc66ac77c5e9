"""One live camera, for ever: sessions one after the other into the same outputs."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol

from blurcam.errors import SourceError, SourceRefused, SourceTimeout
from blurcam.media.clock import Clock
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import Effect
from blurcam.redact.gate import RedactedFrame
from blurcam.runs.camera_account import StatusRecorder
from blurcam.runs.chain import Freezer, Shown, redact_live
from blurcam.runs.timing import Stages
from blurcam.runtime.backoff import REFUSED, UNREACHABLE, BackOff
from blurcam.runtime.counts import RepeatedFailure
from blurcam.runtime.threads import LIVE_SECONDS, live_turns, outbox

logger = logging.getLogger(__name__)

# Redacted pictures that may wait for the encoder.
_WRITER_DEPTH: Final = 4
_LOOK_UP_SECONDS: Final = 0.1
# A reader that hangs beyond its own time-outs is given up after so many seconds more.
_GRACE_SECONDS: Final = 2.0


class CameraSession(Protocol):
    """One connection to a camera."""

    @property
    def info(self) -> StreamInfo:
        """What its frames look like, once there was one."""

    def frames(self) -> Iterator[Frame]:
        """Connect and yield frames, until a SourceError is raised."""


class CameraWriterOutputs(Protocol):
    """Where redacted pictures go; called in the writer's thread alone."""

    def show(self, picture: RedactedFrame, pts: int, wall_time: float) -> None:
        """Show a picture at this time of the output's time line."""

    def finish(self, wall_time: float) -> None:
        """Complete every output."""

    def close(self) -> None:
        """Release them, completed or not."""


@dataclass(frozen=True, slots=True)
class CameraParts:
    """What a camera is made of.

    ``watch`` turns the frames of a session, and the turns between them, into covered frames.
    ``tick`` is called several times a second, from the one main thread; its answer is whether to
    stop. ``note_load`` is told at every frame how full the queue before the search is, 0 to 1.
    ``connect_seconds`` and ``stall_seconds`` are how long a session's source may be silent, at
    first and later.
    """

    connect: Callable[[], CameraSession]
    watch: Callable[[Iterator[Frame | None], StreamInfo], Iterator[tuple[Frame, Coverage]]]
    open_outputs: Callable[[StreamInfo], CameraWriterOutputs]
    effect: Effect
    freezer: Freezer
    account: StatusRecorder
    clock: Clock
    stages: Stages
    tick: Callable[[], bool]
    note_load: Callable[[float], None]
    connect_seconds: float
    stall_seconds: float


def run(parts: CameraParts) -> None:
    """Redact a camera until asked to stop, connecting anew as often as it takes.

    Raises whatever is not the camera's fault: a detector that failed for good, an encoder that
    cannot encode. Nothing is written then, and outputs keep their temporary names.
    """
    backoff, failures = BackOff(), RepeatedFailure(logger, parts.clock)
    with ExitStack() as stack:
        writer = CameraWriter(parts, stack)
        while not parts.tick():
            began, frames = parts.clock.elapsed(), writer.frames
            try:
                run_once(parts, writer)
                break
            except SourceError as exc:
                if writer.frames > frames:
                    failures.over()  # it had worked in between
                failures.add(str(exc))  # a kept record must not keep the decoder
                parts.account.failed(exc)
                refused = isinstance(exc, SourceRefused)
                wait = backoff.after(
                    REFUSED if refused else UNREACHABLE, parts.clock.elapsed() - began
                )
                parts.account.enter("refused" if refused else "backoff", next_try=wait)
                # The exception's traceback and the generators hold each other, and with them the
                # decoder, its threads and pictures: 1.8 MB of 320x240 a session, until collected.
                del exc
                gc.collect()
                _rest(parts, wait)
    parts.account.enter("stopped")


def run_once(parts: CameraParts, writer: CameraWriter) -> None:
    """Redact one session; return once asked to stop, or where a file played as a camera ends.

    Raises SourceError when the session ends, which a camera's always does.
    """
    account = parts.account
    account.connecting()
    session = parts.connect()
    watch = _Watchdog(parts)

    def dropped(count: int) -> None:
        account.tally.dropped += count

    frames = live_turns(
        session.frames(),
        LIVE_SECONDS,
        time_of=lambda frame: frame.time,
        dropped=dropped,
        until=watch.look_up,
    )
    with closing(frames):
        first = next((frame for frame in frames if frame is not None), None)
        if first is None:
            return
        writer.begin(session.info)
        covered = parts.watch(watch.passing(chain((first,), frames)), session.info)
        redacted = redact_live(covered, parts.effect, account.tally, parts.freezer)
        shown = parts.stages.timed("redact", redacted)
        for each, coverage in shown:
            writer.put(each)
            account.shown(coverage, each.wall_time)
            parts.tick()
    if watch.error is not None:
        raise watch.error


def _rest(parts: CameraParts, seconds: float) -> None:
    end = parts.clock.elapsed() + seconds
    while parts.clock.elapsed() < end and not parts.tick():
        parts.clock.sleep(_LOOK_UP_SECONDS)


class _Watchdog:
    """Looks up while a source is silent, and gives up one whose own time-outs do not work."""

    def __init__(self, parts: CameraParts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self.error: SourceError | None = None
        self._due = self._clock.elapsed() + 2 * parts.connect_seconds + _GRACE_SECONDS

    def passing(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        """Yield the frames; their end, which is an error, is kept until all are covered."""
        try:
            for frame in frames:
                if frame is None:
                    yield None
                    continue
                lag = self._clock.wall() - frame.wall_time
                self._parts.note_load(min(1.0, max(0.0, lag / LIVE_SECONDS)))
                yield frame
                self._due = self._clock.elapsed() + self._parts.stall_seconds + _GRACE_SECONDS
        except SourceError as exc:
            self.error = exc

    def look_up(self) -> bool:
        if self._parts.tick():
            return True
        if self._clock.elapsed() > self._due:
            raise SourceTimeout(f"{self._parts.account.name}: no picture, and no word why")
        return False


class CameraWriter:
    """The encoder and the outputs, in a thread of their own, from the first session on."""

    def __init__(self, parts: CameraParts, stack: ExitStack) -> None:
        """Open nothing yet; ``stack`` ends it."""
        self._parts = parts
        self._stack = stack
        self._put: Callable[[Shown], None] | None = None
        self.frames = 0

    def begin(self, info: StreamInfo) -> None:
        """Open the outputs, unless an earlier session has."""
        if self._put is None:
            outputs = self._parts.open_outputs(info)
            self._stack.callback(outputs.close)

            writing = self._parts.stages.watch("encode")

            def consume(pictures: Iterator[Shown]) -> None:
                wall_time = 0.0
                for each in pictures:
                    wall_time = each.wall_time
                    with writing.stage("encode"):
                        outputs.show(each.picture, each.pts, wall_time)
                outputs.finish(wall_time)

            self._put = self._stack.enter_context(outbox(consume, _WRITER_DEPTH))

    def put(self, shown: Shown) -> None:
        """Hand over a picture; waits while the encoder is behind."""
        if self._put is None:
            raise RuntimeError("a picture before there are outputs")
        self.frames += 1
        self._put(shown)
