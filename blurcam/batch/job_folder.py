"""The locks on a job's folders while it runs: the ledger's and the output's."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from blurcam.batch.output_folder import PRIVATE
from blurcam.batch.output_names import shown
from blurcam.errors import JobError

LEDGER: Final = "ledger.sqlite3"
LOG: Final = "workers.log"
_LOCK: Final = "lock"


@contextmanager
def locked(job: Path, out: Path) -> Iterator[None]:
    """Make both folders, and lock them against every other driver.

    Two jobs with ledgers of their own must not write into one output folder. Raises
    :class:`~blurcam.errors.JobError`, which names the driver that has locked one of them.
    """
    with ExitStack() as stack:
        for folder in dict.fromkeys((job.absolute(), (out / PRIVATE).absolute())):
            for name in ("", _LOCK, LEDGER, LOG):
                refuse_link(folder / name)
            stack.enter_context(_locked(folder, is_needed=folder == job.absolute()))
        yield


@contextmanager
def _locked(folder: Path, *, is_needed: bool) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only this account may open it: an account that may read a file may lock it.
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        lock = os.fdopen(handle, "r+", encoding="utf-8")
    except OSError as exc:
        raise JobError(f"{shown(folder)}: cannot be used by a job: {exc.strerror}") from exc
    with lock:
        _take(lock, folder, is_needed=is_needed)
        yield


def _take(lock: IO[str], folder: Path, *, is_needed: bool) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.seek(0)
        raise JobError(
            f"{shown(folder)}: is in use by {lock.read().strip() or 'another blurcam'}; wait for "
            "it, or choose another --job and --out"
        ) from exc
    except OSError as exc:
        if not is_needed:  # some network folders have no locks; then the tree's owner file decides
            return
        raise JobError(f"{shown(folder)}: cannot be locked: {exc.strerror}") from exc
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    with suppress(OSError):  # a full disk; the lock holds all the same
        lock.truncate(0)
        lock.write(
            f"blurcam batch, process {os.getpid()} on {socket.gethostname()}, since {since}\n"
        )
        lock.flush()


def refuse_link(path: Path) -> None:
    """Raise :class:`~blurcam.errors.JobError` for a link in place of blurcam's own file."""
    if path.is_symlink():
        raise JobError(f"{shown(path)}: is a symbolic link, and leads elsewhere; remove it")
