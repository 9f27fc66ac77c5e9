"""The ledger's rows of spans: what happened to each span of a recording that was cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blurcam.batch.ledger_database import LedgerDatabase


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span as JSON, with the name of its packet file and its result once it is redacted."""

    number: int
    span: str
    state: str
    attempts: int
    packets: str | None
    result: str | None


class SpanLedger:
    """The rows of spans. A span goes pending → running → done, with its recording's state "cut"."""

    def __init__(self, database: LedgerDatabase) -> None:
        """Work on the ledger's own database."""
        self._db = database

    def of(self, file: int) -> list[SpanRow]:
        """Return the spans of a recording, in order; none if it is not cut."""
        found = self._db.ask(
            "SELECT number, span, state, attempts, packets, result FROM spans WHERE file = ?"
            " ORDER BY number",
            file,
        )
        return [SpanRow(*each) for each in found]

    def cut(self, file: int, spans: Iterable[str]) -> None:
        """Note the spans, as JSON, in which the recording is redacted."""
        with self._db.transaction():
            self._db.do("DELETE FROM spans WHERE file = ?", file)
            for number, span in enumerate(spans):
                self._db.do(
                    "INSERT INTO spans (file, number, span) VALUES (?, ?, ?)", file, number, span
                )
            self._db.do("UPDATE files SET state = 'cut' WHERE id = ?", file)

    def uncut(self, file: int, error: str) -> None:
        """Note that the recording must be redacted in one piece, and why."""
        with self._db.transaction():
            self._db.do("DELETE FROM spans WHERE file = ?", file)
            self._db.do("UPDATE files SET state = 'pending', error = ? WHERE id = ?", error, file)

    def joining(self, file: int) -> None:
        """Note that a worker joins the spans."""
        self._db.do("UPDATE files SET state = 'joining' WHERE id = ?", file)

    def running(self, file: int, number: int) -> None:
        """Note that a worker has the span."""
        self._set(file, number, "state = 'running'")

    def again(self, file: int, number: int) -> None:
        """Note a failed attempt at the span."""
        self._set(file, number, "state = 'pending', attempts = attempts + 1")

    def pending(self, file: int, number: int) -> None:
        """Note that the span must be redacted again; this is not counted as an attempt."""
        self._set(file, number, "state = 'pending', packets = NULL, result = NULL")

    def done(self, file: int, number: int, packets: str, result: str) -> None:
        """Note that the span is redacted, and that its packets are in ``packets``."""
        self._set(file, number, "state = 'done', packets = ?, result = ?", packets, result)

    def _set(self, file: int, number: int, columns: str, *values: str) -> None:
        self._db.do(
            f"UPDATE spans SET {columns} WHERE file = ? AND number = ?", *values, file, number
        )
