"""What is asked of workers: every attempt, of every run, writes to a name of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blurcam.batch.inputs import InputFile
from blurcam.batch.ledger import Ledger
from blurcam.batch.output_folder import OutputFolder, open_output
from blurcam.batch.task_maker import TaskItem, TaskMaker
from blurcam.settings.batch import Batch


@pytest.fixture
def job(tmp_path: Path) -> Iterator[tuple[Ledger, OutputFolder]]:
    with (
        closing(Ledger(tmp_path / "ledger.sqlite3")) as ledger,
        open_output(tmp_path / "out", ledger.job(), tmp_path) as output,
    ):
        ledger.recover(str(tmp_path / "out"))
        yield ledger, output


def test_a_task_of_an_earlier_run_that_still_works_writes_to_another_name(
    job: tuple[Ledger, OutputFolder],
) -> None:
    """As on a node that the killed driver can no longer call back."""
    ledger, output = job
    batch = Batch(out=output.root)
    row = ledger.plan(InputFile(Path("/in/a.mp4"), Path("a.mp4"), 1, 1), Path("a.mp4"), "s")
    names = set()
    for _ in range(3):
        made = TaskMaker(batch, ledger, output).make(TaskItem(row.id), row, 0, may_cut=True)
        names.add(made.task.config.output)
        ledger.recover(str(output.root))  # the next driver
    assert len(names) == 3
    assert all(each.name.startswith(output.prefix) for each in names)


def test_what_waits_in_one_output_folder_is_not_looked_for_in_another(
    job: tuple[Ledger, OutputFolder], tmp_path: Path
) -> None:
    ledger, _ = job
    row = ledger.plan(InputFile(Path("/in/a.mp4"), Path("a.mp4"), 1, 1), Path("a.mp4"), "s")
    ledger.staged(row.id, {"staged": "job-1-1-0-0.mp4", "output_sha256": "0" * 64})
    ledger.recover(str(tmp_path / "out"))
    assert ledger.row(row.id).state == "staged"
    ledger.recover(str(tmp_path / "another"))
    assert ledger.row(row.id).state == "pending"
