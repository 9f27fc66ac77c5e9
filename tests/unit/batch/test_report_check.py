"""A report is checked: every field and every file that blurcam did not write is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blurcam.batch.coverage_by_second import CoverageBySecond, CoveredSecond
from blurcam.batch.inputs import InputFile
from blurcam.batch.ledger import Ledger
from blurcam.batch.output_folder import OutputFolder, open_output
from blurcam.batch.report.check import file_faults, read_report, report_faults
from blurcam.batch.report.document import write_report
from blurcam.batch.tasks import RecordingRedacted
from blurcam.errors import ConfigError
from blurcam.runs.summary import Summary


class Job:
    """A job's ledger and output, with a recording that is done and one that failed."""

    def __init__(self, ledger: Ledger, output: OutputFolder) -> None:
        self.ledger, self.output, self.root = ledger, output, output.root
        self.redact("cam/a.mp4", b"redacted")
        failed = ledger.plan(recording("cam/b.mp4"), Path("cam/b.mp4"), "settings")
        ledger.failed(failed.id, "is empty")
        self.write()

    def redact(self, place: str, content: bytes) -> None:
        """Redact a recording, as a job does, into these bytes."""
        row = self.ledger.plan(recording(place), Path(place), "settings")
        digest = hashlib.sha256(content).hexdigest()
        staged = f"{self.output.prefix}{row.id}"
        (self.output.work / staged).write_bytes(content)
        summary = Summary(
            "0", str(row.source), staged, True, 25, 25, 0, 0, 0, 0, 1, "centerface", 0.27, 12,
            "blur", 1.0, 1.0, "a" * 64, digest,
        )  # fmt: skip
        timeline = CoverageBySecond({0: CoveredSecond(25, 1, 0)})
        done = RecordingRedacted(summary, timeline, len(content))
        self.ledger.staged(row.id, done.columns())
        self.output.publish(staged, row.output, digest, row.replaces)
        with self.ledger.transaction():
            self.ledger.done(row.id)

    def write(self) -> None:
        write_report(self.ledger, self.output)

    def faults(self) -> list[str]:
        path = self.root / "report.json"
        return list(report_faults(path, read_report(path), None))

    def file_faults(self) -> list[str]:
        return list(file_faults(read_report(self.root / "report.json"), self.root))


def recording(place: str, size: int = 1) -> InputFile:
    return InputFile(Path("/in") / place, Path(place), size, 1)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    folder = tmp_path / "ledger"
    folder.mkdir()
    with (
        closing(Ledger(folder / "ledger.sqlite3")) as ledger,
        open_output(tmp_path / "out", ledger.job(), folder) as output,
    ):
        yield Job(ledger, output)


def test_what_nobody_changed_has_no_fault(job: Job) -> None:
    assert job.faults() == []
    assert job.file_faults() == []


def test_files_that_the_report_does_not_know_are_named(job: Job) -> None:
    (job.root / "cam" / "raw.mp4").write_bytes(b"raw")
    (job.root / "cam" / "b.mp4").write_bytes(b"of the recording that failed")
    (job.root / "folder").mkdir()
    (job.root / "link").symlink_to("/etc")
    (job.root / ".blurcam" / "own").write_bytes(b"kept by blurcam")
    assert job.file_faults() == [
        f"{name} is not in the report" for name in ("link", "cam/b.mp4", "cam/raw.mp4")
    ]


def test_many_unknown_files_are_counted(job: Job) -> None:
    for n in range(60):
        (job.root / f"{n:02}.txt").touch()
    found = job.file_faults()
    assert len(found) == 51
    assert found[-1] == "10 more files not in the report"


def test_an_output_that_was_changed_is_gone_or_is_a_link_is_named(job: Job) -> None:
    output = job.root / "cam" / "a.mp4"
    output.write_bytes(b"other")
    assert job.file_faults() == ["cam/a.mp4 was changed"]
    output.unlink()
    assert job.file_faults() == ["cam/a.mp4 cannot be read: it is not there"]
    (job.root.parent / "elsewhere").write_bytes(b"redacted")
    output.symlink_to(job.root.parent / "elsewhere")
    assert job.file_faults() == ["cam/a.mp4 cannot be read: Too many levels of symbolic links"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"page_sha256"', '"note": "approved", "page_sha256"', "does not write: note"),
        ('"by": "blurcam"', '"by": "blurcam", "dpo": 1', "does not write: header.dpo"),
        ('"tracks": 1', '"tracks": 1, "ok": true', "does not write: files.1.ok"),
        ('"of": "output"', '"of": "input, too"', "field files.1.hashes.0.of is not as"),
        ('"tracks": 1', '"tracks": "1"', "field files.1.tracks is not as"),
    ],
)
def test_fields_that_blurcam_does_not_write_are_named(
    job: Job, old: str, new: str, fault: str
) -> None:
    path = job.root / "report.json"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    assert any(fault in each for each in job.faults()), job.faults()


def test_a_field_that_stands_twice_is_no_report(job: Job) -> None:
    path = job.root / "report.json"
    path.write_text(path.read_text().replace('"tracks": 1', '"tracks": 9, "tracks": 1'))
    with pytest.raises(ConfigError, match="a field stands twice"):
        job.faults()


def test_an_entry_says_what_each_hash_is_of(job: Job) -> None:
    digest = hashlib.sha256(b"redacted").hexdigest()
    assert hashes(job) == [{"of": "output", "sha256": digest}, {"of": "input", "sha256": "a" * 64}]
    row = job.ledger.plan(recording("cam/a.mp4", size=2), Path("cam/a.mp4"), "settings")
    job.ledger.failed(row.id, "is no video any more")
    job.write()
    # What still has the name is not of this recording.
    assert hashes(job) == [{"of": "earlier output", "sha256": digest}]
    assert job.file_faults() == []
    (job.root / "cam" / "a.mp4").write_bytes(b"other")
    assert job.file_faults() == ["cam/a.mp4 was changed"]
    (job.root / "cam" / "a.mp4").unlink()
    assert job.file_faults() == []


def hashes(job: Job) -> list[dict[str, str]]:
    files = json.loads((job.root / "report.json").read_text())["files"]
    found: list[dict[str, str]] = next(e["hashes"] for e in files if e["output"] == "cam/a.mp4")
    return found


def test_a_report_whose_writer_was_killed_is_blurcams_and_is_written_again(job: Job) -> None:
    (job.root / "report.html").unlink()  # it gets its name last
    assert job.faults() == ["its page, report.html, is missing"]
    job.write()
    assert job.faults() == []


def test_a_report_of_the_format_before_is_still_checked(job: Job) -> None:
    from blurcam.batch.report.hash_chain import chained, sealed

    entry = {"output": "cam/a.mp4", "state": "done", "output_sha256": "0" * 64}
    old = chained({"by": "blurcam", "format": 1}, [entry])
    page = (job.root / "report.html").read_bytes()
    (job.root / "report.json").write_text(json.dumps(sealed(old, page, None)))
    assert job.faults() == []
    assert job.file_faults() == ["cam/a.mp4 was changed"]
