"""Recordings: everything that FFmpeg reads, as frames, and their sound."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Final, Self, cast

import av.logging
from av.container import InputContainer
from av.video.frame import VideoFrame

from blurcam.errors import SourceOpenError
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts, counted
from blurcam.runtime.last_words import step
from blurcam.settings.addresses import Address
from blurcam.settings.reading import READ_PLAINLY, ReadOptions
from blurcam.sources.animation import WebpRecording, is_animated_webp
from blurcam.sources.changing_recording import ChangingRecording
from blurcam.sources.container_crop import Crop, crop_in, crop_of
from blurcam.sources.decoding import Decoded, NothingDecoded
from blurcam.sources.http_file import HttpFile
from blurcam.sources.open import open_file, open_path, reading, sha256_of_input
from blurcam.sources.restarts import changes_program, changes_program_in
from blurcam.sources.signatures import refuse_parts
from blurcam.sources.sound import SoundTrack, open_sound
from blurcam.sources.stream_start import start_of
from blurcam.sources.to_frames import with_next
from blurcam.sources.video_track import track_number, video_stream

# Enough to tell a list of recordings, or a part of one, from a recording.
_HEAD_BYTES: Final = 4096


def open_source(
    place: Path | Address, counts: FrameCounts, asked: ReadOptions = READ_PLAINLY
) -> RecordingSource:
    """Return the recording, a file or one on a server, with its first frame decoded.

    Counts every decoded frame in ``counts.frames_in``, and what is missing in ``counts.lost``.
    Raises :class:`~blurcam.errors.SourceOpenError` where there is nothing to decode.
    """
    if isinstance(place, Path):
        refuse_what_is_no_file(place)
    with step(f"opening {place}"):
        if isinstance(place, Path) and changes_program(place):
            return ChangingRecording(place, counts, asked)
        if isinstance(place, Path) and is_animated_webp(place):
            return WebpRecording(place, counts, asked)
        try:
            return _opened(place, counts, asked)
        except NothingDecoded:
            # With a frame to a thread, FFmpeg and PyAV lose the frames before an error at the end.
            return _opened(place, counts, asked, one_by_one=True)


def _opened(
    place: Path | Address, counts: FrameCounts, asked: ReadOptions, *, one_by_one: bool = False
) -> FileSource:
    with ExitStack() as stack:
        file = None if isinstance(place, Path) else stack.enter_context(_served(place))
        with av.logging.Capture(local=True) as log:
            container = _container(place, file)
        stack.callback(container.close)
        source = FileSource(place, container, counts, asked, log, file=file, one_by_one=one_by_one)
        stack.pop_all()
    return source


def _container(place: Path | Address, file: HttpFile | None) -> InputContainer:
    if isinstance(place, Path):
        return open_path(place)
    return open_file(cast(IO[bytes], file), str(place))


def _served(address: Address) -> HttpFile:
    """Return a recording on a server, from its beginning; raises SourceOpenError."""
    file = HttpFile(address)
    try:
        with reading(str(address)):
            refuse_parts(file.read(_HEAD_BYTES), str(address))
            file.seek(0)
            if changes_program_in(cast(IO[bytes], file)):
                raise SourceOpenError(f"{address}: changes its codec on the way; fetch it first")
            file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def refuse_what_is_no_file(path: Path) -> None:
    """Raise SourceOpenError if the path is not a readable file, and tell what it is."""
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
    with suppress(OSError), path.open("rb") as file:
        refuse_parts(file.read(_HEAD_BYTES), str(path))


class FileSource:
    """A recording: its parameters, and its frames, once."""

    def __init__(
        self,
        place: Path | Address,
        container: InputContainer,
        counts: FrameCounts,
        asked: ReadOptions,
        log: Iterable[tuple[int, str, str]],
        *,
        file: HttpFile | None = None,
        one_by_one: bool = False,
    ) -> None:
        """Use :func:`open_source`; ``log`` is what FFmpeg said when it opened the file.

        ``file`` is what a recording on a server is read from.
        """
        self.name = str(place)
        self._place = place
        self._file = file
        self._container = container
        self._counts = counts
        self._stream = video_stream(self.name, container, asked.track, counts)
        self._from: int | None = None
        self._decoded = Decoded(self.name, container, self._stream, live=one_by_one)
        # FFmpeg reads a short file to its end when it opens it, and logs each complaint only once.
        self._decoded.heard(message for _, _, message in log)
        try:
            first = self._decoded.first()
        except BaseException:
            self._decoded.close()
            raise
        self._start = start_of(self.name, container, self._stream, first, asked, self._crop())
        self.info = self._start.info
        self._pictures = self._start.frame_maker(first, counts)

    def _crop(self) -> Crop:
        """Return how the container crops the frames."""
        container, number = self._container, track_number(self._container, self._stream)
        if isinstance(self._place, Path):
            return crop_of(self._place, container.format.name, number)
        assert self._file is not None
        return crop_in(cast(IO[bytes], self._file), container.format.name, number)

    def open_sound(self) -> SoundTrack | None:
        """Return the sound of the recording, on the clock of its frames; ``None`` for none."""
        timeline, base = self._pictures.timeline, self.info.time_base
        return open_sound(self._place, timeline, base, self._counts)

    def sha256(self) -> str:
        """Return the hash of the recording's bytes, once its frames were read.

        Raises :class:`~blurcam.errors.SourceReadError`.
        """
        if isinstance(self._place, Path):
            return sha256_of_input(self._place)
        assert self._file is not None
        with reading(self.name):
            return self._file.sha256()

    def frames(self) -> Iterator[Frame]:
        """Yield every frame that can be decoded.

        Raises :class:`~blurcam.errors.SourceReadError` where reading fails before the end. At
        the end ``counts`` tells how many frames were lost.
        """
        frames = 0
        try:
            for (picture, is_suspect), following in with_next(self._own_pictures()):
                frames += 1
                self._counts.frames_in += 1
                yield self._pictures.frame(
                    picture, is_suspect, None if following is None else following[0]
                )
        finally:
            self._note(frames)

    def _own_pictures(self) -> Iterator[tuple[VideoFrame, bool]]:
        """Yield the decoded frames from the place where reading begins."""
        for picture, is_suspect in self._decoded.pictures():
            if self._from is None or (picture.pts is not None and picture.pts >= self._from):
                yield picture, is_suspect

    def seek(self, pts: int) -> None:
        """Begin at the key frame with this pts; frames that are shown before it are left out.

        Raises :class:`~blurcam.errors.SourceReadError`, perhaps only with the first frame.
        """
        self._from = pts + self._start.origin
        self._decoded.restart(self._from)

    def _note(self, frames: int) -> None:
        """Note what is lost, and what differs from what the file declares."""
        lost, why = self._decoded.lost(self.info, self._pictures.gaps)
        if lost:
            self._counts.lost = lost
            self._counts.notice(f"{self.name}: {counted(lost, 'frame')} lost: {why}")
        self._pictures.note_moved()
        if self._start.assumes_rate and frames > 1:
            self._start.note_rate(self._counts)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._decoded.close()
        self._container.close()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()


RecordingSource = FileSource | ChangingRecording | WebpRecording
"""A recording, whatever the way of reading it."""
