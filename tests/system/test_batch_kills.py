"""Drivers and workers killed at any moment: nothing is lost, done twice, or half done under a name.

That no partial file is ever under a final name was seen to fail with the staging taken out: workers
that write to the final name at once leave files which the uninterrupted run does not make.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from tests.support.batches import (
    ALONE,
    QUICK,
    batch,
    begin,
    command,
    environment,
    last_line,
    outputs,
    rows,
    tree,
    until,
    workers_of,
)
from tests.support.program import blurcam

FILES = 4


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("kills") / "in", FILES, seconds=1.0)


class Moments:
    """Moments to kill at, by the length of a job that nobody kills; the same in every run.

    A job that ends before its moment tells how long it takes now.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._chosen = random.Random(6)
        self.length = 0.0

    def next(self) -> float:
        if not self.length:
            self.measure()
        return self._chosen.uniform(0.05, 0.95) * self.length

    def measure(self) -> None:
        with TemporaryDirectory() as folder:
            began = time.monotonic()
            job = begin(self._source, "--out", Path(folder) / "out")
            job.communicate(timeout=600)
            self.length = time.monotonic() - began


@pytest.fixture(scope="module")
def moments(source: Path) -> Moments:
    return Moments(source)


@pytest.fixture(scope="module")
def uninterrupted(source: Path) -> dict[str, bytes]:
    out = source.parent / "uninterrupted"
    result = batch(source, "--out", out, "--jobs", 1)
    assert result.returncode == 0, result.stderr
    return outputs(out)


def kill_driver(source: Path, out: Path, after: float) -> bool:
    """Run the job, kill its driver after so many seconds; whether it was killed before its end."""
    job = begin(source, "--out", out)
    try:
        job.wait(after)
    except subprocess.TimeoutExpired:
        job.kill()
    job.wait(60)
    assert job.stderr is not None
    job.stderr.close()
    return job.returncode == -signal.SIGKILL


def check_names(out: Path, uninterrupted: dict[str, bytes]) -> None:
    """Whatever has a final name is whole."""
    for name, content in outputs(out).items():
        assert content == uninterrupted[name], name


def finish(source: Path, out: Path, uninterrupted: dict[str, bytes]) -> None:
    result = batch(source, "--out", out)
    assert result.returncode == 0, result.stderr
    assert outputs(out) == uninterrupted
    assert [row["state"] for row in rows(out)] == ["done"] * FILES
    assert list((out / ".blurcam" / "work").iterdir()) == []


def test_a_killed_driver_leaves_no_worker_and_no_half_file(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = begin(source, "--out", out)
    until(lambda: len(outputs(out)) >= 1)
    left = workers_of(job.pid)
    assert left
    job.kill()
    job.wait()
    assert job.stderr is not None
    job.stderr.close()
    until(lambda: not any(p.is_running() and p.status() != "zombie" for p in left))
    check_names(out, uninterrupted)
    finish(source, out, uninterrupted)


@pytest.mark.slow
def test_a_driver_killed_again_and_again_finishes_at_last(
    source: Path, uninterrupted: dict[str, bytes], moments: Moments, tmp_path: Path
) -> None:
    for _ in range(5):
        kill_driver(source, tmp_path / "out", moments.next())
        check_names(tmp_path / "out", uninterrupted)
    finish(source, tmp_path / "out", uninterrupted)


@pytest.mark.slow
def test_a_driver_killed_at_fifty_moments(
    source: Path, uninterrupted: dict[str, bytes], moments: Moments, tmp_path: Path
) -> None:
    killed = number = 0
    while killed < 50:
        out, number = tmp_path / str(number), number + 1
        for turn in range(5):  # each goes on from where the one before was killed
            is_killed = kill_driver(source, out, moments.next())
            killed += is_killed
            check_names(out, uninterrupted)
            if not is_killed and not turn:
                moments.measure()  # the machine is quicker now
            if not is_killed:
                break
        finish(source, out, uninterrupted)
        shutil.rmtree(out)


def kill_workers(source: Path, out: Path, moments: list[float]) -> tuple[str, int, int]:
    """Run the job, killing a worker after each pause; return what it said, its code, the kills."""
    job = begin(source, "--out", out)
    killed = 0
    for pause in moments:
        with suppress(subprocess.TimeoutExpired):
            job.wait(pause)
        victims = workers_of(job.pid)
        if victims:
            with suppress(psutil.NoSuchProcess):
                victims[killed % len(victims)].kill()
                killed += 1
    _, said = job.communicate(timeout=300)
    return said, job.returncode, killed


def test_a_killed_worker_takes_nothing_with_it_but_an_attempt(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = begin(source, "--out", out)
    until(lambda: bool(out.exists() and outputs(out) and workers_of(job.pid)))
    workers_of(job.pid)[0].kill()
    _, said = job.communicate(timeout=300)
    assert job.returncode == 0, said
    assert outputs(out) == uninterrupted


@pytest.mark.slow
def test_workers_killed_at_fifty_moments(
    source: Path, uninterrupted: dict[str, bytes], moments: Moments, tmp_path: Path
) -> None:
    killed = number = 0
    while killed < 50:
        out = tmp_path / str(number)
        _, code, now = kill_workers(source, out, [moments.next() / 3 for _ in range(6)])
        killed, number = killed + now, number + 1
        check_names(out, uninterrupted)
        if code != 0:  # a recording that took two workers with it
            assert batch(source, "--out", out, "--retry-failed").returncode == 0
        finish(source, out, uninterrupted)
        shutil.rmtree(out)


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_and_its_recording_tried_again(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = begin(source, "--out", out, "--jobs", 1, "--stall", 8)
    until(lambda: len(outputs(out)) >= 1)
    (worker,) = workers_of(job.pid)
    worker.suspend()
    _, said = job.communicate(timeout=300)
    assert job.returncode == 0, said
    assert "gave no sign for 8 s and was ended" in said
    assert outputs(out) == uninterrupted


def test_a_worker_that_takes_too_much_memory_is_ended_and_its_recording_reported(
    source: Path, tmp_path: Path
) -> None:
    result = batch(source / "cam0", "--out", tmp_path / "out", "--jobs", 1, "--memory", 0.1)
    assert result.returncode == 3
    assert last_line(result)["failed"] == 2
    assert "of memory and was ended" in result.stderr
    assert outputs(tmp_path / "out") == {}


def test_sigterm_ends_the_job_and_the_same_command_goes_on(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = begin(source, "--out", out)
    until(lambda: len(outputs(out)) >= 1)
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 143
    assert "the same command goes on" in said
    # What was done so far is reported all the same.
    counts = json.loads((out / "report.json").read_text())["header"]["counts"]
    assert counts["files"] == FILES
    assert counts["done"] == sum(row["state"] == "done" for row in rows(out))
    finish(source, out, uninterrupted)


def test_two_jobs_with_ledgers_of_their_own_never_share_an_output(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out, other = tmp_path / "out", tree(tmp_path / "other", 2, seconds=0.4)
    first = begin(source, "--out", out, "--job", tmp_path / "a", "--jobs", 1)
    until(lambda: bool(workers_of(first.pid)))
    second = batch(other, "--out", out, "--job", tmp_path / "b")
    assert second.returncode == 1
    assert f"{out}/.blurcam: is in use by blurcam batch, process {first.pid} on " in second.stderr
    _, said = first.communicate(timeout=300)
    assert first.returncode == 0, said
    later = batch(other, "--out", out, "--job", tmp_path / "b")
    assert later.returncode == 1
    assert f"belongs to another job, whose ledger is in {tmp_path}/a" in later.stderr
    assert outputs(out) == uninterrupted
    assert blurcam("report", "check", out, "--files").returncode == 0
    elsewhere = batch(other, "--out", tmp_path / "out2", "--job", tmp_path / "b")
    assert elsewhere.returncode == 0, elsewhere.stderr


def test_two_jobs_at_once_on_one_folder_are_one_too_many(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = begin(source, "--out", out)
    until(lambda: bool(workers_of(first.pid)))
    second = batch(source, "--out", out)
    assert second.returncode == 1
    assert f"is in use by blurcam batch, process {first.pid} on " in second.stderr
    _, said = first.communicate(timeout=300)
    assert first.returncode == 0, said
    assert outputs(out) == uninterrupted


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a disk of this size."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", folder],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write_costs_nothing_but_time(tmp_path: Path) -> None:
    """Lock, ledger, what is not finished, outputs, report: each is the first to find no room."""
    source = tree(tmp_path / "in", 2, seconds=1.0)
    whole = tmp_path / "whole"
    assert batch(source, "--out", whole).returncode == 0
    told = set()
    for kilobytes in range(8, 300, 12):
        with small_disk(tmp_path / "full", kilobytes) as disk:
            out = disk / "out"
            result = batch(source, "--out", out)
            for name, content in outputs(out).items():
                assert content == outputs(whole)[name], kilobytes
            if result.returncode:
                assert result.returncode == 1, (kilobytes, result.stderr)
                last = result.stderr.splitlines()[-1]
                assert re.search(r"full|No space left|disk I/O", last), last
                told.add(re.sub(r"/\S+/", "", last))
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            again = batch(source, "--out", out)
            assert again.returncode == 0, (kilobytes, again.stderr)
            assert outputs(out) == outputs(whole), kilobytes
            assert list((out / ".blurcam" / "work").iterdir()) == []
            assert blurcam("report", "check", out, "--files").returncode == 0
    assert len(told) >= 3, told  # at the ledger, at what is not finished, at the report
    assert result.returncode == 0  # the last disk was large enough


def test_a_full_disk_ends_the_job_and_publishes_nothing(
    source: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "full", 36) as full:
        result = batch(source, "--out", full / "out", "--job", tmp_path / "job", "--jobs", 1)
        assert result.returncode == 1, result.stderr
        assert "No space left on device; make room and run the same command again" in result.stderr
        for name, content in outputs(full / "out").items():
            assert content == uninterrupted[name]


def test_a_log_that_is_full_changes_nothing(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 1), tmp_path / "out"
    for form in ("text", "json"):
        with Path("/dev/full").open("w") as full:
            job = subprocess.run(
                command("batch", source, "--out", out, *QUICK, *ALONE, "--log-format", form),
                stderr=full, env=environment(), check=False,
            )  # fmt: skip
        assert job.returncode == 0
    assert blurcam("report", "check", out, "--files").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_another_account_reads_and_locks_nothing_of_a_job(tmp_path: Path) -> None:
    """The umask decides who may read the output; it does not for ledger, log, lock and the rest."""
    source, out, job = tree(tmp_path / "in", 1), tmp_path / "out", tmp_path / "job"
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    job.mkdir(mode=0o755)
    assert batch(source, "--out", out, "--job", job).returncode == 0
    look = (
        "import fcntl, os, sys\n"
        "os.setgid(12345); os.setuid(12345)\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        os.listdir(path) if os.path.isdir(path) else open(path, 'rb')\n"
        "    except PermissionError:\n"
        "        continue\n"
        "    print(path)\n"
    )
    names = [job / "ledger.sqlite3", job / "lock", job / "workers.log", out / ".blurcam",
             out / ".blurcam" / "work", out / "cam0" / "0.mp4"]  # fmt: skip
    read = subprocess.run(
        [sys.executable, "-c", look, *names], capture_output=True, text=True, check=True
    )
    assert read.stdout.splitlines() == [str(out / "cam0" / "0.mp4")]
