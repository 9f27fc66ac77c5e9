"""The regions that a job keeps, so that its redactions can be reviewed.

They lie below the root, in a folder of blurcam's own, by the row of the recording and the SHA-256
of the redaction that was drawn from them. So those of another redaction are never taken for them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from blurcam.batch.output_names import translating_errors

_SUFFIX: Final = ".regions.jsonl.gz"


def regions_beside(unfinished: Path) -> Path:
    """Return where a worker writes the regions of what it writes."""
    return unfinished.with_name(unfinished.stem + _SUFFIX)


def regions_name(number: int, digest: str) -> str:
    """Return the name under which the regions of a redaction are kept."""
    return f"{number}-{digest}{_SUFFIX}"


class RegionsFolder:
    """Where the regions of a job are kept, by handles."""

    def __init__(self, path: Path, work: int, handle: int) -> None:
        """Use :func:`~blurcam.batch.output_folder.open_output`; ``work`` is where workers write."""
        self.path = path
        self._work = work
        self._handle = handle

    def keep(self, staged: str, name: str) -> None:
        """Give a worker's regions the name under which they are kept, if they are there.

        Raises SinkWriteError.
        """
        with translating_errors(self.path / name), suppress(FileNotFoundError):
            os.replace(staged, name, src_dir_fd=self._work, dst_dir_fd=self._handle)
            os.fsync(self._handle)

    def link(self, name: str, other: str) -> None:
        """Keep regions for another redaction too, which was drawn from them; SinkWriteError."""
        with translating_errors(self.path / other), suppress(FileExistsError):
            os.link(name, other, src_dir_fd=self._handle, dst_dir_fd=self._handle)
            os.fsync(self._handle)

    def remove(self, name: str) -> None:
        """Remove regions, if they are there."""
        with suppress(OSError):  # in the way of nobody
            os.unlink(name, dir_fd=self._handle)
