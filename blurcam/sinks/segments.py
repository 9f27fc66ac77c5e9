"""Recordings of a live stream: cut at key frames, named by the clock, deleted by retention."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkWriteError
from blurcam.runtime.files import refuse_existing
from blurcam.runtime.folders import folder_below
from blurcam.runtime.status import Storage
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.containers import format_of
from blurcam.sinks.retention import PatternFiles
from blurcam.sinks.segment_file import PART, SegmentFile, give_name, is_playable

# A larger file that cannot be played is kept for inspection, until retention deletes it.
_NOTHING_BYTES: Final = 1 << 20


class SegmentSink:
    """Files named by the clock after a pattern, each with a name of its own.

    The name of a file ends in ``.part`` until it is closed. It can be played all the same: if the
    process is killed, less than a second is lost.
    """

    def __init__(self, files: PatternFiles, encoder: Encoder, *, segment: float | None) -> None:
        """Write files of about ``segment`` seconds, ``None`` for one without end.

        Raises SinkOpenError if another process records by this pattern.
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
        """Name the file that a killed process left, if it has a frame; else delete it.

        An MP4 whose process was killed within its first second has a header and nothing else.
        """
        for left in self._files.recordings(parts_only=True):
            part = Path(left.path)
            with suppress(OSError), folder_below(self._names.root, part.parent) as folder:
                if is_playable(folder, part.name, self._container_name):
                    give_name(folder, part.name, part.name.removesuffix(PART))
                elif left.size < _NOTHING_BYTES:
                    os.unlink(part.name, dir_fd=folder)

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet; into a new file if one is due and the packet is a key frame."""
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
        """Whether the clock has reached another of the equal parts of the day."""
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
        """Whether a packet was written; a failure raises."""
        return True

    def storage(self) -> Storage | None:
        """Return what is on disk, as last counted."""
        return self._files.storage

    def finish(self) -> None:
        """Close the file under its own name."""
        self._finish_file()

    def close(self) -> None:
        """Close the file, and name it if possible. Safe to call twice."""
        with suppress(SinkWriteError):
            self._finish_file()
        if not self._is_closed:
            self._is_closed = True
            self._files.unlock()


def check_recording(pattern: str, *, overwrite: bool = True) -> None:
    """Raise ConfigError for a pattern by which no file can be named or recognised."""
    format_of(Path(pattern))
    if not NamePattern(pattern).is_pattern:
        refuse_existing(Path(pattern), overwrite=overwrite)
