"""Recordings whose video changes its codec on the way, as after an update of a recorder."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from blurcam.errors import SourceReadError
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.pipe import RawLayout
from blurcam.settings.reading import ReadOptions
from blurcam.sources.descriptor import InputDescriptor, open_descriptor
from blurcam.sources.open import sha256_of_input
from blurcam.sources.pipe import PipeSource
from blurcam.sources.sound import SoundTrack, open_sound


class ChangingRecording(PipeSource):
    """A transport stream file, read as a stream: otherwise FFmpeg keeps the first decoder.

    It has the methods of a :class:`~blurcam.sources.recording.FileSource`.
    """

    def __init__(self, path: Path, counts: FrameCounts, asked: ReadOptions) -> None:
        """Open the file and decode its first frame; raises SourceOpenError."""
        self._path = path
        self._file: InputDescriptor = open_descriptor(path)
        try:
            super().__init__(self._file, "ts", RawLayout(), counts, asked)
        except BaseException:
            self._file.release()
            raise

    def open_sound(self) -> SoundTrack | None:
        """Return the sound of the recording, on the clock of its frames; ``None`` for none."""
        timeline, base = self._pictures.timeline, self.info.time_base
        return open_sound(self._path, timeline, base, self._counts)

    def sha256(self) -> str:
        """Return the hash of the recording's bytes; raises SourceReadError."""
        return sha256_of_input(self._path)

    def seek(self, pts: int) -> None:
        """Refuse to begin in the middle."""
        raise SourceReadError(f"{self.name}: changes its codec; it can only be read from the start")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        super().close()
        self._file.release()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()
