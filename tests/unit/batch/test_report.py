"""The report of a job: what it says, that it needs nothing else, and that a change shows."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from blurcam.batch.coverage_by_second import CoverageBySecond, CoveredSecond
from blurcam.batch.report.document import steps_of
from blurcam.batch.report.page import page
from blurcam.batch.review_reasons import as_values, doubts_of
from blurcam.track.doubts import DoubtfulPlace
from tests.support.batches import batch, tree
from tests.support.program import blurcam
from tests.unit.batch.test_report_pictures import HEADER


def new_key(folder: Path, name: str) -> tuple[Path, Path]:
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job with a recording that failed, verified and signed."""
    folder = tmp_path_factory.mktemp("report")
    source = tree(folder / "in", 3, seconds=1.0)
    (source / "<script>alert(1)</script>.mp4".replace("/", "_")).write_bytes(b"no video")
    new_key(folder, "ours")
    result = batch(source, "--out", folder / "out", "--verify", "--sign-key", folder / "ours.pem")
    assert result.returncode == 3, result.stderr
    return folder


@pytest.fixture
def copy(job: Path, tmp_path: Path) -> Path:
    shutil.copytree(job / "out", tmp_path / "out")
    return tmp_path / "out"


def test_the_report_tells_of_every_recording_and_the_failed_ones_first(job: Path) -> None:
    document = json.loads((job / "out" / "report.json").read_text())
    states = [entry["state"] for entry in document["files"]]
    assert states == ["failed", "done", "done", "done"]
    assert document["files"][0]["reasons"][0]["text"].startswith("failed: not a video")
    assert document["header"]["counts"]["files"] == 4
    assert document["files"][1]["frames"] == 25
    assert document["files"][1]["verification"]["detector"] in ("yunet", "centerface")
    assert set(document["header"]["settings"]["models"]) == {"mediapipe-full"}


def test_the_page_stands_alone(job: Path) -> None:
    page = (job / "out" / "report.html").read_text()
    assert re.findall(r'src="(?!data:)', page) == []
    assert re.findall(r'href="(?!#|\./)', page) == [], "links lead within the page and its folder"
    assert "http:" not in page
    assert "https:" not in page
    assert page.count("<article>") == 4
    assert "<script>" not in page
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page


def test_pictures_are_those_of_the_output(job: Path) -> None:
    page = (job / "out" / "report.html").read_text()
    assert len(re.findall(r'<img alt="redacted, ', page)) == page.count("<img")
    assert page.count("<img") >= 3


def test_an_unchanged_report_is_unchanged(job: Path) -> None:
    checked = blurcam("report", "check", job / "out", "--key", job / "ours.pub", "--files")
    assert checked.returncode == 0, checked.stdout
    assert "unchanged; signed with" in checked.stdout


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"state": "failed"', '"state": "done"', "entry 1"),
        ('"frames": 25', '"frames": 24', "entry 2"),
        ('"failed": 1', '"failed": 0', "its header was changed"),
    ],
)
def test_an_edit_shows(copy: Path, old: str, new: str, fault: str) -> None:
    edit(copy / "report.json", old, new)
    checked = blurcam("report", "check", copy)
    assert checked.returncode == 3
    assert fault in checked.stdout


def test_an_edited_page_shows(copy: Path) -> None:
    edit(copy / "report.html", "failed", "passed")
    assert "its page, report.html, was changed" in blurcam("report", "check", copy).stdout


def test_an_entry_taken_out_shows(copy: Path) -> None:
    document = json.loads((copy / "report.json").read_text())
    del document["files"][0]
    (copy / "report.json").write_text(json.dumps(document))
    assert blurcam("report", "check", copy).returncode == 3


def test_a_report_made_anew_on_purpose_is_caught_by_the_signature_alone(
    job: Path, copy: Path
) -> None:
    from blurcam.batch.report.hash_chain import chained, sealed

    document = json.loads((copy / "report.json").read_text())
    entries = [{k: v for k, v in e.items() if k != "hash"} for e in document["files"]][1:]
    forged = sealed(chained(document["header"], entries), (copy / "report.html").read_bytes(), None)
    (copy / "report.json").write_text(json.dumps(forged))
    alone = blurcam("report", "check", copy)
    assert alone.returncode == 0
    assert "only accidents are caught" in alone.stdout
    with_key = blurcam("report", "check", copy, "--key", job / "ours.pub")
    assert with_key.returncode == 3
    assert "is not signed" in with_key.stdout


def test_another_key_shows(job: Path, tmp_path: Path) -> None:
    _, theirs = new_key(tmp_path, "theirs")
    checked = blurcam("report", "check", job / "out", "--key", theirs)
    assert checked.returncode == 3
    assert "is signed with another key" in checked.stdout


def test_an_output_that_was_changed_shows(copy: Path) -> None:
    (copy / "cam0" / "0.mp4").write_bytes(b"other")
    checked = blurcam("report", "check", copy, "--files")
    assert checked.returncode == 3
    assert "cam0/0.mp4 was changed" in checked.stdout


def test_files_that_the_report_does_not_know_are_named(copy: Path) -> None:
    (copy / "cam0" / "raw.mp4").write_bytes(b"raw")
    (copy / "link").symlink_to("/etc")
    (copy / ".blurcam" / "own").write_bytes(b"kept by blurcam")
    checked = blurcam("report", "check", copy, "--files")
    assert checked.returncode == 3
    said = [line.removeprefix(f"{copy}/report.json: ") for line in checked.stdout.splitlines()]
    assert said == ["link is not in the report", "cam0/raw.mp4 is not in the report"]


def test_a_strangers_report_is_not_replaced(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 1), tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("mine")
    result = batch(source, "--out", out)
    assert result.returncode == 2
    assert "that blurcam did not write" in result.stderr
    assert (out / "report.html").read_text() == "mine"


def test_a_time_line_survives_being_written_down_and_is_drawn_in_few_steps() -> None:
    timeline = CoverageBySecond(
        {n: CoveredSecond(25, n % 3, 2 if n == 7 else 0) for n in range(1000)}
    )
    again = CoverageBySecond.from_values(json.loads(json.dumps(timeline.to_values())))
    assert again == timeline
    steps = steps_of(timeline)
    assert len(steps["faces"]) <= 120
    assert sum(steps["whole"]) == 2
    assert max(steps["faces"]) == 2


def test_the_page_and_the_reasons_list_the_places_that_the_run_was_not_sure_of() -> None:
    doubts = [
        asdict(DoubtfulPlace("gap", 3, 2.5, 4.0, 62, 100, 10, 20, 30, 50)),
        asdict(DoubtfulPlace("<b>small face</b>", 4, 61.0, 61.0, 1525, 1525, 0, 0, 9, 9)),
    ]
    details: dict[str, Any] = {"summary": {"doubtful": doubts}, "timeline": None}
    found = list(doubts_of(details))
    assert [str(each) for each in found] == [
        "0:00:02.5 to 0:00:04, gap, track 3, 10,20 to 30,50",
        "0:01:01, <b>small face</b>, track 4, 0,0 to 9,9",
    ]
    entry = {
        "output": "a.mp4", "source": "/in/a.mp4", "state": "done", "verdict": None, "reasons": [],
        "doubts": as_values(found), "doubts_count": 2, "frames": None, "hashes": [],
    }  # fmt: skip
    text = page({"header": HEADER, "files": [entry], "head": "0"}, {})
    assert "The run itself was not sure of 2 places:" in text
    link = '<a href="./a.mp4#t=2.500">0:00:02.5 to 0:00:04</a>'
    assert f"<td>{link}<td>gap track 3<td>10,20 to 30,50" in text
    assert "<b>small" not in text
    assert "&lt;b&gt;small face" in text
