"""What has become of every recording of a job: one row a file, on disk before it counts.

SQLite in WAL mode, written by the driver alone. A row goes

    pending → running → staged → done          a recording redacted in one piece
    pending → running → cut → joining → staged → done      in spans
    … → failed                                 with the reason

"staged" is written after the redacted file is complete under a name of blurcam's own and before it
gets its final one; so whatever moment the driver is killed at, the next one knows what is whose.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blurcam.batch.inputs import InputFile
from blurcam.batch.output_names import shown
from blurcam.batch.tasks import Thumbnail
from blurcam.errors import JobError

FORMAT: Final = 1
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
    spool TEXT,
    result TEXT,
    PRIMARY KEY (file, number)
);
CREATE INDEX files_by_state ON files (state);
"""


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One recording, as it stands; paths are absolute in ``source``, below the root in ``output``.

    ``exposure_s`` is for how long a verification still saw faces in the output, ``None`` where
    there was none. ``replaces`` is the SHA-256 of an earlier redaction under the same name.
    """

    id: int
    source: Path
    output: Path
    size: int
    modified_ns: int
    settings: str
    state: str
    attempts: int
    input_sha256: str | None
    output_sha256: str | None
    output_size: int | None
    frames: int | None
    covered_whole: int | None
    lost: int | None
    complete: bool | None
    tracks: int | None
    duration_s: float | None
    wall_s: float | None
    exposure_s: float | None
    verdict: str | None
    error: str | None
    staged: str | None
    replaces: str | None
    finished_at: float | None

    @property
    def needs_review(self) -> bool:
        """Whether it is done, and somebody should look at it all the same."""
        return self.state == "done" and (not self.complete or self.verdict == "review")


_COLUMNS: Final = ", ".join(RecordingRow.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span of a recording that was cut: JSON of the span, and of its result once spooled."""

    number: int
    span: str
    state: str
    attempts: int
    spool: str | None
    result: str | None


class Ledger:
    """The rows of one job."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the ledger, made anew where there is none; raises JobError."""
        self._path = path
        if read_only and not path.exists():
            raise JobError(f"{shown(path)}: there is no ledger; name the folder given as --out")
        with self._border():
            if not path.exists():
                path.touch(mode=0o600)  # it names every recording
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            if not read_only:
                self._db.execute("PRAGMA journal_mode = WAL")
                # What a power cut may make it forget is found out again; see staged().
                self._db.execute("PRAGMA synchronous = NORMAL")
            if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                self._db.executescript("BEGIN;" + _SCHEMA + f"PRAGMA user_version={FORMAT};COMMIT;")
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found != FORMAT:
            raise JobError(
                f"{shown(path)}: is of another version of blurcam (format {found}, not {FORMAT}); "
                "choose another --job"
            )

    @contextmanager
    def _border(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            raise JobError(f"{shown(self._path)}: the ledger cannot be used: {exc}") from exc

    def _do(self, text: str, *values: Any) -> None:
        with self._border():
            self._db.execute(text, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have everything in the block written at once, or nothing of it."""
        self._do("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._do("ROLLBACK")
            raise
        self._do("COMMIT")

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._db.close()

    # The job as a whole.

    def note(self, key: str, value: str) -> None:
        """Keep a fact about the job."""
        self._do("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)

    def noted(self, key: str) -> str | None:
        """Return a fact about the job, ``None`` if it was never noted."""
        with self._border():
            found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def recover(self) -> None:
        """Take what a killed driver left under way for not begun."""
        with self.transaction():
            self._do("UPDATE files SET state = 'pending' WHERE state = 'running'")
            self._do("UPDATE files SET state = 'cut' WHERE state = 'joining'")
            self._do("UPDATE spans SET state = 'pending' WHERE state = 'running'")

    # Rows.

    def row(self, number: int) -> RecordingRow:
        """Return one row."""
        return next(self._rows("WHERE id = ?", number))

    def rows(self) -> Iterator[RecordingRow]:
        """Yield every row, in the order of their sources."""
        return self._rows("ORDER BY source")

    def in_state(self, *states: str) -> Iterator[RecordingRow]:
        """Yield the rows in these states."""
        marks = ", ".join("?" * len(states))
        return self._rows(f"WHERE state IN ({marks}) ORDER BY id", *states)

    def _rows(self, where: str, *values: Any) -> Iterator[RecordingRow]:
        with self._border():
            found = self._db.execute(f"SELECT {_COLUMNS} FROM files {where}", values).fetchall()
        for source in found:
            kept = dict(zip(RecordingRow.__dataclass_fields__, source, strict=True))
            kept["source"] = Path(os.fsdecode(kept["source"]))
            kept["output"] = Path(os.fsdecode(kept["output"]))
            kept["complete"] = None if kept["complete"] is None else bool(kept["complete"])
            yield RecordingRow(**kept)

    def of(self, source: Path) -> RecordingRow | None:
        """Return the row of a recording, ``None`` if there is none."""
        return next(self._rows("WHERE source = ?", os.fsencode(source)), None)

    def is_taken(self, output: Path, *, by_other_than: Path) -> bool:
        """Whether another recording's redaction has this place."""
        with self._border():
            found = self._db.execute(
                "SELECT 1 FROM files WHERE output = ? AND source <> ?",
                (os.fsencode(output), os.fsencode(by_other_than)),
            )
            return found.fetchone() is not None

    def plan(self, recording: InputFile, output: Path, settings: str) -> RecordingRow:
        """Write down that a recording is to be redacted, and return its row.

        What is known of an earlier output stays, so that it can be told from a stranger's file.
        """
        self._do(
            "INSERT INTO files (source, output, size, modified_ns, settings) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (source) DO UPDATE SET replaces = CASE"
            " WHEN files.output <> excluded.output THEN NULL"
            " WHEN files.state = 'done' THEN files.output_sha256 ELSE files.replaces END,"
            " output = excluded.output, size = excluded.size,"
            " modified_ns = excluded.modified_ns, settings = excluded.settings, state = 'pending',"
            " attempts = 0, error = NULL, staged = NULL, verdict = NULL, finished_at = NULL",
            os.fsencode(recording.path),
            os.fsencode(output),
            recording.size,
            recording.modified_ns,
            settings,
        )
        row = self.of(recording.path)
        assert row is not None
        self._do("DELETE FROM spans WHERE file = ?", row.id)
        return row

    def running(self, number: int) -> None:
        """Write down that a worker has the recording."""
        self._do("UPDATE files SET state = 'running' WHERE id = ?", number)

    def again(self, number: int, error: str, state: str = "pending") -> None:
        """Write down an attempt that failed, and the state from which there is to be another."""
        self._do(
            "UPDATE files SET state = ?, attempts = attempts + 1, error = ? WHERE id = ?",
            state,
            error,
            number,
        )

    def failed(self, number: int, error: str) -> None:
        """Write down that the recording is given up, and why."""
        self._do(
            "UPDATE files SET state = 'failed', attempts = attempts + 1, error = ?, staged = NULL,"
            " finished_at = ? WHERE id = ?",
            error,
            time.time(),
            number,
        )

    def staged(
        self, number: int, values: dict[str, Any], thumbnails: Iterable[Thumbnail] = ()
    ) -> None:
        """Write down that the redaction is complete under a name of our own, and its facts.

        ``values`` are columns.
        """
        columns = ", ".join(f"{key} = ?" for key in values)
        # From here on a file of this SHA-256 is ours: not even a power cut may make it forget that.
        self._do("PRAGMA synchronous = FULL")
        self._stage(number, columns, values, thumbnails)
        self._do("PRAGMA synchronous = NORMAL")

    def _stage(
        self, number: int, columns: str, values: dict[str, Any], thumbnails: Iterable[Thumbnail]
    ) -> None:
        with self.transaction():
            self._do(
                f"UPDATE files SET state = 'staged', attempts = attempts + 1, error = NULL,"
                f" {columns} WHERE id = ?",
                *values.values(),
                number,
            )
            self._do("DELETE FROM thumbnails WHERE file = ?", number)
            for each in thumbnails:
                self._do(
                    "INSERT INTO thumbnails VALUES (?, ?, ?, ?)",
                    number, each.time, each.why, each.jpeg,
                )  # fmt: skip

    def done(self, number: int) -> None:
        """Write down that the redaction has its final name."""
        with self.transaction():
            self._do(
                "UPDATE files SET state = 'done', staged = NULL, finished_at = ? WHERE id = ?",
                time.time(),
                number,
            )
            self._do("DELETE FROM spans WHERE file = ?", number)

    def details(self, number: int) -> dict[str, Any]:
        """Return what is kept as JSON: ``summary``, ``timeline`` and ``verification``."""
        names = ("summary", "timeline", "verification")
        with self._border():
            found = self._db.execute(
                f"SELECT {', '.join(names)} FROM files WHERE id = ?", (number,)
            ).fetchone()
        return {
            name: None if text is None else json.loads(text)
            for name, text in zip(names, found, strict=True)
        }

    def thumbnails(self, number: int) -> list[tuple[float, str, bytes]]:
        """Return small pictures of the redacted recording: (time, why, jpeg)."""
        with self._border():
            return self._db.execute(
                "SELECT time, why, jpeg FROM thumbnails WHERE file = ? ORDER BY time", (number,)
            ).fetchall()

    def counts(self) -> dict[str, int]:
        """Return how many rows there are in each state."""
        with self._border():
            return dict(self._db.execute("SELECT state, COUNT(*) FROM files GROUP BY state"))

    # Spans.

    def cut(self, number: int, spans: Iterable[str]) -> None:
        """Write down the spans, as JSON, that the recording is redacted in."""
        with self.transaction():
            self._do("DELETE FROM spans WHERE file = ?", number)
            for index, span in enumerate(spans):
                self._do(
                    "INSERT INTO spans (file, number, span) VALUES (?, ?, ?)", number, index, span
                )
            self._do("UPDATE files SET state = 'cut' WHERE id = ?", number)

    def spans(self, number: int) -> list[SpanRow]:
        """Return the spans of a recording, in order; none where it is not cut."""
        with self._border():
            found = self._db.execute(
                "SELECT number, span, state, attempts, spool, result FROM spans WHERE file = ?"
                " ORDER BY number",
                (number,),
            ).fetchall()
        return [SpanRow(*each) for each in found]

    def span_running(self, number: int, index: int) -> None:
        """Write down that a worker has the span."""
        self._do("UPDATE spans SET state = 'running' WHERE file = ? AND number = ?", number, index)

    def span_again(self, number: int, index: int) -> None:
        """Write down an attempt at a span that failed."""
        self._do(
            "UPDATE spans SET state = 'pending', attempts = attempts + 1"
            " WHERE file = ? AND number = ?",
            number,
            index,
        )

    def span_pending(self, number: int, index: int) -> None:
        """Write down that a span has to be redacted, for no fault of its own."""
        self._do(
            "UPDATE spans SET state = 'pending', spool = NULL, result = NULL"
            " WHERE file = ? AND number = ?",
            number,
            index,
        )

    def spooled(self, number: int, index: int, spool: str, result: str) -> None:
        """Write down that a span is redacted, and lies in ``spool``."""
        self._do(
            "UPDATE spans SET state = 'done', spool = ?, result = ? WHERE file = ? AND number = ?",
            spool,
            result,
            number,
            index,
        )

    def joining(self, number: int) -> None:
        """Write down that a worker joins the spans."""
        self._do("UPDATE files SET state = 'joining' WHERE id = ?", number)

    def uncut(self, number: int, error: str) -> None:
        """Write down that the recording cannot be redacted in spans, and has to be in one piece."""
        with self.transaction():
            self._do("DELETE FROM spans WHERE file = ?", number)
            self._do("UPDATE files SET state = 'pending', error = ? WHERE id = ?", error, number)
