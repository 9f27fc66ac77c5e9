"""Recordings of a live stream: cut at key frames, named by the clock, kept for as long as asked."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkWriteError
from blurcam.runtime.files import refuse_existing
from blurcam.runtime.status import Storage
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.containers import format_of
from blurcam.sinks.folders import folder_below
from blurcam.sinks.retention import PatternFiles
from blurcam.sinks.segment_file import PART, SegmentFile, give_name, is_playable

# A larger file that cannot be played is kept for inspection, until retention deletes it.
_NOTHING_BYTES: Final = 1 << 20


class SegmentSink:
    """Files named after a pattern of the clock, each with a name of its own.

    The name of a file ends in ``.part`` until it is closed. It can be played all the same: of a
    process that is killed less than a second is lost.
    """

    def __init__(self, files: PatternFiles, encoder: Encoder, *, segment: float | None) -> None:
        """Write files of about ``segment`` seconds, ``None`` for one without end.

        Raises SinkOpenError where another process records by this pattern.
        """
        self._files = files
        self._names = files.names
        self._container_name = format_of(Path(files.names.text)).name
        self._encoder = encoder
        self._segment = segment
        self._file: SegmentFile | None = None
        self._begun = 0.0
        files.lock()
        self._is_closed = False
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    def _recover(self) -> None:
        """Give what a killed process left its name, if there is a frame in it; else delete it.

        Killed within its first second, an MP4 holds a header and nothing else.
        """
        for left in self._files.recordings(parts_only=True):
            part = Path(left.path)
            with suppress(OSError), folder_below(self._names.root, part.parent) as folder:
                if is_playable(folder, part.name, self._container_name):
                    give_name(folder, part.name, part.name.removesuffix(PART))
                elif left.size < _NOTHING_BYTES:
                    os.unlink(part.name, dir_fd=folder)

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet, in a new file where one is due and may begin."""
        if self._file is not None and packet.is_key and self._is_due(wall_time):
            self._finish_file()
        if self._file is None:
            if not packet.is_key:
                return
            self._begin(packet, wall_time)
        assert self._file is not None
        self._files.tend(self._file.part)
        self._file.write(packet)

    def _is_due(self, wall_time: float) -> bool:
        """Whether the clock has come to another of the equal parts of the day."""
        if self._segment is None:
            return False
        return wall_time // self._segment != self._begun // self._segment

    def _begin(self, packet: RedactedPacket, wall_time: float) -> None:
        self._files.make_room()
        path = self._names.name_at(wall_time)
        self._file = SegmentFile(
            self._names.root, path, self._container_name, self._encoder, packet
        )
        self._begun = wall_time

    def _finish_file(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.finish()
            finally:
                file.close()

    @property
    def is_up(self) -> bool:
        """Whether something was taken: what was not has raised."""
        return True

    def storage(self) -> Storage | None:
        """Return what is kept, as last counted."""
        return self._files.storage

    def finish(self) -> None:
        """Close the file under its own name."""
        self._finish_file()

    def close(self) -> None:
        """Close the file as well as can be; what was written gets its name. Safe to call twice."""
        with suppress(SinkWriteError):
            self._finish_file()
        if not self._is_closed:
            self._is_closed = True
            self._files.unlock()


def check_recording(pattern: str, *, overwrite: bool = True) -> None:
    """Raise ConfigError for a pattern that no file can be named after, or recognised by."""
    format_of(Path(pattern))
    if not NamePattern(pattern).is_pattern:
        refuse_existing(Path(pattern), overwrite=overwrite)
