"""What a process was doing when it dies of something that Python cannot catch.

A native library that aborts, a segmentation fault and a kill leave no exception behind. A process
says which step it begins; its parent, or a witness that it leaves beside itself, tells how it
ended, and in which step.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from blurcam.runtime.signals import ignore

_OVER: Final = b"over"
# What Python's fault handler says first, and where it says it happened.
_FATAL: Final = re.compile(rb"^Fatal Python error: (.*)$", re.MULTILINE)
_PLACE: Final = re.compile(rb'  File "[^"]*/(blurcam/[^"]*)", line (\d+)')


def _silent(text: str) -> None:
    """Tell nobody."""


_steps: Final[list[str]] = []
_tell: Final[list[Callable[[str], None]]] = [_silent]
_witnesses: Final[list[int]] = []


def tell_steps_to(tell: Callable[[str], None]) -> None:
    """Have each step told, in one line; an empty one where none is under way any more."""
    _tell[0] = tell


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is being done while the block lasts, as in "loading the detector yunet"."""
    line = " ".join(text.split())
    _steps.append(line)
    _tell[0](line)
    try:
        yield
    finally:
        _steps.remove(line)
        _tell[0](_steps[-1] if _steps else "")


def leave_witness() -> None:
    """Start a process that says on standard error how this one died, unless :func:`over` is called.

    To be called before there are threads.
    """
    hears, told = (_beyond_standard(each) for each in os.pipe())
    try:
        if not os.fork():
            os.close(told)
            _witness(hears)
    except OSError:  # no room for another process: it goes without
        os.close(told)
        return
    finally:
        os.close(hears)
    faulthandler.enable(told)
    _witnesses.append(told)
    tell_steps_to(_tell_witness)


def _beyond_standard(descriptor: int) -> int:
    """Move a descriptor above 2: where standard output is closed, a pipe takes its number."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved


def _tell_witness(line: str) -> None:
    for told in _witnesses:
        with suppress(OSError):
            os.write(told, f"step {line}\n".encode(errors="backslashreplace"))


def over() -> None:
    """Have the witness say nothing: the process ends as it should. Safe to call twice."""
    while _witnesses:
        faulthandler.disable()
        told = _witnesses.pop()
        with suppress(OSError):
            os.write(told, _OVER)
            os.close(told)


def _witness(hears: int) -> None:
    """Be the witness: listen until the other is gone, and say what became of it."""
    ignore(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    said = b""
    while chunk := os.read(hears, 1 << 16):
        said = (said + chunk)[-(1 << 18) :]
    if not said.endswith(_OVER):
        with suppress(OSError):
            os.write(2, f"blurcam: {death_in_words(said)}\n".encode(errors="backslashreplace"))
    os._exit(0)


def death_in_words(said: bytes) -> str:
    """Return how a process died, from what it and the fault handler have said."""
    fatal, place = _FATAL.search(said), _PLACE.search(said)
    steps = re.findall(rb"^step (.*)$", said, re.MULTILINE)
    during = f" while {steps[-1].decode(errors='replace')}" if steps and steps[-1] else ""
    if fatal is None:
        how = "was killed (by hand, or because memory ran out)"
    else:
        how = f"died in a native library: {fatal[1].decode(errors='replace')}"
    where = ""
    if fatal is not None and place is not None:
        where = f" ({place[1].decode(errors='replace')}, line {int(place[2])})"
    return f"{how}{during}{where}; what was not finished has no final name"
