"""Streams read as they come: from standard input, a FIFO or a device."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import av.logging
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts, counted
from blurcam.settings.pipe import FromName, RawLayout
from blurcam.settings.reading import READ_PLAINLY, ReadOptions
from blurcam.sources.container_crop import crop_in
from blurcam.sources.decoding import Decoded
from blurcam.sources.descriptor import InputDescriptor
from blurcam.sources.open import open_reader
from blurcam.sources.raw_video import RawVideo
from blurcam.sources.restarts import watch_for
from blurcam.sources.signatures import recognise, refuse_parts
from blurcam.sources.stream_start import StreamStart, start_of, with_mounting
from blurcam.sources.video_track import track_number, video_stream

_DEMUXERS: Final[dict[FromName, str]] = {
    "ts": "mpegts",
    "nut": "nut",
    "matroska": "matroska",
    "mp4": "mov",
    "flv": "flv",
    "avi": "avi",
    "ps": "mpeg",
    "h264": "h264",
    "h265": "hevc",
    "mpeg2": "mpegvideo",
    "mpeg4": "m4v",
    "mjpeg": "mjpeg",
    "multipart": "mpjpeg",
}
# Streams whose header says which part of a frame is shown, and how much of it is looked at.
_WITH_HEAD: Final = ("matroska", "mp4")
_HEAD_BYTES: Final = 4096
# The most that is read before the first frame: enough to find the streams.
_PROBING: Final = {"probesize": "50000", "fpsprobesize": "0", "analyzeduration": "200000"}


def open_pipe(
    descriptor: InputDescriptor,
    kind: FromName | None,
    layout: RawLayout,
    counts: FrameCounts,
    asked: ReadOptions = READ_PLAINLY,
) -> PipeSource:
    """Return the stream that comes from ``descriptor``, with its first frame decoded.

    ``kind`` is what it is, ``None`` to recognise it by its first bytes. Waits for the first
    frame; :meth:`InputDescriptor.interrupt` ends that. Raises
    :class:`~blurcam.errors.SourceOpenError`.
    """
    found = kind or recognise(descriptor)
    if kind == "mp4":
        refuse_parts(descriptor.peek(_HEAD_BYTES), descriptor.name, is_stream=True)
    return PipeSource(descriptor, found, layout, counts, asked)


class PipeSource:
    """A stream: its parameters, and its frames, once.

    Where the stream starts anew, with another size or codec, a new session begins, and its frames
    are scaled to the first size.
    """

    def __init__(
        self,
        descriptor: InputDescriptor,
        kind: FromName,
        layout: RawLayout,
        counts: FrameCounts,
        asked: ReadOptions,
    ) -> None:
        """Use :func:`open_pipe`."""
        self._asked = asked
        self.name = descriptor.name
        self.kind = kind
        self._descriptor = descriptor
        self._layout = layout
        self._counts = counts
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._head = b""
        self._decoded = self._begin()
        try:
            first = self._decoded.first()
            start = self._start(first)
        except BaseException:
            self.close()
            raise
        self.info = start.info
        self._pictures = start.frame_maker(first, counts)

    def _start(self, first: VideoFrame) -> StreamStart:
        if isinstance(self._decoded, RawVideo):
            return StreamStart(with_mounting(self._decoded.info(), self._asked))
        assert self._container is not None
        assert self._stream is not None
        number = track_number(self._container, self._stream)
        crop = crop_in(io.BytesIO(self._head), self._container.format.name, number)
        start = start_of(self.name, self._container, self._stream, first, self._asked, crop)
        if start.assumes_rate:
            start.note_rate(self._counts)
        return start

    def _begin(self) -> Decoded | RawVideo:
        """Open what comes next."""
        if self.kind in ("raw", "y4m"):
            return RawVideo(self._descriptor, self._layout if self.kind == "raw" else None)
        # Only a header that is there at once is read: a live stream is not waited for.
        self._head = self._descriptor.peek(_HEAD_BYTES) if self.kind in _WITH_HEAD else b""
        self._descriptor.watch(watch_for(self.kind))
        options = dict(_PROBING)
        if self.kind == "mjpeg":
            options["framerate"] = str(self._layout.frequency)
        with av.logging.Capture(local=True):
            self._container = open_reader(
                self._descriptor, _DEMUXERS[self.kind], options, name=self.name
            )
        self._stream = video_stream(self.name, self._container, self._asked.track, self._counts)
        return Decoded(self.name, self._container, self._stream, live=True)

    def frames(self) -> Iterator[Frame]:
        """Yield every frame that can be decoded as soon as it has come.

        Raises :class:`~blurcam.errors.SourceReadError` where reading fails before the end. At
        the end ``counts`` tells how many frames were lost.
        """
        while True:
            try:
                for picture, is_suspect in self._decoded.pictures():
                    self._counts.frames_in += 1
                    yield self._pictures.frame(picture, is_suspect)
            except SourceReadError:
                # A multipart stream has no end mark; FFmpeg expects another part.
                is_end = self.kind == "multipart" and self._descriptor.ended
                if not self._goes_on():
                    self._pictures.note_moved()
                    if is_end:
                        return
                    raise
            else:
                if not self._goes_on():
                    self._pictures.note_moved()
                    return

    def _goes_on(self) -> bool:
        """Finish the stream that ended, and begin the next one if there is one."""
        self._count_losses()
        if not self._descriptor.go_on():
            return False
        self._counts.notice(f"{self.name}: the stream starts anew")
        self._pictures.start_session()
        self._release()
        try:
            self._decoded = self._begin()
        except SourceOpenError as exc:
            raise SourceReadError(f"{self.name}: started anew, and failed: {exc}") from exc
        return True

    def _count_losses(self) -> None:
        lost, why = self._decoded.lost(self.info, self._pictures.gaps)
        if lost:
            self._counts.lost += lost
            self._counts.notice(f"{self.name}: {counted(lost, 'frame')} lost: {why}")

    def _release(self) -> None:
        if isinstance(self._decoded, Decoded):
            self._decoded.close()
        if self._container is not None:
            self._container.close()
            self._container = None

    def close(self) -> None:
        """Release the stream, but not the descriptor; safe to call twice."""
        self._release()
