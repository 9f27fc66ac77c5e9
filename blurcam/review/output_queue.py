"""One output to review that is of no job, and the record of its review beside it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from blurcam.batch.output_names import REVIEW, shown
from blurcam.batch.report.hash_chain import link
from blurcam.batch.review_reasons import verifier_reasons
from blurcam.batch.review_steps import ReviewStep
from blurcam.batch.tasks import RecordingRedacted, TaskStep
from blurcam.errors import ConfigError, SinkWriteError
from blurcam.review.edits import ReviewEdits
from blurcam.review.judging import judged_by_person
from blurcam.review.redrawing import RedrawTask, redraw
from blurcam.review.review_queue import ReviewItem, findings_in, refuse_pictures, regions_of
from blurcam.review.review_words import steps_of
from blurcam.runtime.files import sha256_of, sync_folder, write_file

_FORMAT: Final = 1
_BEFORE: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """What reviewers did to an output, as it lies beside it: a chain, so that changes show."""

    steps: tuple[ReviewStep, ...] = ()
    verdict: str | None = None
    verification: dict[str, Any] | None = None
    drawn: str = ""
    digest: str = field(default="")

    @classmethod
    def read(cls, path: Path) -> ReviewRecord:
        """Read the record; raises ConfigError for one that was changed by another hand."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            head = _BEFORE
            for each in values["steps"]:
                head = link(head, {k: v for k, v in each.items() if k != "hash"})
                if head != each.pop("hash"):
                    raise ConfigError(f"{path}: was changed after blurcam wrote it")
            steps = tuple(ReviewStep(**each) for each in values["steps"])
            return cls(steps, values["verdict"], values["verification"], values["drawn"],
                       values["digest"])  # fmt: skip
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise ConfigError(f"{path}: is no record of a review: {exc}") from exc

    def write(self, path: Path) -> None:
        """Write the record at once or not at all; raises SinkWriteError."""
        head, steps = _BEFORE, []
        for each in self.steps:
            head = link(head, each.to_values())
            steps.append(each.to_values() | {"hash": head})
        values = {"by": "blurcam", "format": _FORMAT, "steps": steps, "verdict": self.verdict,
                  "verification": self.verification, "drawn": self.drawn,
                  "digest": self.digest}  # fmt: skip
        try:
            write_file(path, (json.dumps(values, indent=1) + "\n").encode())
        except OSError as exc:
            raise SinkWriteError(f"{path}: cannot be written: {exc.strerror}") from exc


class OutputQueue:
    """A queue of one output."""

    def __init__(self, output: Path, source: Path | None, regions: Path | None) -> None:
        """Review ``output``, which was made from ``source`` with these ``regions``.

        Raises ConfigError where there is nothing to review.
        """
        refuse_pictures(output)
        if not output.is_file():
            raise ConfigError(f"{output}: there is no job and no output here")
        self._regions = regions or regions_of(output)
        if self._regions is None:
            raise ConfigError(
                f"{output}: its regions are not beside it; name the file that blurcam run "
                "--regions wrote with --regions"
            )
        self.title = shown(output.name)
        self._output, self._source = output.absolute(), source
        self._known: tuple[tuple[int, int], str] | None = None

    @property
    def _path(self) -> Path:
        return self._output.with_name(self._output.name + REVIEW)

    def items(self) -> list[ReviewItem]:
        """Return the one output."""
        record = ReviewRecord.read(self._path)
        is_ours = record.digest == self._digest()
        found = record.verification if is_ours else None
        reasons = tuple(verifier_reasons(found or {})) if record.verdict == "review" else ()
        return [
            ReviewItem(
                1, self.title, self._source, self._output, self._regions, "done",
                record.verdict if is_ours else None, self._digest(), reasons,
                findings=tuple(findings_in(found)), steps=record.steps,
            )
        ]  # fmt: skip

    def item(self, number: int) -> ReviewItem:
        """Return the one output; KeyError for another number."""
        if number != 1:
            raise KeyError(number)
        return self.items()[0]

    def _digest(self) -> str:
        stat = self._output.stat()
        stamp = stat.st_size, stat.st_mtime_ns
        if self._known is None or self._known[0] != stamp:
            self._known = stamp, sha256_of(self._output)
        return self._known[1]

    def note(self, item: ReviewItem, steps: Sequence[ReviewStep]) -> None:
        """Put steps of a review on record; raises SinkWriteError."""
        del item
        if steps:
            record = ReviewRecord.read(self._path)
            replace(record, steps=(*record.steps, *steps)).write(self._path)

    def apply(self, item: ReviewItem, edits: ReviewEdits) -> Iterator[TaskStep]:
        """Apply saved edits to the output; yield steps. Raises BlurcamError; then it stays."""
        record = ReviewRecord.read(self._path)
        is_drawn = record.digest == item.digest and record.drawn == edits.drawn_sha256
        if is_drawn and record.verification is not None:
            digest = item.digest or ""
            verdict = judged_by_person(record.verification, item, edits)
            steps = (*record.steps, *steps_of(edits, digest, digest))
            replace(record, steps=steps, verdict=verdict).write(self._path)
            return
        if item.source is None or item.regions is None:
            raise ConfigError(f"{item.name}: name the recording with --input")
        stem = f".{self._output.stem}.review-{secrets.token_hex(4)}"
        target = self._output.with_name(stem + self._output.suffix)
        try:
            for made in redraw(RedrawTask(1, item.source, target, item.regions, edits)):
                if isinstance(made, TaskStep):
                    yield made
                else:
                    self._publish(target, made, item, edits, record)
        finally:
            target.unlink(missing_ok=True)

    def _publish(
        self, target: Path, made: RecordingRedacted, item: ReviewItem, edits: ReviewEdits,
        record: ReviewRecord,
    ) -> None:  # fmt: skip
        assert made.verification is not None
        found, after = made.verification.to_values(), made.summary.output_sha256
        steps = (*record.steps, *steps_of(edits, item.digest or "", after))
        verdict = judged_by_person(found, item, edits)
        ReviewRecord(steps, verdict, found, edits.drawn_sha256, after).write(self._path)
        try:
            target.replace(self._output)
            sync_folder(self._output.parent)
        except OSError as exc:
            raise SinkWriteError(f"{self._output}: cannot be written: {exc.strerror}") from exc
