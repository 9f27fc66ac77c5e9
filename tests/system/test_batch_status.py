"""How a job stands: reasons and moments as the report has them, rates that no clock can spoil."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from blurcam.assess.verification import SeenFace, Verification, VerificationVerdict
from blurcam.batch.coverage_by_second import CoverageBySecond, CoveredSecond
from blurcam.batch.inputs import InputFile
from blurcam.batch.ledger import Ledger
from blurcam.batch.report.document import document_of
from blurcam.batch.tasks import RecordingRedacted
from blurcam.runs.summary import Summary
from tests.support.batches import batch, tree
from tests.support.program import blurcam


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A job with a recording that somebody should look at, and one that failed."""
    folder = tmp_path / "out" / ".blurcam"
    folder.mkdir(parents=True)
    with closing(Ledger(folder / "ledger.sqlite3")) as ledger:
        good = ledger.plan(InputFile(Path("/in/a.mp4"), Path("a.mp4"), 1, 1), Path("a.mp4"), "s")
        bad = ledger.plan(InputFile(Path("/in/b.mp4"), Path("b.mp4"), 1, 1), Path("b.mp4"), "s")
        summary = Summary(
            "0", "/in/a.mp4", "a.mp4", False, 100, 97, 2, 0, 0, 1, 3, "centerface", 0.27, 12,
            "blur", 4.0, 1.0, "0" * 64, "1" * 64, {"no answer": 2},
        )  # fmt: skip
        verification = Verification(
            "a.mp4", None, VerificationVerdict.REVIEW, "yunet", 24, 6, 6, 100, 4.0, 4, 1.0, 1.0,
            (SeenFace(2.5, 10, 20, 30, 50, 0.81),), 1, (), ("the input is damaged",),
        )  # fmt: skip
        timeline = CoverageBySecond(
            {n: CoveredSecond(25, 1, 2 if n in (1, 2) else 0) for n in range(4)}
        )
        done = RecordingRedacted(summary, timeline, 1000, verification)
        ledger.staged(good.id, done.columns())
        with ledger.transaction():
            ledger.done(good.id)
        ledger.failed(bad.id, "/in/b.mp4: is empty")
    return tmp_path / "out"


REASONS = [
    {"text": "1 frame lost", "moments": []},
    {"text": "2 frames fully covered: no answer", "moments": [{"time": 1.0}]},
    {
        "text": "the verifier sees 1 thing that looks like a face",
        "moments": [{"time": 2.5, "box": [10, 20, 30, 50], "confidence": 0.81}],
    },
    {"text": "the input is damaged", "moments": []},
]


def test_status_tells_the_reasons_and_moments_of_the_report(out: Path) -> None:
    told = blurcam("batch", "status", out, "--json")
    assert told.returncode == 3
    review, failed = json.loads(told.stdout)["recordings"]
    assert (failed["output"], failed["state"]) == ("b.mp4", "failed")
    assert (review["output"], review["verdict"]) == ("a.mp4", "review")
    assert review["reasons"] == REASONS
    with closing(Ledger(out / ".blurcam" / "ledger.sqlite3", "read")) as ledger:
        document = json.loads(json.dumps(document_of(ledger)))
    assert {e["output"]: e["reasons"] for e in document["files"]} == {
        each["output"]: each["reasons"] for each in (failed, review)
    }


def test_status_tells_people_why_and_when(out: Path) -> None:
    lines = blurcam("batch", "status", out).stdout.splitlines()
    assert lines[0] == "2 of 2 recordings: 0 done, 1 to look at, 1 failed"
    assert "look at: a.mp4" in lines
    assert "  2 frames fully covered: no answer: at 0:00:01" in lines
    assert (
        "  the verifier sees 1 thing that looks like a face: at 0:00:02.5, 10,20 to 30,50 (0.81)"
        in lines
    )
    assert "failed: /in/b.mp4: /in/b.mp4: is empty" in lines


def status(out: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(blurcam("batch", "status", out, "--json").stdout)
    return values


def test_a_clock_that_steps_changes_no_rate(tmp_path: Path) -> None:
    """The times of day in the ledger are years off; the rate is of seconds that were counted."""
    out = tmp_path / "out"
    assert batch(tree(tmp_path / "in", 2), "--out", out).returncode == 0
    before = status(out)
    assert 0 < before["files_a_minute"] < 600
    with closing(sqlite3.connect(out / ".blurcam" / "ledger.sqlite3")) as db:
        db.execute("UPDATE files SET finished_at = ?", (time.time() - 4e8,))
        db.commit()
    assert status(out) == before
