"""Folders below a root, opened without following a symbolic link.

An account that may write to a folder of recordings could replace a day's folder by a link between
two steps, so that files elsewhere are written or deleted. A descriptor stays with its folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


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
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=descriptor)
            inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def has_name(folder: int, name: str) -> bool:
    """Return whether anything has this name in the folder, even a link that leads nowhere."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return True
    return False
