"""A tree of recordings in, a redacted tree out: what is taken, what it is called, what is left."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from blurcam.batch.inputs import AgeWindow, InputFile, select
from blurcam.batch.job_folder import locked
from blurcam.batch.output_names import check_template, names_for, shown
from blurcam.batch.task_work import refuse_encoder
from blurcam.errors import ConfigError, JobError
from blurcam.settings.redaction import Encode
from tests.support.batches import batch, clip, last_line, outputs, rows, tree
from tests.support.clips import frame_hashes
from tests.support.program import blurcam

ODD = b"odd \xff\nname; $(rm) \xc3\xa9.mp4"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree, and its redaction."""
    folder = tmp_path_factory.mktemp("archive")
    source = tree(folder / "in", 4)
    clip(source / "a" / "b" / "c" / "deep.mkv")
    clip(source / "a" / "twin.mp4")
    clip(source / "a" / "twin.mov")
    shutil.copy(source / "a" / "twin.mp4", os.fsencode(source) + b"/" + ODD)
    (source / "notes.txt").write_text("not video")
    (source / "broken.mp4").write_bytes(b"\0" * 4000)
    (source / "link.mp4").symlink_to(source / "a" / "twin.mp4")
    os.mkfifo(source / "pipe.mp4")
    folder.joinpath("said").write_text(batch(source, "--out", folder / "out").stderr)
    return folder


def test_the_tree_is_mirrored(archive: Path) -> None:
    assert sorted(outputs(archive / "out")) == sorted(
        ["a/b/c/deep.mkv", "a/twin.mp4", "a/twin_mov.mp4", "cam0/0.mp4", "cam0/3.mp4", "cam1/1.mp4",
         "cam2/2.mp4", os.fsdecode(ODD)]
    )  # fmt: skip
    assert len(frame_hashes(archive / "out" / "a" / "twin_mov.mp4")) == 10


def test_what_is_no_video_is_passed_over_with_a_line(archive: Path) -> None:
    said = archive.joinpath("said").read_text()
    for name in ("notes.txt", "link.mp4", "pipe.mp4"):
        assert f"skipped: {archive / 'in' / name}: is " in said


def test_a_broken_recording_fails_and_is_named_and_nothing_else_suffers(archive: Path) -> None:
    failed = [row for row in rows(archive / "out") if row["state"] == "failed"]
    assert [os.fsdecode(row["source"]) for row in failed] == [str(archive / "in" / "broken.mp4")]
    status = blurcam("batch", "status", archive / "out")
    assert status.returncode == 3
    assert f"failed: {archive / 'in' / 'broken.mp4'}: not a video" in status.stdout


def test_odd_names_are_checked_by_the_report_too(archive: Path, tmp_path: Path) -> None:
    checked = blurcam("report", "check", archive / "out", "--files")
    assert checked.returncode == 0, checked.stdout
    copy = tmp_path / "out"
    shutil.copytree(archive / "out", copy)
    odd = Path(os.fsdecode(os.fsencode(copy) + b"/" + ODD))
    odd.write_bytes(odd.read_bytes() + b"x")
    checked = blurcam("report", "check", copy, "--files")
    assert checked.returncode == 3
    assert r"odd \xff\nname; $(rm) é.mp4 was changed" in checked.stdout


def test_odd_names_are_told_on_one_line(archive: Path) -> None:
    said = archive.joinpath("said").read_text()
    assert r"done: odd \xff\nname; $(rm) é.mp4: 10 frames" in said


def test_what_is_done_is_not_done_again_unless_something_changed(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 3), tmp_path / "out"
    first = batch(source, "--out", out)
    assert (first.returncode, last_line(first)["done"]) == (0, 3)
    before = outputs(out)
    clip(source / "cam1" / "1.mp4", tone=90)
    (out / "cam2" / "2.mp4").unlink()
    changed = batch(source, "--out", out)
    assert (changed.returncode, last_line(changed)["unchanged"]) == (0, 1)
    after = outputs(out)
    assert after["cam0/0.mp4"] == before["cam0/0.mp4"]
    assert after["cam2/2.mp4"] == before["cam2/2.mp4"]
    assert after["cam1/1.mp4"] != before["cam1/1.mp4"]
    other = batch(source, "--out", out, "--effect", "solid", "--mask", "0,0 1,0 1,1")
    assert (other.returncode, last_line(other)["unchanged"]) == (0, 0)
    assert not set(outputs(out).values()) & set(after.values())


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job with traps in its output; run twice."""
    folder = tmp_path_factory.mktemp("trapped")
    source, elsewhere = tree(folder / "in", 5), folder / "elsewhere"
    out = folder / "out"
    (out / "cam0").mkdir(parents=True)
    (out / "cam0" / "0.mp4").write_bytes(b"mine")
    elsewhere.mkdir()
    (out / "cam1").symlink_to(elsewhere)
    folder.joinpath("first").write_text(batch(source, "--out", out).stderr)
    (out / "cam2" / "2.mp4").write_bytes(b"edited by hand")
    second = batch(source, "--out", out, "--retry-failed")
    assert second.returncode == 3
    folder.joinpath("second").write_text(second.stderr)
    return folder


def test_a_strangers_file_is_never_overwritten(trapped: Path) -> None:
    assert "exists already, and blurcam did not write it" in (trapped / "first").read_text()
    assert (trapped / "out" / "cam0" / "0.mp4").read_bytes() == b"mine"
    assert (trapped / "out" / "cam0" / "3.mp4").stat().st_size > 1000


def test_an_output_that_was_edited_is_a_strangers(trapped: Path) -> None:
    edited = trapped / "out" / "cam2" / "2.mp4"
    assert edited.read_bytes() == b"edited by hand"
    assert "exists already, and blurcam did not write it" in (trapped / "second").read_text()


def test_a_link_in_the_output_leads_nowhere(trapped: Path) -> None:
    assert "is a symbolic link, and may lead elsewhere" in (trapped / "first").read_text()
    assert list((trapped / "elsewhere").iterdir()) == []


def test_an_output_inside_an_input_or_around_one_is_refused(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 1)
    (tmp_path / "other-name").symlink_to(source)
    for out, told in (
        (source, "is the input itself"),
        (source / "cam0" / ".." / ".." / "other-name", "is the input itself"),
        (source / "redacted", f"lies in the input {source}"),
        (source / "cam0" / "deep" / "er", f"lies in the input {source}"),
        (tmp_path, f"holds the input {source}"),
    ):
        result = batch(source, "--out", out)
        assert result.returncode == 2, out
        assert told in result.stderr
    assert sorted(each.name for each in tmp_path.rglob("*")) == [
        "0.mp4", "cam0", "in", "other-name",
    ]  # fmt: skip


def test_its_own_output_is_never_read_where_a_pattern_matches_it(tmp_path: Path) -> None:
    source = tree(tmp_path, 2)
    for _ in range(2):
        result = batch(f"{source}/**/*.mp4", "--out", source / "redacted")
        assert result.returncode == 0, result.stderr
        assert last_line(result)["files"] == 2
    assert "holds what blurcam writes" in result.stderr


def test_a_second_driver_is_refused_by_name(tmp_path: Path) -> None:
    source, out = tree(tmp_path / "in", 1), tmp_path / "out"
    with locked(out / ".blurcam", out):
        result = batch(source, "--out", out)
    assert result.returncode == 1
    assert f"is in use by blurcam batch, process {os.getpid()} on " in result.stderr
    assert outputs(out) == {}
    with locked(out / ".blurcam", out):  # it can be had again
        pass


def test_failed_recordings_are_tried_again_only_if_asked(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "1.mp4").write_bytes(b"\0" * 500)
    assert last_line(batch(source, "--out", out))["failed"] == 1
    assert last_line(batch(source, "--out", out))["unchanged"] == 1
    again = batch(source, "--out", out, "--retry-failed")
    assert (last_line(again)["unchanged"], last_line(again)["failed"]) == (0, 1)


def test_a_list_on_standard_input_and_a_pattern(tmp_path: Path) -> None:
    source = tree(tmp_path / "in", 4)
    listed = f"{source}/cam0/0.mp4\0{source}/cam1/1.mp4\0".encode()
    result = batch("-", "--null", "--out", tmp_path / "listed", stdin=listed)
    assert result.returncode == 0, result.stderr
    assert set(outputs(tmp_path / "listed")) == {"cam0/0.mp4", "cam1/1.mp4"}
    matched = [each for each in select([Path(f"{source}/cam*/[03].mp4")], ())]
    assert [os.fspath(each.place) for each in matched if isinstance(each, InputFile)] == [
        "0.mp4", "3.mp4",
    ]  # fmt: skip


def test_only_recordings_of_the_time_asked_for(tmp_path: Path) -> None:
    day, source = 86400, tmp_path / "in"
    for age in (1, 10, 40):
        path = clip(source / f"{age}.mp4")
        os.utime(path, (time.time() - age * day,) * 2)

    def chosen(window: AgeWindow) -> list[str]:
        found = select([source], (), window)
        return [each.path.stem for each in found if isinstance(each, InputFile)]

    assert chosen(AgeWindow(until=time.time() - 30 * day)) == ["40"]
    assert chosen(AgeWindow(since=time.time() - 30 * day)) == ["1", "10"]
    out = tmp_path / "out"
    result = batch(source, "--out", out, "--older-than", "30d", "--name", "{stem}.redacted{ext}")
    assert result.returncode == 0
    assert set(outputs(out)) == {"40.redacted.mp4"}


@pytest.mark.parametrize(
    "template",
    ["{name}", "fixed{ext}", "../{stem}{ext}", "{stem", "{stem}.exe", "{stem.__class__}"],
)
def test_a_template_that_makes_no_name_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match="name: "):
        check_template(template)
        names_for(template, Path("a/b.mp4"))


def test_a_name_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    clip(tmp_path / "in" / ("x" * 250 + ".mp4"))
    result = batch(tmp_path / "in", "--out", tmp_path / "out", "--name", "{stem}.redacted{ext}")
    assert "makes no usable name" in result.stderr


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    import sqlite3

    from blurcam.batch.ledger import Ledger

    with sqlite3.connect(tmp_path / "ledger") as db:
        db.execute("CREATE TABLE x (y)")
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(JobError, match="another version of blurcam"):
        Ledger(tmp_path / "ledger")


def test_a_ledger_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    import sqlite3

    from blurcam.batch.ledger import Ledger

    path = tmp_path / "ledger"
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE spans RENAME COLUMN packets TO file_name")
        db.execute("INSERT INTO spans VALUES (1, 0, '{}', 'done', 1, 'a.packets', '{}')")
        db.execute("PRAGMA user_version = 1")
    Ledger(path, "read").close()  # status, before the next run
    ledger = Ledger(path)
    assert [each.packets for each in ledger.spans.of(1)] == ["a.packets"]
    ledger.close()
    Ledger(path).close()


@pytest.mark.parametrize(
    ("encode", "told"),
    [
        (Encode(encoder="nonsense"), 'encoder: FFmpeg has no "nonsense"'),
        (Encode(encoder="libx265"), "encoder: libx265 writes hevc, not h264; add --codec"),
        (Encode(preset="swiftest"), 'preset: encoder libx264 has no "swiftest"'),
    ],
)
def test_what_no_recording_could_be_encoded_with_is_refused(encode: Encode, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        refuse_encoder(encode)
    refuse_encoder(Encode())


def test_a_job_that_could_encode_nothing_does_not_start(tmp_path: Path) -> None:
    result = batch(tree(tmp_path / "in", 1), "--out", tmp_path / "out", "--encoder", "nonsense")
    assert result.returncode == 2
    assert 'encoder: FFmpeg has no "nonsense"' in result.stderr
    assert not (tmp_path / "out" / ".blurcam").exists()


def test_shown_is_one_printable_line() -> None:
    assert shown(os.fsdecode(b"a\x1b[31m\n\xffb")) == r"a\x1b[31m\n\xffb"


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    result = batch(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert result.returncode == 1
    assert "does not exist; name a recording, a folder or a pattern" in result.stderr
