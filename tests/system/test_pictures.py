"""``blurcam run`` on pictures, as a user meets it: one, a folder, a pattern, a numbered row."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from blurcam import Config, Detect, run
from tests.support import pictures
from tests.support.program import blurcam

NEAR = ("--profile", "near")


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    folder = tmp_path / "stills"
    (folder / "deeper").mkdir(parents=True)
    kinds = pictures.kinds()
    (folder / "001.jpg").write_bytes(kinds["420.jpg"])
    (folder / "002.jpg").write_bytes(kinds["turned-6.jpg"])
    (folder / "deeper" / "a.png").write_bytes(kinds["rgb8.png"])
    (folder / "notes.txt").write_text("no picture")
    return folder


def is_redacted(before: Path, after: Path) -> bool:
    box = pictures.face()
    inside = (slice(box.y0 + 20, box.y1 - 20), slice(box.x0 + 20, box.x1 - 20))
    given, out = pictures.shown(before).astype(int), pictures.shown(after).astype(int)
    assert given.shape == out.shape
    return bool(np.abs(given - out)[inside].mean() > 15)


def test_a_photo_goes_in_and_a_photo_comes_out(stills: Path, tmp_path: Path) -> None:
    out = tmp_path / "redacted.jpg"
    result = blurcam("run", stills / "001.jpg", out, *NEAR, "--json")
    assert result.returncode == 0, result.stderr
    assert is_redacted(stills / "001.jpg", out)
    assert f"001.jpg: 1 face; written: {out}" in result.stderr
    assert json.loads(result.stdout)["tracks"] == 1


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("stills", ["001.jpg", "002.jpg", "deeper/a.png"]),
        ("stills/*.jpg", ["001.jpg", "002.jpg"]),
        ("stills/%03d.jpg", ["001.jpg", "002.jpg"]),
    ],
)
def test_many_pictures_go_to_a_folder(
    stills: Path, tmp_path: Path, given: str, made: list[str]
) -> None:
    result = blurcam("run", tmp_path / given, tmp_path / "out", *NEAR)
    assert result.returncode == 0, result.stderr
    out = tmp_path / "out"
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == made
    assert all(is_redacted(stills / name, out / name) for name in made)
    left = "; other files left out: 1" if given == "stills" else ""
    assert f"pictures: {len(made)} redacted, 0 failed{left}" in result.stderr


def test_a_broken_picture_among_others_is_one_line_and_the_others_go_on(
    stills: Path, tmp_path: Path
) -> None:
    (stills / "000.jpg").write_bytes(pictures.kinds()["444.jpg"][:900])
    result = blurcam("run", stills, tmp_path / "out", *NEAR, "--quiet")
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1
    assert "000.jpg: cannot be read as a picture" in result.stderr
    assert not (tmp_path / "out" / "000.jpg").exists()
    assert (tmp_path / "out" / "002.jpg").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("{stills}/nix.jpg {out}.jpg", 1, "does not exist"),
        ("{stills}/001.jpg {out}.mp4", 2, "a picture becomes a picture"),
        ("{stills}/001.jpg {out}.jpg --crf 9", 2, "crf: has no effect on a picture"),
        ("{stills}/001.jpg {out}.jpg --lead 2", 2, "lead: has no effect on a picture"),
        ("{stills} {out} --summary s.json", 2, "summary: is for one picture"),
        ("{stills}/x*.jpg {out}", 1, "holds no picture"),
    ],
)
def test_what_cannot_be_done_with_pictures_is_one_line(
    stills: Path, tmp_path: Path, words: str, code: int, told: str
) -> None:
    places = {"stills": stills, "out": tmp_path / "out"}
    result = blurcam("run", *(word.format(**places) for word in words.split()), *NEAR)
    assert (result.returncode, result.stderr.count("\n")) == (code, 1), result.stderr
    assert told in result.stderr


def test_a_picture_is_drawn_again_from_its_regions(stills: Path, tmp_path: Path) -> None:
    regions, again = tmp_path / "r.jsonl", tmp_path / "again.jpg"
    first = blurcam("run", stills / "001.jpg", tmp_path / "o.jpg", *NEAR, "--regions", regions)
    assert first.returncode == 0, first.stderr
    drawn = blurcam("render", stills / "001.jpg", again, "--regions", regions, "--effect", "mosaic")
    assert drawn.returncode == 0, drawn.stderr
    assert is_redacted(stills / "001.jpg", again)


def test_a_picture_is_redacted_from_python_as_a_recording_is(stills: Path, tmp_path: Path) -> None:
    config = Config(stills / "001.jpg", tmp_path / "out.jpg", detect=Detect(profile="near"))
    assert run(config).tracks == 1
    assert is_redacted(stills / "001.jpg", tmp_path / "out.jpg")


@pytest.mark.slow
def test_exiftool_finds_nothing_but_the_picture(tmp_path: Path) -> None:
    """Debian's exiftool, which knows every place where something may hide."""
    tool = shutil.which("exiftool")
    if tool is None:
        pytest.skip("exiftool is not installed: apt-get install libimage-exiftool-perl")
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    for name, content in pictures.kinds().items():
        if not name.endswith(".gif"):
            (given / name).write_bytes(content)
    assert blurcam("run", given, out, *NEAR).returncode == 0
    told = subprocess.run(
        [tool, "-json", "-G1", "-a", "-u", "-r", str(out)],
        capture_output=True,
        text=True,
        check=True,
    )
    allowed = {"SourceFile", "ExifTool", "System", "File", "Composite", "JFIF", "PNG", "RIFF"}
    allowed |= {"IFD0", "Track1", "Meta", "QuickTime", "VP8L", "VP8"}
    for each in json.loads(told.stdout):
        groups = {key.split(":")[0] for key in each}
        assert {g for g in groups - allowed if not g.startswith("ICC")} == set(), each["SourceFile"]
        assert pictures.SECRET not in json.dumps(each)
