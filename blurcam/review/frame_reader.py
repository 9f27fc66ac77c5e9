"""Any frame of a recording, redacted: decoded as it is asked for, and never shown otherwise."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import RedactedFrame, redact
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.reading import READ_PLAINLY, ReadOptions
from blurcam.sources.keyframe_index import KeyframeIndex, index_of
from blurcam.sources.recording import RecordingSource, open_source

# A frame so little further on is reached by decoding those before it.
_NEAR: Final = 12


class RedactedReader:
    """Reads a recording at any frame. It gives redacted frames alone."""

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        count: int,
        effect: str,
        asked: ReadOptions = READ_PLAINLY,
        pts: Sequence[int] | None = None,
    ) -> None:
        """Read ``path``: so many frames of this size, at these ``pts`` where they are known."""
        self._size = size
        self._path = path
        self._asked = asked
        self._count = count
        self._pts = pts
        self._effect_name = effect
        self._effect = make_effect(effect)
        self._stamp = _stamp(path)
        self._keys: KeyframeIndex | None = None
        self._is_indexed = False
        self._source: RecordingSource | None = None
        self._frames: Iterator[Frame] = iter(())
        self._next = 0

    def redacted(self, coverage: Coverage) -> RedactedFrame:
        """Return the frame of this coverage, redacted.

        Raises :class:`~blurcam.errors.SourceError` where it cannot be read, or where the recording
        is not the one any more that it was when it was opened.
        """
        frame = self._frame(coverage.seq)
        if (frame.width, frame.height) != self._size:
            raise SourceReadError(
                f"{self._path}: is stored another way than the recording that it was made from, "
                "and cannot be shown without that"
            )
        return redact(frame, coverage, self._effect)

    def _frame(self, number: int) -> Frame:
        if not 0 <= number < self._count:
            raise SourceReadError(f"{self._path}: has no frame {number}")
        if self._source is None or not self._next <= number <= self._next + _NEAR:
            self._restart(number)
        for frame in self._frames:
            found = self._next
            self._next += 1
            if self._pts is not None and frame.pts != self._pts[found]:
                raise SourceReadError(
                    f"{self._path}: frame {found} is not where it was when it was redacted"
                )
            if found == number:
                return replace(frame, seq=number)
        raise SourceReadError(f"{self._path}: ends before frame {number}")

    def _restart(self, number: int) -> None:
        """Begin to decode at the last key frame before this one, else at the beginning."""
        self.close()
        if _stamp(self._path) != self._stamp:
            raise SourceOpenError(f"{self._path}: has changed since it was opened; open it again")
        self._effect = make_effect(self._effect_name)
        self._source = open_source(self._path, FrameCounts(), self._asked)
        self._next = 0
        key = self._key_before(number)
        if key is not None:
            self._source.seek(key[1])
            self._next = key[0]
        self._frames = self._source.frames()

    def _key_before(self, number: int) -> tuple[int, int] | None:
        """Return the frame to decode from and its pts, ``None`` for the beginning."""
        if number <= _NEAR:
            return None
        if not self._is_indexed:
            self._keys = self._indexed()
            self._is_indexed = True
        if self._keys is None:
            return None  # an unusual recording is read from its beginning
        before = bisect_right(self._keys.keys, self._keys.times[number])
        pts = self._keys.keys[before - 1]
        key = bisect_right(self._keys.times, pts) - 1
        return (key, pts) if key else None

    def _indexed(self) -> KeyframeIndex | None:
        found = index_of(self._path, 0.0, self._asked)
        if found is None or len(found.times) != self._count:
            return None
        return found if self._pts is None or found.times == tuple(self._pts) else None

    def close(self) -> None:
        """Release the recording; safe to call twice."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self._frames = iter(())


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as exc:
        raise SourceOpenError(f"{path}: cannot be read: {exc.strerror}") from exc
    return found.st_ino, found.st_size, found.st_mtime_ns
