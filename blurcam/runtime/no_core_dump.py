"""What a process that sees faces must not leave behind when it dies."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def no_core_dump() -> None:
    """Write no core file, and let no other process of the same user read this one's memory.

    A core file holds decoded frames. ``RLIMIT_CORE`` alone is ignored where the kernel pipes
    cores to a program (core(5)), so that on Linux the process is marked not dumpable, too
    (PR_SET_DUMPABLE, prctl(2)); ptrace by others than root is refused with it. Starting another
    program undoes the mark: each process calls this for itself.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
