"""The folder of a job: its lock, its ledger, and where redactions are before they have a name."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from blurcam.batch.output_names import shown
from blurcam.errors import JobError, SinkOpenError, SinkWriteError
from blurcam.runtime.files import StagedFile, sha256_of, sync_folder

LEDGER = "ledger.sqlite3"


@contextmanager
def locked(job: Path) -> Iterator[None]:
    """Make the folder, and keep every other driver out of it.

    Raises :class:`~blurcam.errors.JobError`, naming the driver that is in it already.
    """
    for name in ("lock", LEDGER, "workers.log"):
        refuse_link(job / name)
    try:
        job.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (job / "lock").open("a+", encoding="utf-8")
    except OSError as exc:
        raise JobError(f"{shown(job)}: cannot be used as a job folder: {exc.strerror}") from exc
    with lock:
        _take(lock, job)
        yield


def _take(lock: IO[str], job: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.seek(0)
        raise JobError(
            f"{shown(job)}: is in use by {lock.read().strip() or 'another blurcam'}; wait for it, "
            "or choose another --job and --out"
        ) from exc
    except OSError as exc:
        raise JobError(f"{shown(job)}: cannot be locked: {exc.strerror}") from exc
    lock.truncate(0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    lock.write(f"blurcam batch, process {os.getpid()} on {socket.gethostname()}, since {since}\n")
    lock.flush()


def refuse_link(path: Path) -> None:
    """Raise :class:`~blurcam.errors.JobError` for a symbolic link where blurcam keeps its own."""
    if path.is_symlink():
        raise JobError(f"{shown(path)}: is a symbolic link, and leads elsewhere; remove it")


def work_folder(out: Path) -> Path:
    """Return the folder below ``out`` for what is not finished, made if need be."""
    folder = out / ".blurcam" / "work"
    for each in (folder.parent, folder):
        refuse_link(each)  # what is left there is removed
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise JobError(f"{shown(folder)}: cannot be made: {exc.strerror}") from exc
    return folder


def sweep(folder: Path, kept: set[str]) -> None:
    """Remove what earlier attempts have left, but not the files named in ``kept``."""
    for path in folder.iterdir():
        if path.name not in kept:
            with suppress(OSError):  # in the way of nobody
                path.unlink()


def publish(staged: Path, final: Path, digest: str, replaces: str | None) -> None:
    """Give a finished redaction its final name.

    It replaces only what blurcam put there: a file whose SHA-256 is ``digest`` (this very step, cut
    short) or ``replaces`` (an earlier redaction of the same recording). Raises SinkWriteError.
    """
    try:
        if staged.exists():
            _take_name(staged, final, digest, replaces)
        elif not final.is_file() or sha256_of(final) != digest:
            raise SinkWriteError(f"{shown(final)}: its redaction has disappeared; run it again")
        else:
            sync_folder(final.parent)
    except OSError as exc:
        raise SinkWriteError(f"{shown(final)}: cannot be written: {exc.strerror}") from exc


def _take_name(staged: Path, final: Path, digest: str, replaces: str | None) -> None:
    is_there = os.path.lexists(final)
    if is_there:
        is_file = final.is_file() and not final.is_symlink()
        if not is_file or sha256_of(final) not in {digest, replaces}:
            raise SinkOpenError(
                f"{shown(final)}: exists already, and blurcam did not write it; move it away or "
                "choose another --out"
            )
    try:
        StagedFile(final, staged, overwrite=is_there).publish()
    except FileExistsError as exc:
        raise SinkOpenError(
            f"{shown(final)}: has appeared meanwhile; move it away and run the job again"
        ) from exc


def settings_hash(settings: dict[str, object]) -> str:
    """Return a hash that changes with any setting."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
