"""Pictures among the recordings of a job: redacted, verified, in the ledger and in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support import pictures
from tests.support.batches import batch, clip, last_line, outputs, rows
from tests.support.program import blurcam
from tests.system.test_pictures import is_redacted

KINDS = ("420.jpg", "turned-6.jpg", "rgb8.png", "rgba8.png", "lossy.webp", "rgb.tif", "rgb.bmp",
         "rgb.avif", "still.gif")  # fmt: skip


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job over pictures, a recording, an animation and what is broken."""
    folder = tmp_path_factory.mktemp("pictures")
    source = folder / "in"
    clip(source / "clip.mp4")
    (source / "stills").mkdir()
    kinds = pictures.kinds()
    for name in KINDS:
        (source / "stills" / name).write_bytes(kinds[name])
    (source / "broken.jpg").write_bytes(kinds["420.jpg"][:300])
    frames = [Image.new("RGB", (64, 48), (n * 40, 0, 0)) for n in range(5)]
    frames[0].save(source / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    # Options of video are for the recordings among them.
    result = batch(source, "--out", folder / "out", "--verify", "--crf", "30", "--lead", "0.2")
    folder.joinpath("said").write_text(result.stderr)
    return folder


def test_pictures_stay_pictures_and_animations_become_recordings(job: Path) -> None:
    made = {"clip.mp4", "moving.mp4", *(f"stills/{name}" for name in KINDS)}
    made = (made - {"stills/still.gif"}) | {"stills/still.png"}
    assert set(outputs(job / "out")) == made, (job / "said").read_text()


@pytest.mark.parametrize("name", KINDS)
def test_the_face_is_covered_and_nothing_of_the_file_is_left(job: Path, name: str) -> None:
    before = job / "in" / "stills" / name
    after = (job / "out" / "stills" / name).with_suffix(
        ".png" if name == "still.gif" else before.suffix
    )
    assert is_redacted(before, after)
    assert pictures.SECRET.encode() not in after.read_bytes()


def test_the_ledger_the_report_and_the_verdicts_know_them(job: Path) -> None:
    kept = {Path(row["output"].decode()).name: row for row in rows(job / "out")}
    assert kept["broken.jpg"]["state"] == "failed"
    for name in KINDS:
        row = kept["still.png" if name == "still.gif" else name]
        assert (row["state"], row["frames"], row["tracks"]) == ("done", 1, 1), name
        assert row["verdict"] == "pass", (name, row["verification"])
    document = json.loads((job / "out" / "report.json").read_text())
    entry = next(e for e in document["files"] if e["output"] == "stills/420.jpg")
    assert entry["timeline"]["faces"] == [1]
    page = (job / "out" / "report.html").read_text()
    assert page.count('<img alt="redacted, ') >= len(KINDS)
    assert blurcam("report", "check", job / "out", "--files").returncode == 0


def test_pictures_are_not_done_again(job: Path) -> None:
    again = batch(job / "in", "--out", job / "out", "--verify", "--crf", "30", "--lead", "0.2")
    assert last_line(again)["unchanged"] == len(KINDS) + 3
