"""The output folder of a job: the root of a redacted tree, entered by descriptors alone.

Another account may be allowed to write to the root. So every folder below it is opened relative to
the one before, and no symbolic link is followed: a link that appears between a check and its use
has no effect.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from blurcam.batch.kept_regions import RegionsFolder
from blurcam.batch.output_names import shown, translating_errors
from blurcam.errors import JobError, SinkError, SinkOpenError, SinkWriteError
from blurcam.runtime.files import take_name
from blurcam.runtime.folders import PLAIN_FILE, has_name, open_inner, sha256_at, write_new

PRIVATE: Final = ".blurcam"
"""The folder below the root for blurcam's own files."""
REGIONS: Final = "regions"
"""Where, in there, the regions of redactions are kept."""
_OWNER: Final = "job"


class OutputFolder:
    """The root of one job's redacted tree. Unfinished files are in ``work``.

    Files in ``work`` whose names begin with ``prefix`` are this job's.
    """

    def __init__(self, root: Path, job: str, handles: tuple[int, int, int]) -> None:
        """Use :func:`open_output`; ``handles`` are of the root, of ``work`` and of ``regions``."""
        self.root = root
        self.work = root.absolute() / PRIVATE / "work"
        self.prefix = f"job-{job}-"
        self._root, self._work, kept = handles
        self.regions = RegionsFolder(root.absolute() / PRIVATE / REGIONS, self._work, kept)

    # Unfinished files.

    def holds(self, name: str) -> bool:
        """Whether a file of this name is in ``work``."""
        try:
            return stat.S_ISREG(os.lstat(name, dir_fd=self._work).st_mode)
        except OSError:
            return False

    def remove(self, name: str) -> None:
        """Remove a file from ``work``, if it is there."""
        with suppress(OSError):  # it disturbs nothing
            os.unlink(name, dir_fd=self._work)

    def sweep(self, kept: set[str]) -> None:
        """Remove the files of earlier attempts of this job from ``work``, except ``kept``."""
        for name in os.listdir(self._work):  # noqa: PTH208 - a handle
            if name.removeprefix(".").startswith(self.prefix) and name not in kept:
                self.remove(name)

    # Redactions.

    def prepare(self, place: Path) -> None:
        """Make the folder of an output; raises SinkError if it would be outside of the root."""
        with self._folder_of(place):
            pass

    def publish(self, staged: str, place: Path, digest: str, replaces: str | None) -> None:
        """Give a finished redaction its final name.

        The file in ``work`` must still have the SHA-256 ``digest``. It replaces only blurcam's own
        file: one with that hash (this step, cut short) or with the hash ``replaces`` (an earlier
        redaction of the same recording). Raises SinkError.
        """
        path = self.root / place
        with self._folder_of(place) as folder, translating_errors(path):
            try:
                source = os.open(staged, PLAIN_FILE, dir_fd=self._work)
            except FileNotFoundError:
                if sha256_at(place.name, folder) == digest:
                    return  # an earlier attempt got this far
                raise SinkWriteError(
                    f"{shown(path)}: its redaction has disappeared; run it again"
                ) from None
            with os.fdopen(source, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise SinkWriteError(
                        f"{shown(path)}: its redaction was changed before it got this name; "
                        "another process writes to the folder of this job"
                    )
                self._take_name(staged, folder, place, {digest, replaces})
                self._check_name(file.fileno(), folder, place, digest)
            os.fsync(folder)
        self.remove(staged)

    def _take_name(self, staged: str, folder: int, place: Path, digests: set[str | None]) -> None:
        with suppress(FileExistsError):
            return take_name(staged, place.name, source=self._work, folder=folder)
        if sha256_at(place.name, folder) not in digests - {None}:
            raise SinkOpenError(
                f"{shown(self.root / place)}: exists already, and blurcam did not write it; "
                "move it away or choose another --out"
            )
        os.replace(staged, place.name, src_dir_fd=self._work, dst_dir_fd=folder)

    def _check_name(self, file: int, folder: int, place: Path, digest: str) -> None:
        """Raise SinkWriteError if the final name is not that of the hashed file."""
        named = os.lstat(place.name, dir_fd=folder)
        # Some network folders give files new numbers: then the bytes decide.
        if os.path.samestat(named, os.fstat(file)) or sha256_at(place.name, folder) == digest:
            return
        raise SinkWriteError(
            f"{shown(self.root / place)}: another file got this name meanwhile; "
            "another process writes to the folder of this job"
        )

    @contextmanager
    def _folder_of(self, place: Path) -> Iterator[int]:
        """Give a descriptor of an output's folder, made if missing, without following a link."""
        if place.is_absolute() or ".." in place.parts:
            raise SinkOpenError(
                f"{shown(place)}: leads out of {shown(self.root)}; nothing is written there"
            )
        with ExitStack() as stack:
            folder, path = self._root, self.root
            for part in place.parent.parts:
                path = path / part
                folder = _made(folder, part, path)
                stack.callback(os.close, folder)
            yield folder

    # Files beside the redactions.

    def has(self, name: str) -> bool:
        """Whether anything in the root has this name, even a link that leads nowhere."""
        return has_name(self._root, name)

    def read(self, name: str) -> bytes:
        """Return the content of a file in the root; raises OSError, also for a link."""
        with os.fdopen(os.open(name, PLAIN_FILE, dir_fd=self._root), "rb") as file:
            return file.read()

    def replace(self, files: Mapping[str, bytes]) -> None:
        """Write files into the root, all of them before the first one gets its name.

        Raises SinkWriteError; then every name is as it was.
        """
        with translating_errors(self.root / next(iter(files))):
            try:
                for name, content in files.items():
                    write_new(self._root, f".{name}.part", content)
                for name in files:
                    os.replace(f".{name}.part", name, src_dir_fd=self._root, dst_dir_fd=self._root)
                os.fsync(self._root)
            finally:
                for name in files:
                    with suppress(OSError):  # it has its name, or was never written
                        os.unlink(f".{name}.part", dir_fd=self._root)


@contextmanager
def open_output(root: Path, job: str, ledger: Path) -> Iterator[OutputFolder]:
    """Give the job with this id the root of its redacted tree, made if missing.

    ``ledger`` is the folder of the job's ledger. Raises JobError if the tree belongs to another
    job, or if another account may change unfinished files.
    """
    with ExitStack() as stack:
        try:
            root.mkdir(parents=True, exist_ok=True)
            handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, handle)
            private = _made(handle, PRIVATE, root / PRIVATE, mode=0o700)
            stack.callback(os.close, private)
            work = _made(private, "work", root / PRIVATE / "work", mode=0o700)
            stack.callback(os.close, work)
            kept = _made(private, REGIONS, root / PRIVATE / REGIONS, mode=0o700)
            stack.callback(os.close, kept)
            named = {private: "", work: "work", kept: REGIONS}
            for each, name in named.items():
                _refuse_foreign(each, root / PRIVATE / name)
            _claim(private, root, job, ledger)
        except SinkError as exc:
            raise JobError(str(exc)) from exc
        except OSError as exc:
            raise JobError(f"{shown(root)}: cannot be used as --out: {exc.strerror}") from exc
        yield OutputFolder(root, job, (handle, work, kept))


def _made(parent: int, name: str, path: Path, mode: int = 0o777) -> int:
    """Return the descriptor of a folder, created if missing; raises SinkOpenError for a link."""
    try:
        return open_inner(parent, name, make=True, mode=mode)
    except OSError as exc:
        if path.is_symlink():
            raise SinkOpenError(
                f"{shown(path)}: is a symbolic link, and may lead elsewhere; remove it"
            ) from exc
        raise SinkOpenError(f"{shown(path)}: cannot be made: {exc.strerror}") from exc


def _refuse_foreign(folder: int, path: Path) -> None:
    """Raise JobError if one of blurcam's own folders belongs to another account, or is open to it.

    Its owner could replace a file by a link while a worker writes. The folder's owner is compared
    with that of a new file, since on network folders both may differ from this process's account.
    """
    probe = os.open(".probe", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600,
                    dir_fd=folder)  # fmt: skip
    try:
        mine = os.fstat(probe).st_uid
    finally:
        os.close(probe)
        os.unlink(".probe", dir_fd=folder)
    found = os.fstat(folder)
    if found.st_uid != mine:
        raise JobError(
            f"{shown(path)}: belongs to another account (number {found.st_uid}), which could "
            "change what is not finished; remove it, or run the job as that account"
        )
    if found.st_mode & 0o022:
        with suppress(OSError):  # a network folder without modes
            os.fchmod(folder, found.st_mode & 0o7755)


def _claim(private: int, root: Path, job: str, ledger: Path) -> None:
    """Note the job to which the tree belongs; raises JobError if that is another job."""
    mine = {"job": job, "ledger": os.fspath(ledger.absolute()), "host": socket.gethostname()}
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        with os.fdopen(os.open(_OWNER, PLAIN_FILE, dir_fd=private), "rb") as file:
            theirs = json.loads(file.read())
        is_same_ledger = (theirs["ledger"], theirs["host"]) == (mine["ledger"], mine["host"])
        if theirs["job"] != job and not is_same_ledger:
            raise JobError(
                f"{shown(root)}: belongs to another job, whose ledger is in "
                f"{shown(theirs['ledger'])} on {shown(theirs['host'])}; go on with that --job, or "
                "choose another --out. If that ledger is lost, remove "
                f"{shown(root / PRIVATE / _OWNER)}"
            )
        if theirs == mine:
            return
    part = f"{_OWNER}.{job}"
    write_new(private, part, json.dumps(mine).encode(), 0o600)
    os.replace(part, _OWNER, src_dir_fd=private, dst_dir_fd=private)
