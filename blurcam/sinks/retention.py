"""The recordings that are there already: how long they stay, what goes when the disk is full."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blurcam.errors import SinkWriteError, SourceOpenError
from blurcam.media.clock import Clock
from blurcam.runtime.status import Storage
from blurcam.sources.open import FAULTS, open_path

logger = logging.getLogger(__name__)

# Counting a month of recordings, a file a minute, takes a tenth of a second.
_COUNT_SECONDS: Final = 60.0
# Free space is asked for more often: a disk fills faster than its recordings are counted.
_FREE_SECONDS: Final = 2.0
# An unplayable file larger than this is left for somebody to look at.
_NOTHING_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Retention:
    """How long recordings stay, and how much disk they may take; ``None`` for no limit.

    ``free`` bytes of the disk are left to others: below that the oldest recordings go or, with
    ``delete_when_full`` false, recording stops until there is room.
    """

    seconds: float | None = None
    bytes: int | None = None
    free: int = 256 << 20
    delete_when_full: bool = True


@dataclass(frozen=True, slots=True)
class _Recording:
    path: Path
    size: int
    changed: float


class PatternFiles:
    """All files that a pattern names, and no other: nothing else is ever deleted."""

    def __init__(self, pattern: str, keep: Retention, clock: Clock) -> None:
        """Look after the files of this strftime pattern."""
        self._is_pattern = "%" in pattern
        self._keep = keep
        self._clock = clock
        fixed = [part for part in Path(pattern).parts[:-1]]
        root = next((n for n, part in enumerate(fixed) if "%" in part), len(fixed))
        self._root = Path(*fixed[:root]) if root else Path()
        self._name = re.compile(_expression(pattern))
        self._counted = self._asked = float("-inf")
        self.storage: Storage | None = None

    def recover(self) -> None:
        """Give what a killed process left behind its name, if there is a picture to play in it.

        Killed within its first second, an MP4 holds a header and nothing else.
        """
        for part in self._files(suffix=".part"):
            final = part.path.with_name(part.path.name.removesuffix(".part"))
            with suppress(OSError):
                if not _is_playable(part.path):
                    if part.size < _NOTHING_BYTES:
                        part.path.unlink()
                elif not final.exists():
                    part.path.rename(final)

    def tend(self, writing: Path) -> None:
        """Delete what is too old or too much, now and then; raises SinkWriteError if full."""
        now = self._clock.elapsed()
        if now - self._counted >= _COUNT_SECONDS:
            self._counted = now
            self._retire(writing)
        if now - self._asked >= _FREE_SECONDS:
            self._asked = now
            self.make_room(writing)

    def make_room(self, writing: Path | None = None) -> None:
        """Delete the oldest recordings while the disk is fuller than it may be."""
        free = self._free()
        if free >= self._keep.free:
            self._note(free)
            return
        if self._keep.delete_when_full:
            for oldest in self._files():
                if oldest.path != writing and free < self._keep.free:
                    self._delete(oldest, "the disk is full")
                    free = self._free()
        self._counted = float("-inf")
        if free < self._keep.free:
            raise SinkWriteError(
                f"{self._root}: the disk is full ({free >> 20} MB left of {self._keep.free >> 20} "
                "MB to leave free); recording waits for room"
            )

    def _retire(self, writing: Path) -> None:
        found = [each for each in self._files() if each.path != writing]
        kept = sum(each.size for each in found)
        for each in found:
            too_old = (
                self._keep.seconds is not None
                and self._clock.wall() - each.changed > self._keep.seconds
            )
            if too_old or (self._keep.bytes is not None and kept > self._keep.bytes):
                self._delete(each, "it is older than is kept" if too_old else "more than is kept")
                kept -= each.size
        left = [each for each in found if each.path.exists()]
        self.storage = Storage(
            kept=kept, free=self._free(), oldest=left[0].changed if left else None
        )

    def _delete(self, recording: _Recording, why: str) -> None:
        logger.info("%s: deleted: %s", recording.path, why)
        with suppress(OSError):
            recording.path.unlink()
            for folder in recording.path.parents:
                if folder in (self._root, Path()):
                    break
                folder.rmdir()  # only an empty one goes

    def _files(self, suffix: str = "") -> Iterator[_Recording]:
        """Return the recordings, the oldest first."""
        found = []
        if self._is_pattern and self._root.is_dir():
            for path in self._root.rglob("*"):
                name = str(path).removesuffix(suffix) if suffix else str(path)
                if path.name.endswith(suffix) and self._name.fullmatch(name):
                    with suppress(OSError):
                        stat = path.stat()
                        found.append(_Recording(path, stat.st_size, stat.st_mtime))
        return iter(sorted(found, key=lambda each: (each.changed, each.path)))

    def _free(self) -> int:
        folder = self._root.absolute()
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def _note(self, free: int) -> None:
        if self.storage is not None:
            self.storage = Storage(kept=self.storage.kept, free=free, oldest=self.storage.oldest)


def _is_playable(path: Path) -> bool:
    try:
        with open_path(path) as container:
            return any(packet.size for packet in container.demux(video=0))
    except (SourceOpenError, *FAULTS, IndexError):
        return False


def _expression(pattern: str) -> str:
    """Return a regular expression for the names that the pattern gives, numbered ones too."""
    path = str(Path(pattern))
    stem = path.removesuffix(Path(pattern).suffix)
    pieces = re.split(r"(%-?[A-Za-z%])", stem)
    made = "".join(
        re.escape("%") if piece == "%%" else _digits(piece) if n % 2 else re.escape(piece)
        for n, piece in enumerate(pieces)
    )
    return made + r"(?:-\d+)?" + re.escape(Path(pattern).suffix)


def _digits(directive: str) -> str:
    if directive[-1] in "aAbBpZcxX":
        return r"[^/]+"
    return r"[+-]\d+" if directive == "%z" else r"\d+"
