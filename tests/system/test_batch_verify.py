"""Jobs that verify: an output that does not stand up never gets its name."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from blurcam.assess.verification import Verification, VerificationVerdict
from blurcam.batch.coverage_by_second import CoverageBySecond
from blurcam.batch.events import RecordingFinished
from blurcam.batch.inputs import InputFile
from blurcam.batch.ledger import Ledger
from blurcam.batch.output_folder import open_output
from blurcam.batch.scheduler import Scheduler
from blurcam.batch.tasks import RecordingRedacted, RedactRecording
from blurcam.runs.summary import Summary
from blurcam.settings.batch import Batch
from blurcam.settings.recording import Config
from tests.support.batches import batch, last_line, outputs, rows, tree

MALFORMED = Path(os.environ.get("BLURCAM_EVAL_DATA", "/nowhere")) / "malformed"


def test_an_output_that_fails_never_gets_its_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        closing(Ledger(tmp_path / "ledger")) as ledger,
        open_output(out, ledger.job(), tmp_path) as output,
    ):
        work = output.work
        recording = InputFile(tmp_path / "in.mp4", Path("in.mp4"), 1, 1)
        row = ledger.plan(recording, Path("in.mp4"), "settings")
        (work / "1-0-0.mp4").write_bytes(b"redacted")
        summary = Summary(
            "0", "in.mp4", str(work / "1-0-0.mp4"), True, 1, 1, 0, 0, 0, 0, 0, "centerface", 0.2,
            12, "blur", 1.0, 1.0, "0" * 64, "0" * 64,
        )  # fmt: skip
        verification = Verification(
            "out", None, VerificationVerdict.FAIL, "mediapipe", 24, 6, 6, 1, 1.0, 1, 1.0, 0.0,
            problems=("has 1 frame, and the input 2",),
        )  # fmt: skip
        outcome = RecordingRedacted(summary, CoverageBySecond(), 8, verification)
        dispatch = Scheduler(Batch(out), ledger, output, [row.id])
        event = dispatch._redacted(row, outcome)  # noqa: SLF001 - what no real redaction comes to
        assert isinstance(event, RecordingFinished)
        assert event.row.state == "failed"
        assert event.row.error == "its output does not pass: has 1 frame, and the input 2"
    assert outputs(out) == {}
    assert RedactRecording(1, Config(Path("a.mp4"), Path("b.mp4"))).verify is False


def test_a_verified_job_keeps_its_verdicts(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 2, seconds=1.0), tmp_path / "out"
    result = batch(source, "--out", out, "--verify")
    assert last_line(result)["failed"] == 0, result.stderr
    kept = rows(out)
    # The pictures are too small for faces to be planted: that proves nothing, and is said.
    assert [row["verdict"] for row in kept] == ["review", "review"]
    assert [row["exposure_s"] for row in kept] == [0.0, 0.0]
    assert result.returncode == 3


@pytest.mark.slow
@pytest.mark.skipif(not MALFORMED.is_dir(), reason="BLURCAM_EVAL_DATA is not set")
def test_broken_recordings_end_in_a_reason_or_a_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = batch(MALFORMED, "--out", out, "--stall", 300)
    assert result.returncode == 3, result.stderr[-2000:]
    for row in rows(out):
        assert row["state"] in ("done", "failed")
        assert (row["error"] is None) == (row["state"] == "done")
        assert "internal error" not in (row["error"] or "")
        assert "its worker" not in (row["error"] or ""), row["source"]
    done = sum(row["state"] == "done" for row in rows(out))
    assert len(outputs(out)) == done > 20


@pytest.mark.slow
def test_two_hundred_small_recordings(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 190)
    for n in range(10):
        folder = source / "deep" / "\n".join("abc"[: n % 4]) / str(n)
        folder.mkdir(parents=True)
        name = b"\xff\xfe odd " + str(n).encode() + b".mp4"
        path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - bytes
        os.link(source / "cam0" / "0.mp4", path)
    out = tmp_path / "out"
    result = batch(source, "--out", out)
    assert (result.returncode, last_line(result)["done"]) == (0, 200), result.stderr[-2000:]
    assert len(outputs(out)) == 200
    assert len(set(outputs(out).values())) == 1
    with closing(sqlite3.connect(out / ".blurcam" / "ledger.sqlite3")) as db:
        assert db.execute("SELECT COUNT(DISTINCT output) FROM files").fetchone() == (200,)
