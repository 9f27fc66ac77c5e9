"""What an operator sees of a job: help, bars, a rehearsal; and what programs are spared or told."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from pathlib import Path

import pytest

from blurcam.batch.events import (
    JobPlanned,
    RecordingBegan,
    RecordingFinished,
    RecordingProgressed,
    RecordingRetried,
)
from blurcam.batch.ledger import RecordingRow
from blurcam.batch.tasks import TaskStep
from blurcam.commands.batch_progress import JobProgress
from tests.support.batches import (
    ALONE,
    QUICK,
    batch,
    clip,
    command,
    environment,
    events,
    last_line,
    tree,
)
from tests.support.program import blurcam


def on_a_terminal(*args: object) -> tuple[int, str]:
    """Run a job whose standard error is a terminal; return its exit code and what was shown."""
    ours, theirs = pty.openpty()
    job = subprocess.Popen(
        command("batch", *args, *QUICK, *ALONE), stderr=theirs, stdout=subprocess.DEVNULL,
        env=environment() | {"COLUMNS": "160", "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # its end, on Linux
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return job.wait(60), shown.decode()


def test_help_shows_the_options_of_a_job() -> None:
    for asked in (("--help",), ("-h",), ()):
        shown = blurcam("batch", *asked)
        assert shown.returncode == 0
        assert "--out" in shown.stdout
        assert "--verify" in shown.stdout
        assert "batch status DIR" in " ".join(shown.stdout.split())
        assert "--memory" not in shown.stdout
    assert "--memory" in blurcam("batch", "--help-all").stdout


def test_bars_show_how_much_is_done_of_how_much_while_verifying_too(tmp_path: Path) -> None:
    source = clip(tmp_path / "in" / "a.mp4", seconds=12.0)
    code, shown = on_a_terminal(source.parent, "--out", tmp_path / "out", "--verify", "--span", 0)
    assert code == 3  # too small for planted faces
    assert "redacting a.mp4: " in shown
    assert " of 12 s" in shown
    assert "verifying a.mp4: " in shown
    assert " to go" in shown
    assert "0 of 1 recording" in shown
    assert '{"' not in shown  # what is for programs


def test_quiet_says_nothing_where_nothing_went_wrong(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 1)
    (source / "notes.txt").write_text("not video")
    result = batch(source, "--out", tmp_path / "out", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    (source / "bad.mp4").write_bytes(b"no video")
    result = batch(source, "--out", tmp_path / "out", "--quiet")
    assert result.returncode == 3
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"blurcam: failed: {source / 'bad.mp4'}: ")


def test_programs_are_told_by_json_alone_where_they_ask_for_it(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 1), tmp_path / "out"
    result = batch(source, "--out", out, "--log-format", "json")
    assert all(line.startswith("{") for line in result.stderr.splitlines())
    assert last_line(result)["done"] == 1
    assert {each["event"] for each in events(result)} >= {"planned", "began", "finished"}
    again = batch(source, "--out", out, "--json", "--quiet")
    assert json.loads(again.stdout)["unchanged"] == 1
    assert again.stderr == ""


def test_a_rehearsal_tells_what_would_be_done_and_why_and_does_nothing(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 1), tmp_path / "out"
    clip(source / "changed.mp4")
    assert batch(source, "--out", out).returncode == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (source / "notes.txt").write_text("not video")
    clip(source / "changed.mp4", tone=90)
    clip(source / "new.mp4")
    old = clip(source / "old.mp4")
    os.utime(old, (time.time() - 40 * 86400,) * 2)
    month = time.strftime("%Y-%m-%d", time.localtime(time.time() - 30 * 86400))
    result = batch(source, "--out", out, "--dry-run", "--since", month)
    assert result.returncode == 0, result.stderr
    *lines, estimate = result.stdout.splitlines()
    assert sorted(lines) == sorted([
        f"leave: {source}/cam0/0.mp4: done before",
        f"redact: {source}/changed.mp4 to changed.mp4: the recording changed",
        f"redact: {source}/new.mp4 to new.mp4: new",
        f"skip: {source}/notes.txt: is neither video nor a picture, by its name; "
        "name it to have it tried",
        f"skip: {source}/old.mp4: is not of the time asked for",
        "2 recordings of 0.0 MB to redact, 1 to leave, 2 skipped",
    ])  # fmt: skip
    assert estimate.startswith("about ")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_rehearsal_of_a_first_job_makes_no_folder(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 2)
    (source / "bad.mp4").write_bytes(b"no video")
    result = batch(source, "--out", tmp_path / "out", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert "3 recordings of " in result.stdout
    assert "with 1 worker, by 2 samples" in result.stdout
    assert not (tmp_path / "out").exists()


def test_a_folder_without_any_recording_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("not video")
    result = batch(tmp_path / "in", "--out", tmp_path / "out")
    assert result.returncode == 2
    assert f"{tmp_path}/in: no recording there" in result.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_to_do_just_now_is_no_error(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 1)
    result = batch(source, "--out", tmp_path / "out", "--older-than", "30d")
    assert (result.returncode, last_line(result)["files"]) == (0, 0)
    assert "skipped" not in result.stderr
    empty = batch("-", "--null", "--out", tmp_path / "out2", stdin=b"")
    assert (empty.returncode, last_line(empty)["files"]) == (0, 0)


@pytest.mark.parametrize("text", ["30", "thirty days", "", "-3d"])
def test_a_length_of_time_without_a_unit_is_refused(text: str, tmp_path: Path) -> None:
    result = batch(tree(tmp_path / "in", 1), "--out", tmp_path / "out", f"--older-than={text}")
    assert result.returncode == 2
    assert "is no length of time; write 30d, 12h or 90m" in result.stderr


def row(number: int, size: int) -> RecordingRow:
    return RecordingRow(
        number, Path("/in/a.mp4"), Path("a.mp4"), size, 0, "", "running", 0, *[None] * 16
    )  # fmt: skip


def test_progress_counts_parts_of_recordings_under_way() -> None:
    progress = JobProgress(verifies=True)
    progress.learn(JobPlanned(files=3, done_before=1, size=400, size_before=100))
    assert progress.size_done == 100
    progress.learn(RecordingBegan(0, row(1, 200)))
    progress.learn(RecordingProgressed(0, row(1, 200), TaskStep("redacting", 5.0, 10.0)))
    assert progress.size_done == 100 + 200 * 0.75 / 2
    progress.learn(RecordingProgressed(0, row(1, 200), TaskStep("verifying", 5.0, 10.0)))
    assert progress.size_done == 100 + 200 * 0.875
    progress.learn(RecordingRetried(row(1, 200), "its worker died"))
    assert progress.size_done == 100
    progress.learn(RecordingBegan(0, row(1, 200)))
    progress.learn(RecordingFinished(row(1, 200)))
    assert progress.size_done == 300
    assert str(progress).startswith("2 of 3 recordings, 0.0 of 0.0 MB, ")


def test_progress_counts_spans_by_their_share() -> None:
    progress = JobProgress()
    progress.learn(JobPlanned(files=1, done_before=0, size=1000, size_before=0))
    progress.learn(RecordingBegan(0, row(1, 1000), ", span 1 of 2", 0.5))
    progress.learn(RecordingBegan(1, row(1, 1000), ", span 2 of 2", 0.4))
    progress.learn(RecordingProgressed(1, row(1, 1000), TaskStep("redacting", 1.0, 4.0)))
    assert progress.size_done == 100
    progress.learn(RecordingBegan(0, row(1, 1000), ", joining", 0.1))  # so the first span is done
    assert progress.size_done == 600
    progress.learn(RecordingFinished(row(1, 1000)))
    assert progress.size_done == 1000
