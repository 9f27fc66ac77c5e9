"""Recordings of a live stream: cut at key frames, named by the clock, kept for as long as asked."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkOpenError, SinkWriteError
from blurcam.media.clock import Clock
from blurcam.runtime.files import StagedFile, refuse_existing
from blurcam.runtime.status import Storage
from blurcam.sinks.containers import format_of, muxer_options
from blurcam.sinks.muxer import Muxer, translating_errors
from blurcam.sinks.retention import PatternFiles, Retention
from blurcam.sinks.ts_padding import stuff


class SegmentSink:
    """Files named after a pattern of the clock, each with a name of its own.

    ``pattern`` is strftime's, in UTC; with ``%z`` in it, local time and its offset, so that no
    hour is written twice. A file bears ``.part`` until it is closed, and can be played all the
    same: a killed process loses less than a second.
    """

    def __init__(
        self,
        pattern: str,
        encoder: Encoder,
        clock: Clock,
        *,
        segment: float | None,
        keep: Retention,
    ) -> None:
        """Write files of about ``segment`` seconds, ``None`` for one without end."""
        self._pattern = pattern
        self._container_name = format_of(Path(pattern)).name
        self._encoder = encoder
        self._clock = clock
        self._segment = segment
        self._shelf = PatternFiles(pattern, keep, clock)
        self._file: _File | None = None
        self._begun = 0.0
        self._shelf.recover()

    def write(self, packet: RedactedPacket, wall_time: float) -> None:
        """Write a packet, in a new file where one is due and may begin."""
        if self._file is not None and packet.is_key and self._is_due(wall_time):
            self._cut()
        if self._file is None:
            if not packet.is_key:
                return
            self._begin(packet, wall_time)
        assert self._file is not None
        self._shelf.tend(self._file.part)
        self._file.write(packet)

    def _is_due(self, wall_time: float) -> bool:
        """Whether the clock has come to another of the equal parts of the day."""
        if self._segment is None:
            return False
        return wall_time // self._segment != self._begun // self._segment

    def _begin(self, packet: RedactedPacket, wall_time: float) -> None:
        path = free_name(named(self._pattern, wall_time))
        self._shelf.make_room()
        self._file = _File(path, self._container_name, self._encoder, packet)
        self._begun = wall_time

    def _cut(self) -> None:
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
        return self._shelf.storage

    def finish(self) -> None:
        """Close the file under its own name."""
        self._cut()

    def close(self) -> None:
        """Close the file as well as can be; what was written gets its name."""
        with suppress(SinkWriteError):
            self._cut()


def named(pattern: str, wall_time: float) -> Path:
    """Return the name of a file that begins then."""
    moment = datetime.fromtimestamp(wall_time, UTC)
    if "%z" in pattern:
        moment = moment.astimezone()
    return Path(moment.strftime(pattern))


def free_name(path: Path) -> Path:
    """Return the name, with a number where it is taken: a clock may be set back."""
    number, free = 1, path
    while free.exists() or part_of(free).exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def part_of(path: Path) -> Path:
    """Return what a recording is called until it is closed."""
    return path.with_name(f"{path.name}.part")


def check_recording(pattern: str, *, overwrite: bool = True) -> None:
    """Raise ConfigError for a pattern that no file can be named after."""
    format_of(Path(pattern))
    if "%" not in pattern:
        path = Path(pattern)
        refuse_existing(path, overwrite=overwrite)


class _File:
    """One recording being written."""

    def __init__(self, path: Path, container: str, encoder: Encoder, first: RedactedPacket) -> None:
        self.path, self.part = path, part_of(path)
        self._offset = -min(first.pts, first.dts)
        self._finished = False
        with translating_errors(path, SinkOpenError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._muxer = Muxer(
                f"file:{self.part}",
                container,
                encoder.template,
                encoder.time_base,
                options=muxer_options(container, encoder.time_base, live=True),
                display_matrix=encoder.info.display_matrix,
            )
        try:
            with translating_errors(path, SinkOpenError):
                self._muxer.begin()
        except BaseException:
            self.close()
            raise

    def write(self, packet: RedactedPacket) -> None:
        with translating_errors(self.path, SinkWriteError):
            self._muxer.write(packet, offset=self._offset)

    def finish(self) -> None:
        with translating_errors(self.path, SinkWriteError):
            self._muxer.end()
            stuff(self.part, self._muxer.container_name)
            StagedFile(self.path, self.part).publish()
        self._finished = True

    def close(self) -> None:
        self._muxer.close()
        with suppress(OSError):
            if not self._finished and self.part.exists() and not self.part.stat().st_size:
                self.part.unlink()
