"""Files that get their name only when they are complete, and outputs that are not files.

A device, a FIFO and a socket are written into and never replaced: what they are given is complete,
too, since it waits in the temporary folder until it is.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from blurcam.errors import ConfigError, SinkOpenError

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise ConfigError for an output that is there already, or whose folder is not."""
    if is_written_into(path):
        return
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file in it")
    if os.path.lexists(path) and not overwrite:
        raise ConfigError(f"{path}: exists already; choose another name or add --overwrite")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist; make it first")


def refuse_same(input: Path, output: Path) -> None:
    """Raise ConfigError where the output is the input, by whatever name."""
    with suppress(OSError):  # one of them is not there, so that they differ
        if input.samefile(output):
            raise ConfigError(f"{output}: is the input itself; choose another name")


def is_written_into(path: Path) -> bool:
    """Whether the name stands for a device, a FIFO, a socket, or an open file (``/dev/stdout``)."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    leads_to_open_file = path.is_symlink() and path.absolute().parts[1] in ("dev", "proc")
    return leads_to_open_file or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


class StagedFile:
    """A file that is written under the temporary name ``part`` until it is complete."""

    def __init__(self, path: Path, part: Path | None = None, *, overwrite: bool = False) -> None:
        """Choose the temporary name: ``.NAME.part`` beside the file, unless another is given.

        Raises SinkOpenError where a symbolic link bears that name, and so leads elsewhere.
        """
        self.path = path
        self.is_written_into = is_written_into(path)
        self._overwrite = overwrite
        self._folder: str | None = None
        if part is None and self.is_written_into:
            self._folder = tempfile.mkdtemp(prefix="blurcam-")
            part = Path(self._folder, path.name)
        self.part = part or path.with_name(f".{path.name}.part")
        if self.part.is_symlink():
            raise SinkOpenError(f"{self.part}: is a symbolic link, and leads elsewhere; remove it")

    def open(self) -> IO[bytes]:
        """Open the temporary file, new and empty; raises OSError."""
        self.part.unlink(missing_ok=True)
        return self.part.open("x+b")

    def publish(self) -> None:
        """Have the file on disk under its own name; raises OSError.

        Without ``overwrite`` it replaces nothing: FileExistsError where the name is taken.
        """
        if self.is_written_into:
            self._pour()
            return self.discard()
        with self.part.open("rb") as written:
            os.fsync(written.fileno())
        if self._overwrite:
            self.part.replace(self.path)
        else:
            take_name(self.part, self.path)
            self.part.unlink(missing_ok=True)
        sync_folder(self.path.absolute().parent)

    def _pour(self) -> None:
        """Write the complete file into what bears the name; waits for a reader of a FIFO."""
        with self.part.open("rb") as written:
            if self.path.is_socket():
                with socket.socket(socket.AF_UNIX) as reader:
                    reader.connect(str(self.path))
                    reader.sendfile(written)
                return
            descriptor = os.open(self.path, os.O_WRONLY)  # neither created nor cut
            with os.fdopen(descriptor, "wb") as device:
                shutil.copyfileobj(written, device)

    def discard(self) -> None:
        """Remove the temporary file; safe to call twice, and after :meth:`publish`."""
        with suppress(OSError):  # a read-only folder, said already
            self.part.unlink(missing_ok=True)
            if self._folder is not None:
                Path(self._folder).rmdir()


def write_file(path: Path, content: bytes, *, overwrite: bool = True) -> None:
    """Write a file so that it is there whole or not at all; raises OSError."""
    staged = StagedFile(path, overwrite=overwrite)
    try:
        with staged.open() as file:
            file.write(content)
        staged.publish()
    finally:
        staged.discard()


def take_name(
    part: str | Path, name: str | Path, *, source: int | None = None, folder: int | None = None
) -> None:
    """Give a complete file its name without replacing another; FileExistsError if it is taken.

    The names may be relative to descriptors: ``part`` to ``source``, ``name`` to ``folder``. The
    name ``part`` may stay, too; the caller removes it.
    """
    try:
        os.link(part, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # exFAT and many network folders have no hard links
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=folder))
        os.replace(part, name, src_dir_fd=source, dst_dir_fd=folder)


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, means that the disk or a quota is full."""
    while error is not None:
        if getattr(error, "errno", None) in _NO_ROOM:
            return True
        error = error.__cause__
    return False


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk; raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
