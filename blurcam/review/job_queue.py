"""The recordings of a job, to be reviewed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from blurcam.batch.job_folder import LEDGER
from blurcam.batch.kept_regions import regions_name
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import PRIVATE, REGIONS
from blurcam.batch.output_names import shown
from blurcam.batch.report.document import urgency
from blurcam.batch.review_reasons import doubts_of, reasons_of
from blurcam.batch.review_steps import ReviewStep
from blurcam.batch.tasks import TaskStep
from blurcam.errors import JobError
from blurcam.review.applying import apply_to_job
from blurcam.review.edits import ReviewEdits
from blurcam.review.review_queue import ReviewItem, findings_in


class JobQueue:
    """The recordings of a job, the most urgent first."""

    def __init__(self, folder: Path, ledger: Path, key: Path | None = None) -> None:
        """Review the job whose ledger lies here; ``folder`` is what the reviewer named.

        Its report is signed with ``key``.
        """
        self.title = shown(folder)
        self._key = key
        self.job = ledger.parent
        with closing(Ledger(ledger, "read")) as opened:
            out = opened.noted("out")
        if out is None:
            raise JobError(f"{shown(folder)}: the job has not begun yet")
        # A tree that was moved as a whole still has its ledger in it.
        self.out = ledger.parent.parent if ledger.parent.name == PRIVATE else Path(out)

    def items(self) -> list[ReviewItem]:
        """Return every recording that is done or failed."""
        with closing(Ledger(self.job / LEDGER, "read")) as ledger:
            rows = sorted(ledger.rows(), key=lambda row: (urgency(row), shown(row.output)))
            return [self._item(row, ledger) for row in rows if row.state in ("done", "failed")]

    def item(self, number: int) -> ReviewItem:
        """Return one recording; KeyError where there is none of that number."""
        with closing(Ledger(self.job / LEDGER, "read")) as ledger:
            for row in ledger.in_state("done", "failed"):
                if row.id == number:
                    return self._item(row, ledger)
        raise KeyError(number)

    def _item(self, row: RecordingRow, ledger: Ledger) -> ReviewItem:
        details = ledger.details(row.id)
        regions = None
        if row.output_sha256 is not None:
            path = self.out / PRIVATE / REGIONS / regions_name(row.id, row.output_sha256)
            regions = path if path.exists() else None
        return ReviewItem(
            row.id,
            shown(row.output),
            row.source,
            self.out / row.output,
            regions,
            row.state,
            row.verdict,
            row.output_sha256,
            tuple(reasons_of(row, details)),
            tuple(doubts_of(details)) if row.state == "done" else (),
            tuple(findings_in(details["verification"])),
            tuple(ledger.review_steps(row.id)),
        )

    def note(self, item: ReviewItem, steps: Sequence[ReviewStep]) -> None:
        """Put steps of a review on record; raises JobError."""
        if steps:
            with closing(Ledger(self.job / LEDGER)) as ledger:
                ledger.reviewed(item.number, steps)

    def apply(self, item: ReviewItem, edits: ReviewEdits) -> Iterator[TaskStep]:
        """Apply saved edits to the output; yield steps. Raises BlurcamError; then it stays."""
        return apply_to_job(self.job, self.out, item, edits, self._key)


def job_of(path: Path) -> Path | None:
    """Return the ledger of the job that a folder, or an output in one, is of."""
    places = [path, path / PRIVATE] if path.is_dir() else []
    places += [parent / PRIVATE for parent in path.absolute().parents]
    return next((each / LEDGER for each in places if (each / LEDGER).is_file()), None)
