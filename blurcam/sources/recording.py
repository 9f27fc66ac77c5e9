"""Recordings: everything FFmpeg reads, as frames; and their sound."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import av
import av.logging
from av.container import InputContainer

from blurcam.errors import SourceOpenError
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.last_words import step
from blurcam.sources.decoding import Decoded, NothingDecoded, video_stream
from blurcam.sources.open import open_path, reading
from blurcam.sources.to_frames import FrameMaker, stream_info


def open_source(path: Path, tally: FrameCounts) -> FileSource:
    """Return the recording, with its first frame decoded.

    Counts every decoded frame in ``tally.frames_in``, and what is missing in ``tally.lost``.
    Raises :class:`~blurcam.errors.SourceOpenError` where there is nothing to decode.
    """
    _refuse_what_is_no_file(path)
    with step(f"opening {path}"):
        try:
            return _opened(path, tally)
        except NothingDecoded:
            # With a frame to a thread, FFmpeg and PyAV give up those before an error at the end.
            return _opened(path, tally, one_by_one=True)


def _opened(path: Path, tally: FrameCounts, *, one_by_one: bool = False) -> FileSource:
    with av.logging.Capture(local=True) as log:
        container = open_path(path)
    try:
        return FileSource(path, container, tally, log, one_by_one=one_by_one)
    except BaseException:
        container.close()
        raise


def _refuse_what_is_no_file(path: Path) -> None:
    if path.is_dir():
        raise SourceOpenError(f"{path}: is a folder; name one recording in it")
    if not path.exists():
        raise SourceOpenError(f"{path}: does not exist")
    if not path.is_file():
        raise SourceOpenError(f"{path}: is not a file")
    if not os.access(path, os.R_OK):
        raise SourceOpenError(f"{path}: may not be read; check its permissions")
    if path.stat().st_size == 0:
        raise SourceOpenError(f"{path}: is empty")


class FileSource:
    """A recording: its parameters, and its frames, once."""

    def __init__(
        self,
        path: Path,
        container: InputContainer,
        tally: FrameCounts,
        log: Iterable[tuple[int, str, str]],
        *,
        one_by_one: bool = False,
    ) -> None:
        """Use :func:`open_source`; ``log`` is what FFmpeg said when it opened the file."""
        self.name = str(path)
        self._container = container
        self._tally = tally
        self._stream = video_stream(path, container)
        self._from: int | None = None
        self._decoded = Decoded(self.name, container, self._stream, live=one_by_one)
        # A short file is read to its end while it is opened, and its demuxer complains only once.
        self._decoded.heard(message for _, _, message in log)
        try:
            first = self._decoded.first()
        except BaseException:
            self._decoded.close()
            raise
        self.info = stream_info(self.name, self._stream, first)
        # AVI stores no pts; what FFmpeg makes up for reordered frames steps back and forth, while
        # the dts of decoded frames counts them.
        self._pictures = FrameMaker(self.info, first, tally, by_dts=container.format.name == "avi")

    def frames(self) -> Iterator[Frame]:
        """Yield every frame that can be decoded.

        Raises :class:`~blurcam.errors.SourceReadError` where reading fails before the end. At
        the end the tally knows how many frames were lost.
        """
        try:
            for picture, is_suspect in self._decoded.pictures():
                if self._from is not None and (picture.pts is None or picture.pts < self._from):
                    continue
                self._tally.frames_in += 1
                yield self._pictures.frame(picture, is_suspect)
        finally:
            self._count_losses()

    def seek(self, pts: int) -> None:
        """Begin at the key frame with this pts; frames that are shown before it are left out.

        Raises :class:`~blurcam.errors.SourceReadError`, perhaps only with the first frame.
        """
        self._decoded.restart(pts)
        self._from = pts

    def _count_losses(self) -> None:
        lost, why = self._decoded.lost(self.info, self._pictures.gaps)
        if lost:
            self._tally.lost = lost
            self._tally.notice(f"{self.name}: {lost} frames lost: {why}")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._decoded.close()
        self._container.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()


class AudioTrack:
    """The sound of a recording, read on its own; the sink copies or transcodes it."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        """Use :func:`open_audio`."""
        self.name = str(path)
        self._container = container
        self.stream: Any = container.streams.audio[0]

    def packets(self) -> Iterator[Any]:
        """Yield the coded packets, in order of their time."""
        with reading(f"{self.name}: its sound cannot be read"):
            for packet in self._container.demux(self.stream):
                if packet.dts is not None:
                    yield packet

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._container.close()


def open_audio(path: Path) -> AudioTrack | None:
    """Return the recording's first sound track, ``None`` where it has none."""
    container = open_path(path)
    if not container.streams.audio:
        container.close()
        return None
    return AudioTrack(path, container)
