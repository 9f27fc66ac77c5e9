"""Retention: it deletes recordings that are too old, too many, or fill the disk; nothing else."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import Final

from blurcam.errors import SinkWriteError
from blurcam.media.clock import Clock
from blurcam.runtime.folders import folder_below
from blurcam.runtime.status import Storage
from blurcam.settings.recording_names import NamePattern
from blurcam.sinks.pattern_lock import PatternLock
from blurcam.sinks.recording_ages import RecordingAges
from blurcam.sinks.segment_file import PART

logger = logging.getLogger(__name__)

# Counting a month of recordings, a file a minute, takes 0.3 s of a core.
_COUNT_SECONDS: Final = 60.0
# Free space is checked more often: a disk fills faster than its recordings are counted.
_FREE_SECONDS: Final = 2.0
# The share of the recordings that may be deleted in one pass, for any reason. If that is a mistake,
# there are minutes in which somebody can see it in the log and stop it.
_SHARE: Final = 0.1
# After this many deletions in a row that free nothing (snapshots, hard links) no more are made.
_MOST_USELESS: Final = 2
# Other processes write to the disk, too, so that less space seems freed than was.
_NOTICEABLE: Final = 0.5
# Btrfs frees deleted files when it commits, half a minute later.
_LATE_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long recordings stay, and how much disk they may take; ``None`` for no limit.

    ``free`` bytes of the disk are left to others. If less is free, the oldest recordings are
    deleted or, with ``delete_when_full`` false, recording stops until there is room.
    """

    seconds: float | None = None
    bytes: int | None = None
    free: int = 256 << 20
    delete_when_full: bool = True


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """A file that a pattern names.

    ``moment`` is the later of its name's time and its last change. ``freed`` is what its deletion
    frees: nothing while another name leads to the same bytes.
    """

    path: str
    size: int
    freed: int
    moment: float
    age: float


@dataclass(slots=True)
class _Useless:
    """Deletions in a row after which the disk was as full as before."""

    count: int = 0
    since: float = 0.0
    free: int = 0
    missing: int = 0

    def note(self, expected: int, before: int, after: int, now: float) -> None:
        if after - before >= _NOTICEABLE * expected:
            self.count = 0
            return
        if not self.count:
            self.since, self.free = now, before
        self.count += 1
        self.missing = expected

    def forget_if_freed_late(self, free: int) -> None:
        if self.count and free - self.free >= _NOTICEABLE * self.missing:
            self.count = 0

    def lasts(self, now: float) -> bool:
        return self.count >= _MOST_USELESS and now - self.since > _LATE_SECONDS


class PatternFiles:
    """All files that a pattern names, ordered by age; no other file is ever deleted.

    It outlives the outputs that write by the pattern, so that it watches the clock for as long as
    the camera's process runs.
    """

    def __init__(self, names: NamePattern, keep: Retention, clock: Clock) -> None:
        """Manage the files of this pattern; :meth:`tend` deletes."""
        self.names = names
        self._keep = keep
        self._clock = clock
        self._ages = RecordingAges(clock)
        # So that a short `keep` does not need more than its share in a pass.
        self._count_seconds = min(_COUNT_SECONDS, (keep.seconds or _COUNT_SECONDS * 20) / 20)
        self._counted = self._asked = float("-inf")
        self._useless = _Useless()
        self._lock: PatternLock | None = None
        self._users = 0
        self._times: dict[str, float | None] = {}
        self.storage: Storage | None = None

    def lock(self) -> None:
        """Lock the pattern against other processes, until :meth:`unlock` was called as often.

        Raises SinkOpenError if another process has the lock. An output whose disk hangs never
        unlocks, and its successor in this process goes on with the same lock.
        """
        if self._lock is None and self.names.is_pattern:
            self._lock = PatternLock(self.names)
        self._users += 1

    def unlock(self) -> None:
        """Release the lock if this was the last output of this process with the pattern."""
        self._users -= 1
        if not self._users and self._lock is not None:
            self._lock.close()
            self._lock = None

    def tend(self, writing: Path) -> None:
        """Delete recordings that are due, now and then; raises SinkWriteError for a full disk."""
        now = self._clock.elapsed()
        if now - self._asked < _FREE_SECONDS:
            return
        self._asked = now
        self._ages.compare()
        if now - self._counted >= self._count_seconds:
            self._counted = now
            self._retire(writing)
        self.make_room(writing)

    def make_room(self, writing: Path | None = None) -> None:
        """Delete the oldest recordings while too little of the disk is free.

        Raises SinkWriteError, with nothing deleted, if that cannot help.
        """
        free = self._free()
        if free >= self._keep.free:
            self._useless = _Useless()
            self._note(free)
            return
        self._counted = float("-inf")
        if not self._keep.delete_when_full:
            raise self._full(free, "recording waits for room")
        found = self.recordings(writing)
        if free + sum(each.freed for each in found) < self._keep.free:
            raise self._full(free, "deleting every recording would not make enough room")
        self._useless.forget_if_freed_late(free)
        for oldest in [each for each in found if each.freed][: self._share(found)]:
            if free >= self._keep.free or self._useless.count >= _MOST_USELESS:
                break
            self._delete(oldest, "the disk is full")
            before, free = free, self._free()
            self._useless.note(oldest.freed, before, free, self._clock.elapsed())
        if self._useless.lasts(self._clock.elapsed()):
            raise self._full(free, "deleting recordings freed nothing (snapshots?), so it stopped")

    def _full(self, free: int, what: str) -> SinkWriteError:
        left, wanted = _megabytes(free), _megabytes(self._keep.free)
        return SinkWriteError(
            f"{self.names.root}: the disk is full: {left} free, {wanted} are to be left free "
            f"(leave_free); {what}"
        )

    def _retire(self, writing: Path) -> None:
        found = self.recordings(writing)
        kept = sum(each.size for each in found)
        doomed = []
        for each in found:  # the oldest first, so that all after one that stays stay, too
            why = self._why_not_kept(each, kept)
            if why is None:
                break
            doomed.append((each, why))
            kept -= each.size
        if not self._ages.is_settled:
            doomed = []
        most = self._share(found)
        for each, why in doomed[:most]:
            self._delete(each, why)
        if len(doomed) > most:
            logger.warning(
                "%s: %d of %d recordings are due for deletion; %d are deleted every %.0f s",
                self.names.text, len(doomed), len(found), most, self._count_seconds,
            )  # fmt: skip
        left = [each for each in found if os.path.lexists(each.path)]
        self.storage = Storage(
            kept=sum(each.size for each in left),
            free=self._free(),
            oldest=left[0].moment if left else None,
        )

    def _why_not_kept(self, recording: KeptRecording, kept: int) -> str | None:
        keep = self._keep
        if keep.seconds is not None and recording.age > keep.seconds:
            return f"it is {recording.age:.0f} s old, and {keep.seconds:.0f} s are kept (keep)"
        if keep.bytes is not None and kept > keep.bytes:
            return (
                f"the recordings take {_megabytes(kept)}, and {_megabytes(keep.bytes)} are kept "
                "(keep_size)"
            )
        return None

    @staticmethod
    def _share(found: list[KeptRecording]) -> int:
        return max(1, int(len(found) * _SHARE))

    def _delete(self, recording: KeptRecording, why: str) -> None:
        logger.info("%s: deleted: %s", recording.path, why)
        path, root = Path(recording.path), self.names.root
        with suppress(OSError):
            with folder_below(root, path.parent) as folder:
                os.unlink(path.name, dir_fd=folder)
            while path.parent != root:
                path = path.parent
                with folder_below(root, path.parent) as folder:
                    os.rmdir(path.name, dir_fd=folder)

    def recordings(
        self, writing: Path | None = None, *, parts_only: bool = False
    ) -> list[KeptRecording]:
        """Return the files of the pattern except the one being written, the oldest first.

        Unfinished files of a killed process are among them, since no other process writes them.
        """
        if not self.names.is_pattern:
            return []
        found = [
            each
            for path in self._paths()
            if path.endswith(PART) or not parts_only
            if writing is None or not path.endswith(writing.name) or Path(path) != writing
            for each in self._recording(path)
        ]
        if not parts_only:
            self._times = {each.path: self._times[each.path] for each in found}
        return sorted(found, key=lambda each: (-each.age, each.path))

    def _paths(self) -> Iterator[str]:
        """Yield all files in folders that the pattern can make; enter no other, and no link."""
        root = str(self.names.root)
        for folder, inner, files in os.walk(root):
            below = "" if folder == root else f"{os.path.relpath(folder, root)}/"
            inner[:] = [name for name in inner if self.names.may_hold(f"{below}{name}")]
            yield from (os.path.join(folder, name) for name in files)  # noqa: PTH118 - 40,000 of them

    def _recording(self, path: str) -> Iterator[KeptRecording]:
        if path not in self._times:
            named = Path(path.removesuffix(PART))
            if not self.names.recognises(named):
                return
            self._times[path] = self.names.time_of(named)
        with suppress(OSError):
            stat = os.lstat(path)
            if S_ISREG(stat.st_mode):
                size = stat.st_blocks * 512
                freed = size if stat.st_nlink == 1 else 0
                moment = max(stat.st_mtime, self._times[path] or stat.st_mtime)
                yield KeptRecording(path, size, freed, moment, self._ages.least(moment))

    def _free(self) -> int:
        folder = self.names.root.absolute()
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def _note(self, free: int) -> None:
        if self.storage is not None:
            self.storage = replace(self.storage, free=free)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count >= 10_000_000 else f"{count / 1e3:.0f} kB"
