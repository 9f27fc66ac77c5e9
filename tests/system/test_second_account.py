"""A neighbour with an account of its own, or the same one, goes for the memory and the files.

Attempts are made, not flags read: `/proc`, ptrace, `process_vm_readv`, signals, and every file that
was made meanwhile.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.batches import tree
from tests.support.live_cameras import face_clip, wait
from tests.system.test_no_core import CAMERA, NOBODY, WORKER, folder, running, watched

__all__ = ["folder"]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs Linux, and root to change accounts"
)
NEIGHBOUR = 54321
_FILES = ("mem", "maps", "smaps", "environ", "auxv", "io", "pagemap", "syscall", "stack")
_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE, _PTRACE_DETACH = 0x4206, 17


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _read(path: str) -> None:
    with Path(path).open("rb", buffering=0) as file:
        if not path.endswith("/mem"):
            file.read(64)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _seize(pid: int) -> None:
    _checked(_LIBC.ptrace(_PTRACE_SEIZE, pid, None, None))
    _LIBC.ptrace(_PTRACE_DETACH, pid, None, None)


def _copy_memory(pid: int, address: int) -> None:
    room = ctypes.create_string_buffer(64)
    ours = _Vector(ctypes.cast(room, ctypes.c_void_p).value, 64)
    theirs = _Vector(address, 64)
    _checked(_LIBC.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0))


def _addresses(pids: list[int]) -> dict[int, int]:
    """Return an address of each process at which there is memory; root may look."""
    found = {}
    for pid in pids:
        first = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").split("-", 1)[0]
        found[pid] = int(first, 16)
    return found


def _attempts(addresses: dict[int, int], *, may_signal: bool) -> Iterator[str]:
    for pid, address in addresses.items():
        for name in _FILES:
            if _succeeds(lambda name=name, pid=pid: _read(f"/proc/{pid}/{name}")):  # type: ignore[misc]
                yield f"{name} of {pid} is read"
        if _succeeds(lambda pid=pid: os.listdir(f"/proc/{pid}/fd")):  # type: ignore[misc]  # noqa: PTH208
            yield f"descriptors of {pid} are listed"
        if _succeeds(lambda pid=pid: _seize(pid)):  # type: ignore[misc]
            yield f"{pid} is traced"
        if _succeeds(lambda pid=pid, at=address: _copy_memory(pid, at)):  # type: ignore[misc]
            yield f"memory of {pid} is copied"
        if not may_signal and _succeeds(lambda pid=pid: os.kill(pid, 0)):  # type: ignore[misc]
            yield f"{pid} takes signals"


def _readable(since: float, tops: tuple[Path, ...]) -> Iterator[str]:
    """Yield the files of the account, made since then, that can be opened."""
    for top in tops:
        for parent, _, names in os.walk(top):
            for path in (Path(parent, name) for name in names):
                with suppress(OSError):
                    found = path.lstat()
                    if found.st_uid != NOBODY or found.st_mtime < since:
                        continue
                    if stat.S_ISREG(found.st_mode) and _succeeds(
                        lambda path=path: _read(str(path))
                    ):  # type: ignore[misc]
                        yield str(path)


def as_account(uid: int, attack: Callable[[], Iterator[str]]) -> list[str]:
    """Return what an attack finds when another account, without any privilege, makes it."""
    hears, tells = os.pipe()
    child = os.fork()
    if not child:
        found: list[str] = ["the attack failed"]
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            found = list(attack())
        finally:
            os.write(tells, json.dumps(found).encode())
            os._exit(0)
    os.close(tells)
    with os.fdopen(hears, "rb") as heard:
        said = heard.read()
    os.waitpid(child, 0)
    result: list[str] = json.loads(said)
    return result


def family(pid: int) -> list[int]:
    process = psutil.Process(pid)
    return [each.pid for each in (process, *process.children(recursive=True))]


def test_no_account_reads_a_camera_of_a_service(folder: Path) -> None:
    clip = face_clip(folder / "clip.mp4")
    folder.joinpath("cameras.yaml").write_text(
        f"cameras:\n  front:\n    source: {clip}\n    loop: true\n    profile: near\n"
        f"    outputs: ['{folder}/out/%H-%M-%S.ts']\n",
        encoding="utf-8",
    )
    folder.chmod(0o755)
    began = time.time() - 1
    with running("serve", "--config", folder / "cameras.yaml", folder=folder) as serve:
        assert watched(serve, "blurcam", CAMERA) == []
        wait(lambda: any(folder.glob("out/*")))
        addresses = _addresses(family(serve.pid))
        assert len(addresses) >= 3, "the supervisor, its witness and the camera"
        for uid in (NEIGHBOUR, NOBODY):
            own = uid == NOBODY
            assert as_account(uid, lambda own=own: _attempts(addresses, may_signal=own)) == []  # type: ignore[misc]
        tops = (folder, Path("/dev/shm"), Path("/var/tmp"))
        found = as_account(NEIGHBOUR, lambda: _readable(began, tops))
        # Redacted recordings, and what libraries keep of their own, such as lists of fonts.
        fine = (f"{folder}/out/", f"{folder}/.cache/")
        made = [each for each in found if not each.startswith(fine)]
        assert set(made) <= {str(folder / "clip.mp4"), str(folder / "cameras.yaml")}


def test_no_other_account_reads_what_a_job_has_not_finished(folder: Path) -> None:
    source = tree(folder / "in", 2, seconds=60.0)
    folder.chmod(0o755)
    began = time.time() - 1
    with running("batch", source, "--out", folder / "out", "--jobs", 1, "--profile", "near",
                 folder=folder) as batch:  # fmt: skip
        assert watched(batch, "blurcam", WORKER) == []
        kept = folder / "out" / ".blurcam"
        wait(lambda: any(each.stat().st_size for each in kept.rglob("*.mp4*")))
        addresses = _addresses(family(batch.pid))
        for uid in (NEIGHBOUR, NOBODY):
            own = uid == NOBODY
            assert as_account(uid, lambda own=own: _attempts(addresses, may_signal=own)) == []  # type: ignore[misc]
        found = as_account(NEIGHBOUR, lambda: _readable(began, (folder / "out", Path("/dev/shm"))))
        assert [each for each in found if ".blurcam" in each or "/dev/shm" in each] == []


def test_a_process_that_forgets_is_read(folder: Path) -> None:
    """The break: so that the tests above can fail."""
    (folder / "sitecustomize.py").write_text(
        "import blurcam.runtime.no_core_dump as own\nown.no_core_dump = lambda: None\n"
        "import ctypes\nctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n",
        encoding="utf-8",
    )
    with running("pipe", folder=folder, given=-1) as pipe:
        assert "blurcam" in watched(pipe, "blurcam")
        addresses = _addresses([pipe.pid])
        assert as_account(NEIGHBOUR, lambda: _attempts(addresses, may_signal=False)) == []
        found = as_account(NOBODY, lambda: _attempts(addresses, may_signal=True))
        # The capability that it runs with keeps the rest from an account without it.
        assert f"descriptors of {pipe.pid} are listed" in found
