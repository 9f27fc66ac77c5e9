"""Files that get their name when they are complete, and outputs that are no files."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from blurcam.errors import ConfigError, SinkOpenError
from blurcam.runtime.files import (
    StagedFile,
    is_written_into,
    refuse_existing,
    sha256_of,
    write_file,
)

TEXT = b"all of it\n"


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    staged = StagedFile(path)
    with staged.open() as file:
        file.write(TEXT)
    assert not path.exists()
    staged.publish()
    assert path.read_bytes() == TEXT
    assert list(tmp_path.iterdir()) == [path]
    assert sha256_of(path) == "6b6185e63cff648293fe9acac21f322476477a0fe9c66f48a487d84d8414ef2d"


def test_what_has_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    staged = StagedFile(path)
    staged.open().close()
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        staged.publish()
    assert path.read_text() == "mine"


def test_without_hard_links_nothing_is_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    write_file(tmp_path / "a.txt", TEXT, overwrite=False)
    assert (tmp_path / "a.txt").read_bytes() == TEXT
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "a.txt", b"other", overwrite=False)
    assert (tmp_path / "a.txt").read_bytes() == TEXT
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_link_under_the_temporary_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".a.txt.part").symlink_to(tmp_path / "precious")
    with pytest.raises(SinkOpenError, match="is a symbolic link"):
        write_file(tmp_path / "a.txt", TEXT)
    assert (tmp_path / "precious").read_text() == "mine"


def fifo(path: Path) -> Callable[[], bytes]:
    os.mkfifo(path)
    return path.read_bytes


def listening(path: Path) -> Callable[[], bytes]:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    server.settimeout(30)

    def read() -> bytes:
        with server, server.accept()[0] as one:
            return one.makefile("rb").read()

    return read


def terminal(path: Path) -> Callable[[], bytes]:
    ours, theirs = os.openpty()
    path.symlink_to(os.ttyname(theirs))
    return lambda: os.read(ours, 100).replace(b"\r", b"")


@pytest.mark.parametrize("make", [fifo, listening, terminal])
def test_what_is_no_file_is_written_into_and_stays(
    make: Callable[[Path], Callable[[], bytes]], tmp_path: Path
) -> None:
    path = tmp_path / "there"
    read = make(path)
    before = path.stat()
    assert is_written_into(path)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(read()))
    reader.start()
    write_file(path, TEXT)
    reader.join(30)
    assert heard == [TEXT]
    after = path.stat()
    assert after.st_ino == before.st_ino
    assert stat.S_IFMT(after.st_mode) == stat.S_IFMT(before.st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


def test_standard_output_by_name_is_written_into(tmp_path: Path) -> None:
    code = "from blurcam.runtime.files import *; write_file(Path('/dev/stdout'), b'all of it\\n')"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True, timeout=60)
    assert (tmp_path / "out").read_bytes() == TEXT
    assert Path("/dev/stdout").is_symlink()


def test_outputs_that_cannot_be_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, told in (
        ("there", "exists already"), ("dangling", "exists already"),
        ("gone/a", "does not exist; make it first"), ("", "is a folder"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            refuse_existing(tmp_path / name, overwrite=False)
    refuse_existing(tmp_path / "there", overwrite=True)
    refuse_existing(Path("/dev/null"), overwrite=False)
    refuse_existing(tmp_path / "new", overwrite=False)
