"""Hostile names and links: nothing is read or written but where it was said.

Seen to fail: with links followed, by the test of just that below; with the refusal of links to
``.blurcam/work`` taken out, what lies where the link leads is removed.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import pytest

from blurcam.batch.inputs import InputFile, SkippedInput, select
from blurcam.batch.job import Job
from blurcam.batch.output_folder import open_output
from blurcam.batch.output_names import check_template, names_for
from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.errors import BlurcamError, ConfigError, JobError, SinkOpenError, SourceOpenError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.batch import Batch
from blurcam.sinks.file import open_file
from blurcam.sources.recording import open_source
from tests.support.clips import frame_times, moving_clip
from tests.support.program import blurcam

PLACES = (
    "../a.mp4", "../../a.mp4", "a/../../b.mp4", "a/b/../../../c.mp4", "/a.mp4", "/etc/passwd.mp4",
    "//a.mp4", "..", "../", "a/..", "./../a.mp4", "a/./../../b.mp4", "/proc/self/cwd/a.mp4",
)  # fmt: skip
TEMPLATES = (
    "../{stem}{ext}", "/{stem}{ext}", "{stem}/../../x{ext}", "a/{stem}{ext}", "{stem}\0{ext}",
    "{stem.__class__}{ext}", "{stem[0]}{ext}", "{0}{stem}{ext}", "{}{stem}{ext}",
    "{stem:/^20}{ext}",
    "{stem!r:/>9}{ext}", "{stem", "fixed{ext}", "{stem}.sh", "{stem}.mp4/", "{stem:>300}{ext}",
    "..{stem}/{ext}", "{stem}{ext}{environ}",
)  # fmt: skip
NAMES = (
    "concat:a.ts|b.ts", "subfile,,start,0,end,9,,:a.ts", "pipe:0.mp4", "fd:0.mp4", "data:a.mp4",
    "file:/etc/passwd", "http:..x.mp4", "-i.mp4", "%d.mp4", "a\nb.mp4", "$(id).mp4",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_place_leads_out_of_the_output(place: str, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    with pytest.raises(SinkOpenError, match="leads out of"):
        prepare(out, place)
    assert [each.name for each in out.iterdir()] == [".blurcam"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_template_makes_more_than_a_name(template: str) -> None:
    with pytest.raises(ConfigError, match="name: "):
        check_template(template)
        names_for(template, Path("cam/a.mp4"))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_ever_a_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceOpenError, match="does not exist"):
        open_source(tmp_path / name, FrameCounts())


# Links -------------------------------------------------------------------------------------------


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def victim(folder: Path) -> Path:
    """Make a folder that is none of blurcam's business, with a file in it."""
    made = folder / "elsewhere"
    made.mkdir()
    (made / "precious.mp4").write_bytes(b"precious")
    return made


def run_job(out: Path, source: Path) -> None:
    """Run a job to where its workers would begin."""
    job = Job(Batch(out), {})

    def none() -> object:
        raise AssertionError("nothing was to be redacted")

    with job.opened() as running:
        for _ in running.run(select([source], (out,)), none):  # type: ignore[arg-type]
            pass


LINKS: dict[str, Callable[[Path, Path], object]] = {
    "the output's folder": lambda out, there: (out / "cam").symlink_to(there),
    "what blurcam keeps": lambda out, there: (out / ".blurcam").symlink_to(there),
    "what is not finished": lambda out, there: (
        (out / ".blurcam").mkdir(), (out / ".blurcam" / "work").symlink_to(there)),
    "the ledger": lambda out, there: (
        (out / ".blurcam").mkdir(),
        (out / ".blurcam" / "ledger.sqlite3").symlink_to(there / "precious.mp4")),
    "the lock": lambda out, there: (
        (out / ".blurcam").mkdir(), (out / ".blurcam" / "lock").symlink_to(there / "precious.mp4")),
    "the log": lambda out, there: (
        (out / ".blurcam").mkdir(),
        (out / ".blurcam" / "workers.log").symlink_to(there / "precious.mp4")),
}  # fmt: skip


@pytest.mark.parametrize("what", LINKS)
def test_a_link_where_a_job_writes_leads_nowhere(what: str, tmp_path: Path) -> None:
    there, out, source = victim(tmp_path), tmp_path / "out", tmp_path / "in" / "cam"
    out.mkdir()
    source.mkdir(parents=True)
    LINKS[what](out, there)
    if what == "the output's folder":
        with pytest.raises(SinkOpenError, match="is a symbolic link"):
            prepare(out, "cam/a.mp4")
    else:
        with pytest.raises(JobError, match="is a symbolic link"):
            run_job(out, source)
    assert [path.name for path in there.iterdir()] == ["precious.mp4"]
    assert (there / "precious.mp4").read_bytes() == b"precious"


def prepare(out: Path, place: str) -> None:
    with open_output(out, "test", out) as output:
        output.prepare(Path(place))


def test_without_the_look_for_links_a_file_lands_elsewhere(tmp_path: Path) -> None:
    """The break: so that the tests above can fail."""
    there, out = victim(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "cam").symlink_to(there)
    followed = patch("blurcam.runtime.folders._INNER", os.O_RDONLY | os.O_DIRECTORY)
    with followed, open_output(out, "test", out) as output:
        (output.work / "staged").write_bytes(b"redacted")
        output.publish("staged", Path("cam/a.mp4"), sha256(b"redacted"), None)
    assert (there / "a.mp4").exists()


@pytest.mark.parametrize("kind", ["to a file", "to nothing", "to itself"])
def test_a_link_under_the_final_name_is_a_strangers(kind: str, tmp_path: Path) -> None:
    there, out = victim(tmp_path), tmp_path / "out"
    out.mkdir()
    final = out / "final.mp4"
    aim = {"to a file": there / "precious.mp4", "to nothing": there / "new", "to itself": final}
    final.symlink_to(aim[kind])
    with open_output(out, "test", out) as output:
        (output.work / "staged").write_bytes(b"redacted")
        with pytest.raises(SinkOpenError, match="exists already, and blurcam did not write it"):
            output.publish("staged", Path("final.mp4"), sha256(b"redacted"), None)
    assert (there / "precious.mp4").read_bytes() == b"precious"
    assert not (there / "new").exists()


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    there = victim(tmp_path)
    (tmp_path / ".a.mp4.part").symlink_to(there / "precious.mp4")
    info = StreamInfo("a", 64, 48, PIXEL_FORMATS["yuv420p"], Fraction(1, 25), Fraction(25))
    encoder = open_encoder(info, EncoderOptions("h264"), FrameCounts())
    with pytest.raises(SinkOpenError, match="is a symbolic link"):
        open_file(tmp_path / "a.mp4", encoder)
    encoder.close()
    assert (there / "precious.mp4").read_bytes() == b"precious"


def test_what_is_no_plain_file_is_passed_over(tmp_path: Path) -> None:
    there, source = victim(tmp_path), tmp_path / "in"
    source.mkdir()
    os.mkfifo(source / "pipe.mp4")
    (source / "link.mp4").symlink_to(there / "precious.mp4")
    (source / "folder.mp4").symlink_to(there)
    (source / "loop.mp4").symlink_to(source / "loop.mp4")
    (source / ".hidden.mp4.part").write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "socket.mp4"))
        found = list(select([source], ()))
    assert [each for each in found if isinstance(each, InputFile)] == []
    assert len([each for each in found if isinstance(each, SkippedInput)]) == 6


@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/stdin", "/proc/self/mem", "/proc/self/environ", "/", "/etc"]
)
def test_devices_and_folders_are_no_recordings(path: str) -> None:
    with pytest.raises(BlurcamError):
        open_source(Path(path), FrameCounts())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
def test_a_device_is_written_into_and_stays_a_device(tmp_path: Path) -> None:
    source = moving_clip(tmp_path / "a.mp4", "-c:v", "libx264")
    null = tmp_path / "null"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    done = blurcam("run", source, tmp_path / "b.mp4", "--overwrite", "--regions", null)
    assert done.returncode == 0, done.stderr
    assert null.is_char_device()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "null"]


def test_a_reader_of_a_fifo_gets_the_complete_recording(tmp_path: Path) -> None:
    source = moving_clip(tmp_path / "a.mp4", "-c:v", "libx264")
    fifo = tmp_path / "b.ts"
    os.mkfifo(fifo)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(fifo.read_bytes()))
    reader.start()
    done = blurcam("run", source, fifo)
    assert done.returncode == 0, done.stderr
    reader.join(60)
    assert fifo.is_fifo()
    (tmp_path / "c.ts").write_bytes(heard[0])
    assert len(frame_times(tmp_path / "c.ts")) == 25
