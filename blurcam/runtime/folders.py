"""Files and folders by the descriptor of their folder, so that no symbolic link is followed.

An account that may write to a folder of recordings could replace a day's folder by a link between
two steps, so that files elsewhere are written or deleted. A descriptor stays with its folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PLAIN_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""The flags to read a file by: without waiting for the writer of a FIFO in its place."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_INNER: Final = _FOLDER | os.O_NOFOLLOW
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def folder_below(root: Path, folder: Path, *, make: bool = False) -> Iterator[int]:
    """Give a descriptor of ``folder``, which lies in ``root``; raises OSError.

    Links in ``root`` itself are followed: they are part of the configuration. With ``make``,
    missing folders are created.
    """
    descriptor = open_folder_below(root, folder, make=make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_folder_below(root: Path, folder: Path, *, make: bool = False) -> int:
    """Return a descriptor of ``folder`` as :func:`folder_below` does; the caller closes it."""
    if make:
        root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root, _FOLDER)
    try:
        for name in folder.relative_to(root).parts:
            inner = open_inner(descriptor, name, make=make)
            os.close(descriptor)
            descriptor = inner
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_inner(folder: int, name: str, *, make: bool = False, mode: int = 0o777) -> int:
    """Return a descriptor of a folder in another, created if ``make``; a link raises OSError."""
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=folder)
            os.fsync(folder)
    return os.open(name, _INNER, dir_fd=folder)


def has_name(folder: int, name: str) -> bool:
    """Return whether anything has this name in the folder, even a link that leads nowhere."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return True
    return False


def write_new(folder: int, name: str, content: bytes, mode: int = 0o666) -> None:
    """Write a file, synced to disk, in place of any other of this name; raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    with os.fdopen(os.open(name, _NEW_FILE, mode, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sha256_at(name: str, folder: int) -> str | None:
    """Return the SHA-256 of a plain file, ``None`` if there is none."""
    try:
        descriptor = os.open(name, PLAIN_FILE, dir_fd=folder)
    except OSError:  # nothing there, or a link
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return hashlib.file_digest(file, "sha256").hexdigest()
