"""One recording of a camera while it is written, and the choice of its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.errors import SinkOpenError, SinkWriteError, SourceOpenError
from blurcam.runtime.files import take_name
from blurcam.runtime.folders import has_name, open_folder_below
from blurcam.sinks.containers import muxer_options
from blurcam.sinks.muxer import Muxer, translating_errors
from blurcam.sinks.ts_padding import padding
from blurcam.sources.open import FAULTS, open_reader

PART: Final = ".part"
"""The end of a recording's name until the recording is complete."""


class SegmentFile:
    """A recording that is being written; at any moment it can be played up to its last second.

    It holds descriptors of its folder and of itself, so that no link can lead it elsewhere.
    """

    def __init__(
        self, root: Path, path: Path, container: str, encoder: Encoder, first: RedactedPacket
    ) -> None:
        """Create ``path``, below ``root``, or a numbered name; raises SinkOpenError."""
        self.path = path
        self._offset = -min(first.pts, first.dts)
        self._is_finished = False
        with translating_errors(path, SinkOpenError), ExitStack() as stack:
            self._folder = open_folder_below(root, path.parent, make=True)
            stack.callback(os.close, self._folder)
            name, self._file = _new_file(self._folder, path.name)
            self.path = path.with_name(name)
            stack.callback(self._release)
            self._muxer = Muxer(
                self._file,
                container,
                encoder.template,
                encoder.time_base,
                options=muxer_options(container, encoder.time_base, live=True),
                display_matrix=encoder.info.display_matrix,
            )
            stack.callback(self._muxer.close)
            self._muxer.begin()
            self._opened = stack.pop_all()

    @property
    def part(self) -> Path:
        """The temporary name."""
        return self.path.with_name(f"{self.path.name}{PART}")

    def write(self, packet: RedactedPacket) -> None:
        """Write a packet; raises SinkWriteError."""
        with translating_errors(self.path, SinkWriteError):
            self._muxer.write(packet, offset=self._offset)

    def finish(self) -> None:
        """Complete the file, sync it to disk, and give it its name; raises SinkWriteError."""
        with translating_errors(self.path, SinkWriteError):
            self._muxer.end()
            self._file.append(padding(self._file.size, self._muxer.container_name))
            self._file.sync()
            self.path = self.path.with_name(give_name(self._folder, self.part.name, self.path.name))
            self._is_finished = True
            os.fsync(self._folder)

    def close(self) -> None:
        """Release it; an unfinished file keeps its temporary name. Safe to call twice."""
        self._opened.close()

    def _release(self) -> None:
        with suppress(OSError):
            if not self._is_finished and not self._file.size:
                os.unlink(self.part.name, dir_fd=self._folder)
        self._file.close()


class _NewFile:
    """A file that PyAV writes to by its descriptor, so that it stays the file made here."""

    def __init__(self, folder: int, name: str) -> None:
        """Create the file; FileExistsError if anything has its name, even a link."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(name, flags, 0o666, dir_fd=folder)

    def write(self, data: bytes) -> int:
        """Write all of it, in as many system calls as that takes."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position."""
        return os.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self.seek(0, os.SEEK_CUR)

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """Write after the last byte."""
        self.seek(0, os.SEEK_END)
        self.write(data)

    def sync(self) -> None:
        """Sync it to disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Release it."""
        os.close(self._descriptor)


def _new_file(folder: int, name: str) -> tuple[str, _NewFile]:
    """Return a new file under a temporary name, and its final name."""
    for free in free_names(folder, name):
        with suppress(FileExistsError):
            return free, _NewFile(folder, f"{free}{PART}")
    raise AssertionError("numbers do not end")


def free_names(folder: int, name: str, *, but: str = "") -> Iterator[str]:
    """Yield the name and numbered ones that are free in the folder: clocks are set back.

    A name whose temporary name is taken is not free, unless that is ``but``.
    """
    number, free = 1, name
    while True:
        part = f"{free}{PART}"
        if not has_name(folder, free) and (part == but or not has_name(folder, part)):
            yield free
        number += 1
        free = f"{Path(name).stem}-{number}{Path(name).suffix}"


def give_name(folder: int, part: str, name: str) -> str:
    """Give a complete file its name, or a numbered one, and replace nothing; return the name."""
    for free in free_names(folder, name, but=part):
        with suppress(FileExistsError):
            take_name(part, free, source=folder, folder=folder)
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            return free
    raise AssertionError("numbers do not end")


def is_playable(folder: int, name: str, container: str) -> bool:
    """Return whether a file has a complete frame.

    It is read as this container and no other: a playlist would name other files.
    """
    with suppress(SourceOpenError, *FAULTS, IndexError):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        with (
            os.fdopen(descriptor, "rb") as file,
            open_reader(file, container, {}, name=name) as read,
        ):
            return any(each.size and not each.is_corrupt for each in read.demux(video=0))
    return False
