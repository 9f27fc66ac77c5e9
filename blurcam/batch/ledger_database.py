"""The ledger's file: an SQLite database in WAL mode, and its errors as blurcam's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from blurcam.batch.output_names import shown
from blurcam.errors import JobError

LedgerAccess = Literal["write", "read", "copy"]

FORMAT: Final = 2
_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    source BLOB NOT NULL UNIQUE,
    output BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    settings TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    input_sha256 TEXT,
    output_sha256 TEXT,
    output_size INTEGER,
    frames INTEGER,
    covered_whole INTEGER,
    lost INTEGER,
    complete INTEGER,
    tracks INTEGER,
    duration_s REAL,
    wall_s REAL,
    exposure_s REAL,
    verdict TEXT,
    error TEXT,
    staged TEXT,
    replaces TEXT,
    finished_at REAL,
    summary TEXT,
    timeline TEXT,
    verification TEXT
);
CREATE TABLE thumbnails (
    file INTEGER NOT NULL, time REAL NOT NULL, why TEXT NOT NULL, jpeg BLOB NOT NULL
);
CREATE TABLE spans (
    file INTEGER NOT NULL,
    number INTEGER NOT NULL,
    span TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    packets TEXT,
    result TEXT,
    PRIMARY KEY (file, number)
);
CREATE INDEX files_by_state ON files (state);
"""


class LedgerDatabase:
    """The tables of one job. One process writes; others may read meanwhile."""

    def __init__(self, path: Path, access: LedgerAccess = "write") -> None:
        """Open the database; raises JobError.

        To ``write``, it is made where there is none. To ``read``, it must be there. A ``copy`` lies
        in memory, and is empty where there is none: what is written to it is lost.
        """
        self._path = path
        if access == "read" and not path.exists():
            raise JobError(f"{shown(path)}: there is no ledger; name the folder given as --out")
        with self._translating_errors():
            if access == "copy":
                self._db = _copy_of(path)
            else:
                if not path.exists():
                    path.touch(mode=0o600)  # it names every recording
                self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            if access != "read":
                self._prepare()
        self._check_format(FORMAT, *((1,) if access == "read" else ()))

    def _take_over(self) -> None:
        """Bring a ledger of format 1 up to date, in which one column had another name."""
        where = "SELECT name FROM pragma_table_info('spans') WHERE cid = 5"
        name = self._db.execute(where).fetchone()[0]
        self._db.executescript(
            f"BEGIN; ALTER TABLE spans RENAME COLUMN {name} TO packets;"
            f"PRAGMA user_version = {FORMAT}; COMMIT;"
        )

    def _check_format(self, *known: int) -> None:
        found = self.ask("PRAGMA user_version")[0][0]
        if found not in known:
            self._db.close()
            raise JobError(
                f"{shown(self._path)}: is of another version of blurcam (format {found}, not "
                f"{FORMAT}); choose another --job"
            )

    def _prepare(self) -> None:
        if self._db.execute("PRAGMA user_version").fetchone()[0] == 1:
            self._take_over()
        self._db.execute("PRAGMA journal_mode = WAL")
        # What a power cut makes it forget is found out again; see durable().
        self._db.execute("PRAGMA synchronous = NORMAL")
        if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._db.executescript("BEGIN;" + _SCHEMA + f"PRAGMA user_version={FORMAT};COMMIT;")

    @contextmanager
    def _translating_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            remedy = "; make room and run the same command again" if "full" in str(exc) else ""
            raise JobError(
                f"{shown(self._path)}: the ledger cannot be used: {exc}{remedy}"
            ) from exc

    def do(self, text: str, *values: Any) -> None:
        """Run a statement."""
        with self._translating_errors():
            self._db.execute(text, values)

    def ask(self, text: str, *values: Any) -> list[Any]:
        """Run a query, and return all that it finds."""
        with self._translating_errors():
            return self._db.execute(text, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in the block at once, or nothing of it."""
        self.do("BEGIN IMMEDIATE")
        try:
            yield
            self.do("COMMIT")
        except BaseException:
            # Where the disk is full, SQLite has ended the transaction already.
            if self._db.in_transaction:
                self.do("ROLLBACK")
            raise

    @contextmanager
    def durable(self) -> Iterator[None]:
        """Have the block's transactions on disk when they end, so that no power cut undoes them."""
        self.do("PRAGMA synchronous = FULL")
        yield
        self.do("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._db.close()


def _copy_of(path: Path) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    if path.exists():
        with closing(sqlite3.connect(path, timeout=30)) as original:
            original.backup(copy)
    return copy
