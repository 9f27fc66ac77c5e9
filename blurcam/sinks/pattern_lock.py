"""A lock on a pattern of recordings: a second process would delete what the first one writes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from blurcam.errors import ConfigError, SinkOpenError
from blurcam.settings.recording_names import NamePattern

logger = logging.getLogger(__name__)

_LONGEST: Final = 4096


class PatternLock:
    """A locked file in the root of a pattern, which contains the pattern; closing removes it.

    The kernel releases the lock of a process that dies.
    """

    def __init__(self, names: NamePattern) -> None:
        """Take the lock; SinkOpenError if another process records by such a pattern."""
        self._text = str(Path(names.text).absolute())
        short = hashlib.sha256(self._text.encode()).hexdigest()[:12]
        self._path = names.root / f".blurcam-{short}.lock"
        self._descriptor: int | None = None
        try:
            names.root.mkdir(parents=True, exist_ok=True)
            while self._descriptor is None:
                self._descriptor = self._taken(names)
            _refuse_others(names, self._path)
        except OSError as exc:
            self.close()
            raise SinkOpenError(f"{names.text}: cannot be locked: {exc.strerror}") from exc
        except SinkOpenError:
            self.close()
            raise

    def _taken(self, names: NamePattern) -> int | None:
        """Return a locked descriptor, ``None`` if the file was removed meanwhile."""
        # Only this account may open it: another one could hold the lock for ever.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_there(descriptor):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, self._text.encode(), 0)
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise SinkOpenError(
                f"{names.text}: another process records by this pattern ({self._path} is locked)"
            ) from None
        except OSError as exc:
            if exc.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                os.close(descriptor)
                raise
            logger.warning(
                "%s: this file system has no locks; let only one process record there", names.text
            )
            return descriptor
        os.close(descriptor)
        return None

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(self._path.lstat(), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Release the lock; safe to call twice."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None


def _refuse_others(names: NamePattern, own: Path) -> None:
    """Raise SinkOpenError if a locked pattern in the same root overlaps this one."""
    for path in names.root.glob(".blurcam-*.lock"):
        text = "" if path == own else _of_another(path)
        with suppress(ConfigError):  # another version of blurcam wrote it
            if text and NamePattern(text).overlaps(names):
                raise SinkOpenError(
                    f"{names.text}: another process records by {text}, which can make the same "
                    "names"
                )


def _of_another(path: Path) -> str:
    """Return the pattern in a lock file that a process holds, "" if none does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, _LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return ""
