"""Streams read as they come: from standard input, a FIFO or a device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av
import av.logging
from av.container import InputContainer

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.pipe import FromName, RawLayout
from blurcam.sources.decoding import Decoded, video_stream
from blurcam.sources.descriptor import InputDescriptor
from blurcam.sources.open import open_reader
from blurcam.sources.raw_video import RawVideo
from blurcam.sources.signatures import recognise, refuse_plain_mp4, watch_for
from blurcam.sources.to_frames import FrameMaker, stream_info

_DEMUXERS: Final[dict[FromName, str]] = {
    "ts": "mpegts",
    "nut": "nut",
    "matroska": "matroska",
    "mp4": "mov",
    "flv": "flv",
    "mjpeg": "mjpeg",
}
# What is read before the first picture: enough to find the streams, and no more.
_PROBING: Final = {"probesize": "50000", "fpsprobesize": "0", "analyzeduration": "200000"}


def open_pipe(
    intake: InputDescriptor, kind: FromName | None, layout: RawLayout, tally: FrameCounts
) -> PipeSource:
    """Return the stream that comes from ``intake``, with its first picture decoded.

    ``kind`` is what it is, ``None`` to recognise it by its first bytes. Waits for the first
    picture; :meth:`InputDescriptor.interrupt` ends that. Raises
    :class:`~blurcam.errors.SourceOpenError`.
    """
    found = kind or recognise(intake)
    if found == "mp4":
        refuse_plain_mp4(intake)
    return PipeSource(intake, found, layout, tally)


class PipeSource:
    """A stream: its parameters, and its frames, once.

    Where the stream starts anew, with another size or codec, a new session begins; its pictures
    are scaled to the first size.
    """

    def __init__(
        self, intake: InputDescriptor, kind: FromName, layout: RawLayout, tally: FrameCounts
    ) -> None:
        """Use :func:`open_pipe`."""
        self.name = intake.name
        self.kind = kind
        self._intake = intake
        self._layout = layout
        self._tally = tally
        self._container: InputContainer | None = None
        self._decoded = self._begin()
        try:
            first = self._decoded.first()
            self.info = self._info()
        except BaseException:
            self.close()
            raise
        self._pictures = FrameMaker(self.info, first, tally, by_dts=False)

    def _info(self) -> StreamInfo:
        if isinstance(self._decoded, RawVideo):
            return self._decoded.info()
        assert self._container is not None
        stream = video_stream(self.name, self._container)
        return stream_info(self.name, stream, self._decoded.first())

    def _begin(self) -> Decoded | RawVideo:
        """Open what comes next."""
        if self.kind in ("raw", "y4m"):
            return RawVideo(self._intake, self._layout if self.kind == "raw" else None)
        self._intake.watch(watch_for(self.kind))
        options = dict(_PROBING)
        if self.kind == "mjpeg":
            options["framerate"] = str(self._layout.frequency)
        with av.logging.Capture(local=True):
            self._container = open_reader(
                self._intake, _DEMUXERS[self.kind], options, name=self.name
            )
        stream = video_stream(self.name, self._container)
        return Decoded(self.name, self._container, stream, live=True)

    def frames(self) -> Iterator[Frame]:
        """Yield every frame that can be decoded, as soon as it is there.

        Raises :class:`~blurcam.errors.SourceReadError` where reading fails before the end. At
        the end the tally knows how many frames were lost.
        """
        while True:
            try:
                for picture, is_suspect in self._decoded.pictures():
                    self._tally.frames_in += 1
                    yield self._pictures.frame(picture, is_suspect)
            except SourceReadError:
                if not self._goes_on():
                    raise
            else:
                if not self._goes_on():
                    return

    def _goes_on(self) -> bool:
        """Settle what ended, and begin what follows, if anything does."""
        self._count_losses()
        if not self._intake.go_on():
            return False
        self._tally.notice(f"{self.name}: the stream starts anew")
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
            self._tally.lost += lost
            self._tally.notice(f"{self.name}: {lost} frames lost: {why}")

    def _release(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def close(self) -> None:
        """Release the stream, not the intake; safe to call twice."""
        self._release()
