"""Files and folders by the handle of the folder that holds them, so that no link is followed."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from blurcam.batch.output_names import shown
from blurcam.errors import SinkOpenError, SinkWriteError

PLAIN_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""How a file is opened to be read. A FIFO that lies there must not hold the job."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def make_folder(parent: int, name: str, path: Path, mode: int = 0o777) -> int:
    """Return the handle of a folder below another one; raises SinkOpenError for a link."""
    try:
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=parent)
            os.fsync(parent)
        return os.open(name, _FOLDER, dir_fd=parent)
    except OSError as exc:
        if _is_link(name, parent):
            raise SinkOpenError(
                f"{shown(path)}: is a symbolic link, and may lead elsewhere; remove it"
            ) from exc
        raise SinkOpenError(f"{shown(path)}: cannot be made: {exc.strerror}") from exc


def sha256_at(name: str, folder: int) -> str | None:
    """Return the SHA-256 of a plain file, ``None`` where there is none."""
    try:
        handle = os.open(name, PLAIN_FILE, dir_fd=folder)
    except OSError:  # nothing there, or a link
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that the disk or a quota is full."""
    while error is not None:
        if getattr(error, "errno", None) in _NO_ROOM:
            return True
        error = error.__cause__
    return False


def exists(name: str, folder: int) -> bool:
    """Whether the folder has this name, be it a link to nothing."""
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _is_link(name: str, folder: int) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
    return False


@contextmanager
def translating_errors(path: Path) -> Iterator[None]:
    """Raise errors of the system as SinkWriteError, naming the path."""
    try:
        yield
    except OSError as exc:
        raise SinkWriteError(f"{shown(path)}: cannot be written: {exc.strerror}") from exc
