"""The frame buffer: frames that wait for those after them, within a limit of memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from blurcam.detect.detector import Finding
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts, counted

Scanned = tuple[Frame, Finding]


class FrameBuffer:
    """Frames in order, each with its finding; all sessions of a run share one buffer."""

    def __init__(self, most_bytes: int | None, counts: FrameCounts) -> None:
        """Hold at most that many bytes of frames (``None``: any), and note the first lack."""
        self._most_bytes = most_bytes
        self._counts = counts
        self._entries: deque[Scanned] = deque()
        self._bytes = 0
        self._was_full = False

    def __len__(self) -> int:
        """Return how many frames wait."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Scanned]:
        """Return the frames that wait, the oldest first."""
        return iter(self._entries)

    @property
    def oldest(self) -> Frame:
        """The frame that leaves next."""
        return self._entries[0][0]

    def put(self, frame: Frame, finding: Finding) -> None:
        """Add a frame."""
        self._entries.append((frame, finding))
        self._bytes += frame.nbytes

    def pop(self) -> Scanned:
        """Remove and return the oldest frame."""
        entry = self._entries.popleft()
        self._bytes -= entry[0].nbytes
        return entry

    @property
    def is_full(self) -> bool:
        """Whether the oldest frame must leave to keep to the limit; one frame may always wait."""
        if self._most_bytes is None or self._bytes <= self._most_bytes or len(self) < 2:
            return False
        if not self._was_full:
            self._was_full = True
            self._note()
        return True

    def _note(self) -> None:
        seconds = float(self._entries[-1][0].time - self._entries[1][0].time)
        self._counts.notice(
            f"memory holds {counted(len(self) - 1, 'frame')} ({seconds:.2f} s) at once, so that "
            "less was looked ahead than --lead and --bridge ask for; --memory allows more"
        )
