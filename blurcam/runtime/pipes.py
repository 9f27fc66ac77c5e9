"""Pipes with a larger buffer than the system's default of 64 KiB."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from typing import Final

PIPE_BYTES: Final = 1 << 20
"""The size of a widened pipe's buffer."""


def widen(pipe: int) -> None:
    """Enlarge a pipe's buffer, so that a large frame needs fewer turns; Linux only."""
    with suppress(OSError, AttributeError):  # not a pipe, more than this user may have, not Linux
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
