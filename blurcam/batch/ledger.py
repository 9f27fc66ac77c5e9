"""The ledger: what happened to every recording of a job, one row a file, on disk before it counts.

Only the driver writes it. A row goes

    pending → running → staged → done          a recording redacted in one piece
    pending → running → cut → joining → staged → done      in spans
    … → failed                                 with the reason

"staged" is written when the redacted file is complete under a temporary name, before it gets its
final name. So if the driver is killed at any time, the next one knows which files are blurcam's.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blurcam.batch.inputs import InputFile
from blurcam.batch.ledger_database import LedgerAccess, LedgerDatabase
from blurcam.batch.review_steps import ReviewStep
from blurcam.batch.span_ledger import SpanLedger
from blurcam.batch.tasks import Thumbnail


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """The state of one recording; ``source`` is an absolute path, ``output`` is below the root.

    ``exposure_s`` is for how long a verification still saw faces in the output, ``None`` if there
    was no verification. ``replaces`` is the SHA-256 of an earlier redaction with the same name.
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
        """Whether it is done but should be reviewed."""
        return self.state == "done" and (not self.complete or self.verdict == "review")


_COLUMNS: Final = ", ".join(RecordingRow.__dataclass_fields__)


class Ledger:
    """The rows of one job."""

    def __init__(self, path: Path, access: LedgerAccess = "write") -> None:
        """Open the ledger, see :class:`LedgerDatabase`; raises JobError."""
        self._db = LedgerDatabase(path, access)
        self.spans = SpanLedger(self._db)

    def transaction(self) -> AbstractContextManager[None]:
        """Write everything in the block at once, or nothing."""
        return self._db.transaction()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._db.close()

    # The job as a whole.

    def note(self, key: str, value: str) -> None:
        """Store a fact about the job."""
        self._db.do("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)

    def noted(self, key: str) -> str | None:
        """Return a fact about the job, ``None`` if it was never noted."""
        found = self._db.ask("SELECT value FROM meta WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def job(self) -> str:
        """Return the id of the job, which its files bear; made once."""
        found = self.noted("job")
        if found is None:
            found = secrets.token_hex(4)
            self.note("job", found)
        return found

    def run(self) -> int:
        """Return the number of the job's run, counted from 1."""
        return int(self.noted("run") or 0)

    def recover(self, out: str) -> None:
        """Take over from an earlier driver: its unfinished work counts as not begun.

        If the output folder is another one now, none of its files are there.
        """
        elsewhere = self.noted("out") not in (None, out)
        with self.transaction():
            self._db.do("UPDATE files SET state = 'pending' WHERE state = 'running'")
            self._db.do("UPDATE files SET state = 'cut' WHERE state = 'joining'")
            self._db.do("UPDATE spans SET state = 'pending' WHERE state = 'running'")
            if elsewhere:
                self._db.do("UPDATE files SET state = 'pending' WHERE state = 'staged'")
            self.note("out", out)
            self.note("run", str(self.run() + 1))
            for key in ("run_files", "run_bytes", "run_seconds"):
                self.note(key, "0")

    def finished(self, size: int, seconds: float) -> None:
        """Note that a recording of this size was finished this many seconds after the run began.

        So the rate does not depend on the wall clock.
        """
        self.note("run_files", str(int(self.noted("run_files") or 0) + 1))
        self.note("run_bytes", str(int(self.noted("run_bytes") or 0) + size))
        self.note("run_seconds", f"{seconds:.3f}")

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
        for source in self._db.ask(f"SELECT {_COLUMNS} FROM files {where}", *values):
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
        found = self._db.ask(
            "SELECT 1 FROM files WHERE output = ? AND source <> ?",
            os.fsencode(output),
            os.fsencode(by_other_than),
        )
        return bool(found)

    def plan(self, recording: InputFile, output: Path, settings: str) -> RecordingRow:
        """Note that a recording must be redacted, and return its row.

        The hash of an earlier output stays, so that blurcam knows its own file.
        """
        self._db.do(
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
        self._db.do("DELETE FROM spans WHERE file = ?", row.id)
        return row

    def running(self, number: int) -> None:
        """Note that a worker has the recording."""
        self._db.do("UPDATE files SET state = 'running' WHERE id = ?", number)

    def again(self, number: int, error: str, state: str = "pending") -> None:
        """Note a failed attempt, and the state from which the next one begins."""
        self._db.do(
            "UPDATE files SET state = ?, attempts = attempts + 1, error = ? WHERE id = ?",
            state,
            error,
            number,
        )

    def failed(self, number: int, error: str) -> None:
        """Note that the recording has failed, and why."""
        self._db.do(
            "UPDATE files SET state = 'failed', attempts = attempts + 1, error = ?, staged = NULL,"
            " finished_at = ? WHERE id = ?",
            error,
            time.time(),
            number,
        )

    def staged(
        self, number: int, values: dict[str, Any], thumbnails: Iterable[Thumbnail] = ()
    ) -> None:
        """Note that the redaction is complete under a temporary name; ``values`` are columns."""
        columns = ", ".join(f"{key} = ?" for key in values)
        # From here on a file of this SHA-256 is blurcam's: not even a power cut may undo that.
        with self._db.durable(), self._db.transaction():
            self._db.do(
                f"UPDATE files SET state = 'staged', attempts = attempts + 1, error = NULL,"
                f" {columns} WHERE id = ?",
                *values.values(),
                number,
            )
            self._db.do("DELETE FROM thumbnails WHERE file = ?", number)
            for each in thumbnails:
                self._db.do(
                    "INSERT INTO thumbnails VALUES (?, ?, ?, ?)",
                    number, each.time, each.why, each.jpeg,
                )  # fmt: skip

    def done(self, number: int) -> None:
        """Note, in a transaction, that the redaction has its final name."""
        self._db.do(
            "UPDATE files SET state = 'done', staged = NULL, finished_at = ? WHERE id = ?",
            time.time(),
            number,
        )
        self._db.do("DELETE FROM spans WHERE file = ?", number)

    def details(self, number: int) -> dict[str, Any]:
        """Return the columns of JSON: ``summary``, ``timeline`` and ``verification``."""
        names = ("summary", "timeline", "verification")
        found = self._db.ask(f"SELECT {', '.join(names)} FROM files WHERE id = ?", number)[0]
        return {
            name: None if text is None else json.loads(text)
            for name, text in zip(names, found, strict=True)
        }

    def review_steps(self, number: int) -> list[ReviewStep]:
        """Return what reviewers did to a recording, the first step first."""
        text = self.noted(f"review {number}")
        return [ReviewStep(**each) for each in json.loads(text or "[]")]

    def reviewed(self, number: int, steps: Iterable[ReviewStep]) -> None:
        """Write down what a reviewer did; what was written down before stays."""
        with self._db.durable(), self._db.transaction():
            known = [*self.review_steps(number), *steps]
            self.note(f"review {number}", json.dumps([each.to_values() for each in known]))

    def judged(self, number: int, verdict: str) -> None:
        """Write down another verdict of a redaction that stays as it is."""
        self._db.do("UPDATE files SET verdict = ? WHERE id = ?", verdict, number)

    def thumbnails(self, number: int) -> list[tuple[float, str, bytes]]:
        """Return small pictures of the redacted recording: (time, why, jpeg)."""
        return self._db.ask(
            "SELECT time, why, jpeg FROM thumbnails WHERE file = ? ORDER BY time", number
        )
