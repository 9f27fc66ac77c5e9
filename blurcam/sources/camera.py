"""One connection to a camera: it yields what the camera sends as frames on one timeline."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import Any, Final

import av
import av.logging
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.errors import (
    SourceError,
    SourceOpenError,
    SourceReadError,
    SourceRefused,
    SourceTimeout,
)
from blurcam.media.clock import Clock
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.timelines import LiveTimeline
from blurcam.runtime.counts import FrameCounts, RepeatedTrouble
from blurcam.settings.addresses import Address
from blurcam.settings.camera import Receive
from blurcam.settings.reading import AS_MOUNTED, Mounting
from blurcam.sources.camera_options import camera_options
from blurcam.sources.decoding import come_to_rest
from blurcam.sources.loss_signs import LossState, packets_missed, tells_damage
from blurcam.sources.open import brief
from blurcam.sources.stream_info import own_name, stream_info
from blurcam.sources.to_frames import converted, planes_of
from blurcam.sources.unreachable import why_unreachable

logger = logging.getLogger(__name__)

_LARGEST_PIXELS: Final = 1 << 27
_MOST_THREADS: Final = 4


@dataclass(slots=True)
class CameraTimeline:
    """What the sessions of one camera share: the timeline, and the numbers of its frames.

    The first session decides ``info``. Frames of later ones are converted to it, so that encoder
    and outputs go on. ``packet_loss`` counts packets known to be lost. If ``udp_failed``, no packet
    came by UDP, and only TCP is used.
    """

    clock: Clock
    timeline: LiveTimeline
    counts: FrameCounts
    info: StreamInfo | None = None
    sequence: Iterator[int] = field(default_factory=count)
    sessions: Iterator[int] = field(default_factory=count)
    packet_loss: int = 0
    udp_failed: bool = False

    @classmethod
    def starting(cls, clock: Clock, counts: FrameCounts) -> CameraTimeline:
        """Return the state of a camera before its first session."""
        return cls(clock, LiveTimeline(clock), counts)


class LiveSource:
    """One session with a camera; ``info`` is known after its first frame."""

    def __init__(
        self,
        address: Address,
        receive: Receive,
        camera: CameraTimeline,
        mounting: Mounting = AS_MOUNTED,
    ) -> None:
        """Note what to read; :meth:`frames` opens it."""
        self._mounting = mounting
        self._address = address
        self._receive = receive
        self._camera = camera
        self._trouble = RepeatedTrouble(logger, f"signs of loss in {address}")
        self._has_begun = False
        self._moved = 0.0  # when the camera last sent something

    @property
    def info(self) -> StreamInfo:
        """Size, format and rate of the frames; raises SourceOpenError before the first one."""
        if self._camera.info is None:
            raise SourceOpenError(f"{self._address}: has not sent a frame yet")
        return self._camera.info

    def frames(self) -> Iterator[Frame]:
        """Connect, and yield every frame until the connection fails.

        Frames that may show a loss are marked corrupt. Always raises a
        :class:`~blurcam.errors.SourceError`, since the end of a live stream is one, too. Only a
        file played as a camera has an end.
        """
        while True:
            with self._border():
                container = self._open()
                try:
                    yield from self._session(container)
                finally:
                    with suppress(av.FFmpegError, OSError):
                        container.close()
            if not self._receive.loop:
                return

    def _open(self) -> InputContainer:
        av.logging.set_level(av.logging.WARNING)
        self._moved = self._camera.clock.elapsed()
        receive = self._receive
        kind, location = self._address.kind, self._address.location
        return av.open(
            # "file:" keeps a name with a colon from being taken for an address.
            f"file:{location}" if kind == "file" else location,
            format="v4l2" if kind == "device" else None,
            options=camera_options(self._address, receive, by_udp=self._by_udp),
            timeout=(receive.connect, receive.stall),
            metadata_errors="ignore",
        )

    @property
    def _by_udp(self) -> bool:
        return self._receive.transport == "udp" and not self._camera.udp_failed

    def _session(self, container: InputContainer) -> Iterator[Frame]:
        stream = _video_stream(container, self._address)
        camera = self._camera
        camera.timeline.begin()
        session, jumps, size = next(camera.sessions), camera.timeline.jumps, None
        for picture, is_suspect in self._pictures(container, stream):
            if camera.info is None:
                info = stream_info(str(self._address), stream, picture, mounting=self._mounting)
                # The rate and the duration that a camera announces are not reliable.
                camera.info = replace(
                    info, time_base=camera.timeline.time_base, rate=_sane(info.rate),
                    frame_count=None, duration=None,
                )  # fmt: skip
            pts = camera.timeline.place(picture.pts, picture.time_base or Fraction(1, 90000))
            latest = (picture.width, picture.height)
            if camera.timeline.jumps > jumps or (size is not None and latest != size):
                session, jumps = next(camera.sessions), camera.timeline.jumps
            size = latest
            self._has_begun = True
            camera.counts.frames_in += 1
            yield self._frame(picture, pts, session, is_suspect=is_suspect)

    def _frame(self, picture: VideoFrame, pts: int, session: int, *, is_suspect: bool) -> Frame:
        info, camera = self.info, self._camera
        if (picture.width, picture.height) != (info.width, info.height) or (
            own_name(picture) != info.pixel_format.name
        ):
            picture = converted(picture, info.pixel_format.name, info.width, info.height)
        return Frame(
            planes=planes_of(picture, info.pixel_format),
            pixel_format=info.pixel_format,
            seq=next(camera.sequence),
            pts=pts,
            time_base=info.time_base,
            wall_time=camera.clock.wall(),
            session=session,
            is_corrupt=is_suspect,
            interlaced=picture.interlaced_frame,
        )

    def _pictures(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[VideoFrame, bool]]:
        """Yield each decoded frame, and whether it may be damaged."""
        context: Any = stream.codec_context
        # Threads that share one frame delay none; threads that decode a frame each do.
        context.thread_type, context.thread_count = "SLICE", min(_MOST_THREADS, os.cpu_count() or 1)
        context.options = {"max_pixels": str(_LARGEST_PIXELS)}
        context.copy_opaque = True
        av.logging.set_skip_repeated(False)
        try:
            with av.logging.Capture(local=False) as log:
                yield from self._judged(container.demux(stream), context, log)
        finally:
            come_to_rest(context)
        self._trouble.flush()
        if self._address.kind != "file":
            raise SourceReadError(f"{self._address}: the stream ended")

    def _judged(
        self, packets: Iterator[Any], context: Any, log: list[tuple[int, str, str]]
    ) -> Iterator[tuple[VideoFrame, bool]]:
        suspicion = LossState()
        pace = _Pace(self._camera.clock) if self._is_paced else None
        for packet in packets:
            is_end = not packet.size and packet.dts is None
            if not packet.size and not is_end:
                continue  # the frame before it is shown on
            packet.opaque = suspicion.packet()
            self._moved = self._camera.clock.elapsed()
            if packet.is_corrupt:
                self._sign(suspicion, "a packet is marked corrupt", 1)
            pictures = self._decode(context, packet, suspicion)
            for _, _, message in log:
                missed = packets_missed(message)
                if missed or tells_damage(message):
                    self._sign(suspicion, message, missed)
            log.clear()
            for picture in pictures:
                if pace is not None and picture.time is not None:
                    pace.wait(picture.time)
                number = picture.opaque if isinstance(picture.opaque, int) else 0
                is_suspect = suspicion.judge(number, is_key=bool(picture.key_frame))
                yield picture, is_suspect or picture.is_corrupt

    def _decode(self, context: Any, packet: Any, suspicion: LossState) -> list[VideoFrame]:
        try:
            return list(context.decode(packet))
        except (av.FFmpegError, ValueError) as exc:
            self._sign(suspicion, brief(exc), 0)
            return []

    def _sign(self, suspicion: LossState, why: str, packets: int) -> None:
        suspicion.sign()
        self._camera.packet_loss += packets
        self._trouble.add(self._address.mask(why))

    @property
    def _is_paced(self) -> bool:
        """Whether frames come in bursts, and must be held back to their own times."""
        return self._address.kind == "file" or ".m3u8" in self._address.location.lower()

    @contextmanager
    def _border(self) -> Iterator[None]:
        """Translate PyAV's errors into ours, without the password that PyAV's text has."""
        try:
            yield
        except SourceError:
            raise
        except (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError) as exc:
            raise SourceRefused(
                f"{self._address}: the camera refuses the user name or the password "
                f"({self._brief(exc)})"
            ) from None
        except (av.FFmpegError, OSError, ValueError, EOFError) as exc:
            # The cause is left out: its text has the password, and a traceback would show it.
            raise self._fault(exc) from None

    def _fault(self, error: Exception) -> SourceError:
        """Return the error; FFmpeg's error does not tell its kind, the time since then does."""
        self._camera.udp_failed |= self._by_udp and not self._has_begun
        silent = self._camera.clock.elapsed() - self._moved
        receive = self._receive
        limit = receive.stall if self._has_begun else min(receive.stall, receive.connect)
        if silent >= 0.9 * limit:
            return SourceTimeout(f"{self._address}: sent nothing for {silent:.1f} s")
        if self._has_begun:
            return SourceReadError(f"{self._address}: {self._brief(error)}")
        why = why_unreachable(self._address, error) or self._brief(error)
        return SourceOpenError(f"{self._address}: {why}")

    def _brief(self, error: Exception) -> str:
        return self._address.mask(brief(error))


class _Pace:
    """Holds frames back until their time has come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead: float | None = None

    def wait(self, time: float) -> None:
        lag = self._clock.elapsed() - time
        if self._ahead is None or not -10 < self._ahead - lag < 10:
            self._ahead = lag  # a start, or a jump: time is measured from here
        self._clock.sleep(max(0.0, self._ahead - lag))


def _video_stream(container: InputContainer, address: Address) -> VideoStream:
    for stream in container.streams.video:
        if stream.codec_context is not None:
            return stream
    raise SourceOpenError(f"{address}: sends no video that FFmpeg can decode")


def _sane(rate: Fraction | None) -> Fraction | None:
    return rate if rate is not None and 1 <= rate <= 240 else None
