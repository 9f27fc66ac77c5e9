"""The root of a redacted tree: one job's alone, and nobody's way out of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from blurcam.batch.job_folder import locked
from blurcam.batch.output_folder import OutputFolder, open_output
from blurcam.errors import JobError, SinkOpenError, SinkWriteError

REDACTED = b"redacted"
DIGEST = hashlib.sha256(REDACTED).hexdigest()


@pytest.fixture
def output(tmp_path: Path) -> Iterator[OutputFolder]:
    with open_output(tmp_path / "out", "1a2b", tmp_path / "ledger") as opened:
        (opened.work / "job-1a2b-staged").write_bytes(REDACTED)
        yield opened


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def publish(output: OutputFolder, place: str = "cam/a.mp4", replaces: str | None = None) -> None:
    output.publish("job-1a2b-staged", Path(place), DIGEST, replaces)


def test_a_redaction_gets_its_name_and_leaves_no_other(output: OutputFolder) -> None:
    publish(output)
    assert (output.root / "cam" / "a.mp4").read_bytes() == REDACTED
    assert list(output.work.iterdir()) == []
    publish(output)  # this very step again: it was cut short


def test_what_was_swapped_before_it_was_published_gets_no_name(output: OutputFolder) -> None:
    (output.work / "job-1a2b-staged").write_bytes(b"another recording")
    with pytest.raises(SinkWriteError, match="was changed before it got this name"):
        publish(output)
    assert not (output.root / "cam" / "a.mp4").exists()


def test_what_disappeared_is_said_to_have(output: OutputFolder) -> None:
    output.remove("job-1a2b-staged")
    with pytest.raises(SinkWriteError, match="has disappeared"):
        publish(output)


def test_only_an_earlier_redaction_is_replaced(output: OutputFolder) -> None:
    final = output.root / "a.mp4"
    final.write_bytes(b"mine")
    with pytest.raises(SinkOpenError, match="blurcam did not write it"):
        publish(output, "a.mp4")
    assert final.read_bytes() == b"mine"
    publish(output, "a.mp4", hashlib.sha256(b"mine").hexdigest())
    assert final.read_bytes() == REDACTED


def test_a_fifo_under_the_final_name_does_not_hold_the_job(output: OutputFolder) -> None:
    os.mkfifo(output.root / "a.mp4")
    with pytest.raises(SinkOpenError, match="blurcam did not write it"):
        publish(output, "a.mp4")


def test_without_hard_links_it_works_the_same(
    output: OutputFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    (output.root / "mine.mp4").write_bytes(b"mine")
    with pytest.raises(SinkOpenError, match="blurcam did not write it"):
        publish(output, "mine.mp4")
    publish(output)
    assert (output.root / "cam" / "a.mp4").read_bytes() == REDACTED


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    output: OutputFolder, tmp_path: Path
) -> None:
    output.prepare(Path("cam/a.mp4"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (output.root / "cam").rmdir()
    (output.root / "cam").symlink_to(elsewhere)
    with pytest.raises(SinkOpenError, match="is a symbolic link"):
        publish(output)
    assert list(elsewhere.iterdir()) == []


def test_a_folder_put_in_the_place_of_blurcams_own_is_not_published_from(
    output: OutputFolder,
) -> None:
    (output.root / ".blurcam").rename(output.root / "moved")
    output.work.mkdir(parents=True)
    (output.work / "job-1a2b-staged").write_bytes(b"planted")
    publish(output)
    assert (output.root / "cam" / "a.mp4").read_bytes() == REDACTED


@pytest.mark.parametrize("place", ["../a.mp4", "a/../../b.mp4", "/etc/a.mp4"])
def test_no_place_leads_out(output: OutputFolder, place: str) -> None:
    with pytest.raises(SinkOpenError, match="leads out of"):
        output.prepare(Path(place))
    with pytest.raises(SinkOpenError, match="leads out of"):
        publish(output, place)


def test_a_job_sweeps_its_own_files_alone(output: OutputFolder) -> None:
    for name in ("job-1a2b-2-0-0.mp4", ".job-1a2b-3-0-0.mp4.part", "job-9f9f-2-0-0.mp4", "1-0-0"):
        (output.work / name).touch()
    output.sweep({"job-1a2b-staged"})
    assert names(output.work) == ["1-0-0", "job-1a2b-staged", "job-9f9f-2-0-0.mp4"]


def test_files_beside_the_redactions_are_replaced_together_or_not_at_all(
    output: OutputFolder,
) -> None:
    output.replace({"a": b"1", "b": b"1"})
    (output.root / ".b.part").mkdir()  # so that it cannot be written
    with pytest.raises(SinkWriteError):
        output.replace({"a": b"2", "b": b"2"})
    assert [output.read("a"), output.read("b")] == [b"1", b"1"]
    assert names(output.root) == [".b.part", ".blurcam", "a", "b"]


def test_the_tree_of_one_job_is_refused_to_another(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        with open_output(out, "first", tmp_path / "a"):
            pass
    theirs = f"another job, whose ledger is in {tmp_path}/a on "
    with pytest.raises(JobError, match=theirs), open_output(out, "second", tmp_path / "b"):
        pass
    with open_output(out, "new", tmp_path / "a"):  # a ledger that was begun anew in its place
        pass
    (out / ".blurcam" / "job").unlink()  # what the text says to do where that ledger is lost
    with open_output(out, "second", tmp_path / "b"):
        assert json.loads((out / ".blurcam" / "job").read_text())["job"] == "second"


def test_two_jobs_with_ledgers_of_their_own_lock_the_tree_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = rf"{out}/.blurcam: is in use by blurcam batch, process {os.getpid()}"
    with (
        locked(tmp_path / "a", out),
        pytest.raises(JobError, match=told),
        locked(tmp_path / "b", out),
    ):
        pass
    with locked(out / ".blurcam", out):  # one folder, one lock
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("name", [".blurcam", ".blurcam/work"])
def test_a_folder_of_another_account_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    os.chown(tmp_path / name, 12345, 12345)
    with (
        pytest.raises(JobError, match="belongs to another account"),
        open_output(tmp_path, "1a2b", tmp_path / "ledger"),
    ):
        pass


def test_what_is_not_finished_is_closed_to_other_accounts(tmp_path: Path) -> None:
    work = tmp_path / ".blurcam" / "work"
    work.mkdir(parents=True)
    work.chmod(0o777)
    with open_output(tmp_path, "1a2b", tmp_path / "ledger"):
        assert work.stat().st_mode & 0o022 == 0
