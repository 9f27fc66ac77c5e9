"""What there is to review: the recordings of a job, or one output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blurcam.batch.job_folder import LEDGER
from blurcam.batch.kept_regions import regions_name
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_folder import PRIVATE, REGIONS
from blurcam.batch.output_names import shown
from blurcam.batch.review_reasons import Moment, ReviewReason, doubts_of, reasons_of
from blurcam.batch.review_steps import ReviewStep
from blurcam.errors import ConfigError, JobError
from blurcam.review.edits import ReviewedFinding
from blurcam.sinks.picture import SUFFIXES as PICTURES

_BESIDE: Final = (".regions.jsonl", ".regions.jsonl.gz", ".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One recording to review: where its files are, and why somebody should look at it.

    ``digest`` is the SHA-256 that its output has.
    """

    number: int
    name: str
    source: Path | None
    output: Path
    regions: Path | None
    state: str
    verdict: str | None
    digest: str | None
    reasons: tuple[ReviewReason, ...] = ()
    doubts: tuple[Moment, ...] = ()
    findings: tuple[ReviewedFinding, ...] = ()
    steps: tuple[ReviewStep, ...] = ()


class JobQueue:
    """The recordings of a job, the most urgent first."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        """Review the job whose ledger lies here; ``folder`` is what the reviewer named."""
        self.title = shown(folder)
        self.job = ledger.parent
        with closing(Ledger(ledger, "read")) as opened:
            out = opened.noted("out")
        if out is None:
            raise JobError(f"{shown(folder)}: the job has not begun yet")
        self.out = Path(out)

    def items(self) -> list[ReviewItem]:
        """Return every recording that is done or failed."""
        from blurcam.batch.report.document import urgency

        with closing(Ledger(self.job / LEDGER, "read")) as ledger:
            rows = sorted(ledger.rows(), key=lambda row: (urgency(row), shown(row.output)))
            return [self._item(row, ledger) for row in rows if row.state in ("done", "failed")]

    def item(self, number: int) -> ReviewItem:
        """Return one recording; KeyError where there is none of that number."""
        for each in self.items():
            if each.number == number:
                return each
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


def findings_in(verification: dict[str, Any] | None) -> Iterator[ReviewedFinding]:
    """Yield what a verification took for faces."""
    for each in (verification or {}).get("seen", ()):
        yield ReviewedFinding(
            time=each["time"],
            until=each.get("until", 0.0),
            box=(each["x0"], each["y0"], each["x1"], each["y1"]),
            confidence=each["confidence"],
        )


def job_of(path: Path) -> Path | None:
    """Return the ledger of the job that a folder, or an output in one, is of."""
    places = [path, path / PRIVATE] if path.is_dir() else []
    places += [parent / PRIVATE for parent in path.absolute().parents]
    return next((each / LEDGER for each in places if (each / LEDGER).is_file()), None)


def regions_of(output: Path) -> Path | None:
    """Return the regions file that lies beside an output, by its name."""
    names = [base + end for base in (output.name, output.stem) for end in _BESIDE]
    paths = (output.with_name(name) for name in names)
    return next((path for path in paths if path.is_file()), None)


def refuse_pictures(output: Path) -> None:
    """Raise ConfigError for a picture, which is reviewed by looking at it."""
    if output.suffix.lower() in PICTURES:
        raise ConfigError(f"{output}: is a picture; review is for recordings")
