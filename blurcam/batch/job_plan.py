"""The plan of a job: what happens to each recording, and why, by its row in the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from blurcam.batch.events import JobEvent, JobPlanned, RecordingPlanned
from blurcam.batch.inputs import InputFile, SkippedInput
from blurcam.batch.ledger import Ledger, RecordingRow
from blurcam.batch.output_names import keeps_suffix, names_for, shown
from blurcam.errors import ConfigError
from blurcam.settings.batch import Batch


class JobPlan:
    """The plan of one run: exhaust :meth:`events`, then ``ids`` are the rows of its recordings."""

    def __init__(self, batch: Batch, settings: dict[str, object], ledger: Ledger) -> None:
        """Plan by these settings; ``settings`` are those that change an output."""
        self._batch = batch
        self._hash = settings_hash(settings)
        self._ledger = ledger
        self.ids: list[int] = []
        self.unchanged = 0

    def events(self, found: Iterable[InputFile | SkippedInput]) -> Iterator[JobEvent]:
        """Write the plan into the ledger; yield what is skipped, and last the plan."""
        ledger = self._ledger
        size = size_before = 0
        recordings: list[InputFile] = []
        for each in found:
            if isinstance(each, InputFile):
                recordings.append(each)
            else:
                yield each
        # If two outputs would have one name, the recording that keeps its suffix keeps its name.
        recordings.sort(key=lambda each: not keeps_suffix(each.place, is_picture=each.is_picture))
        with ledger.transaction():
            for recording in recordings:
                try:
                    planned = self._planned(recording)
                except ConfigError as exc:
                    yield SkippedInput(recording.path, str(exc))
                    continue
                yield planned
                self.ids.append(planned.row.id)
                self.unchanged += planned.is_done
                size += recording.size
                size_before += recording.size if planned.is_done else 0
        yield JobPlanned(len(self.ids), self.unchanged, size, size_before)

    def _planned(self, recording: InputFile) -> RecordingPlanned:
        """Return the plan for a recording, with its row."""
        ledger, names = (
            self._ledger,
            names_for(self._batch.name, recording.place, is_picture=recording.is_picture),
        )
        row = ledger.of(recording.path)
        why = self._why_anew(row, recording, names)
        if row is not None and why is None:
            if row.state == "done":
                return RecordingPlanned(row, is_done=True, why="done before")
            if row.state == "failed":
                return RecordingPlanned(row, is_done=True, why="failed before; add --retry-failed")
            return RecordingPlanned(row, is_done=False, why="goes on from where it was")
        free = (n for n in names if not ledger.is_taken(n, by_other_than=recording.path))
        output = next(free, None)
        if output is None:
            raise ConfigError(
                f'name: "{self._batch.name}" gives {shown(recording.place)} a name that another '
                "recording has; add {suffix} to it"
            )
        planned = ledger.plan(recording, output, self._hash)
        return RecordingPlanned(planned, is_done=False, why=why or "")

    def _why_anew(
        self, row: RecordingRow | None, recording: InputFile, names: tuple[Path, Path]
    ) -> str | None:
        """Return why a recording must be redacted anew, ``None`` if it need not."""
        if row is None:
            return "new"
        if (row.size, row.modified_ns) != (recording.size, recording.modified_ns):
            return "the recording changed"
        if row.settings != self._hash:
            return "settings or models changed"
        if row.output not in names:
            return "its output has another name now"
        if row.state == "done" and not self._is_there(row):
            return "its output is gone"
        if row.state == "failed" and self._batch.retry_failed:
            return "failed before"
        return None

    def _is_there(self, row: RecordingRow) -> bool:
        """Whether the output is in its place with its size."""
        try:
            return (self._batch.out / row.output).lstat().st_size == row.output_size
        except OSError:
            return False


def settings_hash(settings: dict[str, object]) -> str:
    """Return a hash that changes with any setting."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
