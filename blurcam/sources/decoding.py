"""Decoding: packets to decoded frames, with an account of what is lost or damaged."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from typing import Any, Final

import av
import av.logging
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.runtime.counts import RepeatedTrouble
from blurcam.sources.coded_frames import coded_frames
from blurcam.sources.loss_signs import tells_damage
from blurcam.sources.open import FAULTS, brief

logger = logging.getLogger(__name__)

_LARGEST_PIXELS: Final = 1 << 27
# The most decoder threads, and the most pixels in work: each thread delays a frame, and more gain
# little.
_MOST_THREADS: Final = 8
_MOST_PIXELS: Final = 100_000_000
# The Matroska demuxer logs this, and raises no error, if a file ends within a block.
_EARLY_END: Final = "File ended prematurely"
# A break of a transport stream's counters at most this many packets before a key frame is a seam.
_SEAM_PACKETS: Final = 2
# Bytes before each of many pictures in one file (multipart), at most.
_PART_HEAD: Final = 512
# Of these codecs each packet has one frame, so that a packet without a frame is a lost frame.
_ONE_A_PACKET: Final = frozenset(
    {"h264", "hevc", "av1", "mpeg4", "mpeg2video", "mjpeg", "gif", "ffv1", "rawvideo", "prores"}
)


class NothingDecoded(SourceOpenError):
    """No frame could be decoded."""


def _threads_for(pixels: int) -> int:
    return max(1, min(_MOST_THREADS, os.cpu_count() or 1, _MOST_PIXELS // max(1, pixels)))


def come_to_rest(context: Any) -> None:
    """Stop a decoder's threads, so that its release cannot hang.

    PyAV frees a decoder while it holds the interpreter's lock, and the decoder's threads need that
    lock to log an error: if one is at work, each waits for the other for ever. Flushing waits for
    the threads without the lock; draining does not wait for those behind the first error. (Seen at
    the exit of a run that was refused after its first frame, and of one that had no frame: H.265
    with flipped bits, every second time.)
    """
    with suppress(av.FFmpegError, ValueError):
        context.flush_buffers()


class Decoded:
    """Decodes a stream, and counts what is lost or damaged."""

    def __init__(
        self, name: str, container: InputContainer, stream: VideoStream, *, live: bool = False
    ) -> None:
        """Decode this stream of a container; ``name`` is safe to print.

        With ``live`` each frame is decoded as soon as it has come: the threads share one frame (if
        it has slices) instead of delaying one each.
        """
        self._name = name
        self._container = container
        self._stream = stream
        self._context = stream.codec_context
        self._coded = coded_frames(self._context)
        # With one frame to a thread, FFmpeg calls the two fields of a sound frame damaged.
        one_by_one = live or self._coded.has_fields
        self._context.thread_type = "SLICE" if one_by_one else "AUTO"
        self._context.thread_count = _threads_for(self._context.width * self._context.height)
        self._context.options = {"max_pixels": str(_LARGEST_PIXELS)}
        self._trouble = RepeatedTrouble(logger, f"errors in {name}")
        self._from: int | None = None
        self._iterator = self._run()
        self._first: tuple[VideoFrame, bool] | None = None
        self._packets = 0
        self._hidden = 0  # by an edit list, on purpose
        self._without_frame = 0  # second fields, and repeats
        self._indexed = len(stream.index_entries)
        self._frames = 0
        self._read_to = 0
        self._damaged = False
        self._ended_early = False
        # The frames still in the threads: they come out before a key frame is trusted again.
        self._suspect_for = 0
        self._is_suspect = False

    def first(self) -> VideoFrame:
        """Decode the first frame, which tells more than the container."""
        if self._first is not None:
            return self._first[0]
        try:
            self._first = next(self._iterator)
        except StopIteration:
            raise NothingDecoded(f"{self._name}: holds no frame that can be decoded") from None
        except SourceReadError as exc:
            raise SourceOpenError(str(exc)) from exc
        return self._first[0]

    def heard(self, messages: Iterable[str]) -> None:
        """Note what FFmpeg logged while it opened the stream."""
        self._ended_early |= any(_EARLY_END in message for message in messages)

    def restart(self, pts: int) -> None:
        """Go on from the key frame with this pts, instead of from the beginning."""
        self._iterator.close()
        self._first = None
        try:
            # MPEG-TS seeks by dts and may end up after the frame, so it starts a second earlier.
            early = round(1 / (self._stream.time_base or Fraction(1, 90000)))
            self._container.seek(max(0, pts - early), stream=self._stream, backward=True)
        except (av.FFmpegError, OSError, ValueError) as exc:
            raise SourceReadError(f"{self._name}: cannot be read from the middle on") from exc
        self._context.flush_buffers()
        self._from = pts
        self._iterator = self._run()

    def pictures(self) -> Iterator[tuple[VideoFrame, bool]]:
        """Yield each decoded frame, and whether it may be damaged."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._iterator

    def _run(self) -> Generator[tuple[VideoFrame, bool], None, None]:
        av.logging.set_skip_repeated(False)
        with av.logging.Capture(local=False) as log:
            try:
                for packet, is_torn in self._demuxed():
                    if self._from is not None and not self._begins(packet):
                        continue
                    self._count(packet)
                    if is_torn:
                        self._suspect("a packet is marked corrupt")
                    yield from self._judged(self._decode(packet), log)
            except FAULTS as exc:
                yield from self._judged(self._decode(None), log)
                if self._ends_between_parts:
                    return
                raise SourceReadError(
                    f"{self._name}: reading failed after {self._frames} frames: {brief(exc)}"
                ) from exc
            self._refuse_early_end(log)

    def _demuxed(self) -> Iterator[tuple[Any, bool]]:
        """Yield each packet, and whether something of it is missing.

        Where transport streams were joined, their counters break although nothing is missing: one
        of the last two packets before a key frame is marked corrupt. The decoder tells if
        something is missing there.
        """
        packets = self._packets_of_stream()
        ahead: deque[Any] = deque()
        while True:
            packet = ahead.popleft() if ahead else next(packets, None)
            if packet is None:
                return
            is_torn = bool(packet.is_corrupt and packet.size)
            if is_torn:
                ahead.extend(islice(packets, _SEAM_PACKETS - len(ahead)))
                is_torn = not any(each.is_keyframe for each in ahead)
            # An empty packet with a time means that the frame before it stays on.
            if packet.size or packet.dts is None:
                yield packet, is_torn

    def _packets_of_stream(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                yield next(packets)
            # After our stream's last packet, PyAV 18.1 looks up streams that began on the way in
            # its list of the first ones.
            except (StopIteration, IndexError):
                return

    def _begins(self, packet: Any) -> bool:
        """Return whether the packet is at or after the place where reading begins."""
        if not packet.size or packet.pts is None or packet.pts < self._from:
            return False
        if packet.pts > self._from or not packet.is_keyframe:
            raise SourceReadError(f"{self._name}: has no key frame where its index has one")
        self._from = None
        return True

    def _count(self, packet: Any) -> None:
        if not packet.size:
            return
        self._read_to = (packet.pos or 0) + packet.size
        if not self._coded.holds_frame(bytes(packet)):
            self._without_frame += 1
        elif packet.is_discard:
            self._hidden += 1
        else:
            self._packets += 1

    @property
    def _ends_between_parts(self) -> bool:
        """Whether a file of pictures in parts is read: it has no end, and FFmpeg misses a part."""
        is_of_parts = self._container.format.name == "mpjpeg"
        return is_of_parts and 0 <= self._container.size - self._read_to < _PART_HEAD

    def _refuse_early_end(self, log: list[tuple[int, str, str]]) -> None:
        """Raise SourceReadError if the file ended too early, which Matroska only logs."""
        self.heard(message for _, _, message in log)
        if self._ended_early:
            raise SourceReadError(
                f"{self._name}: reading failed after {self._frames} frames: {_EARLY_END}"
            )

    def _decode(self, packet: Any) -> list[VideoFrame]:
        """Return the frames that a packet gives (``None``: the end); an error is a lost frame."""
        try:
            return self._context.decode(packet)
        except (av.FFmpegError, ValueError) as exc:
            if not isinstance(exc, EOFError):
                self._suspect(brief(exc))
            return []

    def _judged(
        self, pictures: list[VideoFrame], log: list[tuple[int, str, str]]
    ) -> Iterator[tuple[VideoFrame, bool]]:
        for _, _, message in log:
            self._ended_early |= _EARLY_END in message
            if tells_damage(message):
                self._suspect(message.strip())
        log.clear()
        for picture in pictures:
            self._frames += 1
            self._suspect_for = max(0, self._suspect_for - 1)
            if picture.key_frame and not self._suspect_for:
                self._is_suspect = False
            yield picture, self._is_suspect or picture.is_corrupt

    def _suspect(self, why: str) -> None:
        self._trouble.add(why)
        self._damaged = True
        self._is_suspect = True
        self._suspect_for = self._context.thread_count + 1

    def close(self) -> None:
        """Stop; safe to call twice."""
        self._iterator.close()
        come_to_rest(self._context)

    def lost(self, info: StreamInfo, gaps: int) -> tuple[int, str]:
        """Return how many frames are lost, by the sign with the largest number, and that sign."""
        self._trouble.flush()
        signs = [(0, "")]
        undecoded = self._packets - self._frames
        # The fields of interlaced frames may come in packets of their own.
        if info.codec in _ONE_A_PACKET and not (info.interlaced and undecoded == self._frames):
            signs.append((undecoded, f"{self._packets} packets gave {self._frames} frames"))
        if self._damaged:
            signs.append((gaps, "the stream is damaged, and time steps are missing"))
        announced = self._announced(info)
        if announced > self._packets + self._hidden + self._without_frame:
            missing = announced - self._hidden - self._without_frame - self._frames
            signs.append((missing, f"the file announces {announced} frames"))
        return max(signs)

    def _announced(self, info: StreamInfo) -> int:
        """Return how many packets the container announces.

        AVI counts empty chunks, too, which repeat the frame before them; its index, if it has one,
        leaves them out.
        """
        announced = info.frame_count or 0
        has_index = self._indexed >= self._packets + self._without_frame
        is_avi = self._container.format.name == "avi"
        return min(announced, self._indexed) if is_avi and has_index else announced
