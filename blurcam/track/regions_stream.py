"""The regions of a live run as JSON lines, for a program that draws or counts along with the video.

The first line tells the format; every other line is a frame's, as in a regions file. A line is
written before its frame. The video never waits for the reader of the lines: lines that would have
to wait are left out, and counted.
"""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterable, Iterator
from pathlib import Path

from blurcam.errors import ConfigError, SinkOpenError
from blurcam.media.formats import StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.runtime.counts import FrameCounts, counted
from blurcam.runtime.files import refuse_existing
from blurcam.settings.pipe import PipeSettings
from blurcam.track.region_lines import frame_line
from blurcam.track.regions_file import FORMAT


class RegionStream:
    """An open descriptor for the lines."""

    def __init__(self, descriptor: int, name: str, counts: FrameCounts) -> None:
        """Take over ``descriptor``."""
        self._descriptor = descriptor
        self._name = name
        self._counts = counts
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._rest = b""
        self._left_out = 0
        self._is_over = False

    def begin(self, info: StreamInfo, version: str) -> None:
        """Write the first line."""
        self._write(
            {
                "format": FORMAT,
                "live": True,
                "width": info.width,
                "height": info.height,
                "time_base": str(info.time_base),
                "version": version,
            }
        )

    def record(self, covered: Iterable[tuple[Frame, Coverage]]) -> Iterator[tuple[Frame, Coverage]]:
        """Yield what comes, and write each frame's line."""
        for frame, coverage in covered:
            self._send(frame_line(frame, coverage).encode("ascii") + b"\n")
            yield frame, coverage

    def _write(self, line: dict[str, object]) -> None:
        self._send(json.dumps(line).encode("ascii") + b"\n")

    def _send(self, line: bytes) -> None:
        """Write what can be written without waiting; a line that was begun is ended first."""
        if self._is_over:
            return
        if self._rest and not self._push():
            self._left_out += 1
            return
        self._rest = line
        self._push()

    def _push(self) -> bool:
        """Write the rest of a line as far as possible, and return whether all is written."""
        while self._rest and not self._is_over and self._poll.poll(0):
            try:
                written = os.write(self._descriptor, self._rest[: select.PIPE_BUF])
            except BlockingIOError:
                break
            except OSError as exc:
                self._is_over = True
                self._counts.notice(
                    f"{self._name}: no more regions are written there: {exc.strerror}"
                )
                return False
            self._rest = self._rest[written:]
        return not self._rest

    def close(self) -> None:
        """Release the descriptor, and tell how many lines were left out; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._left_out:
            lines = counted(self._left_out, "line")
            self._counts.notice(
                f"{self._name}: {lines} of regions left out: its reader is too slow"
            )
            self._left_out = 0


def open_regions(piping: PipeSettings, counts: FrameCounts) -> RegionStream | None:
    """Return the stream of lines; ``None`` if ``--regions`` was not given.

    Raises ConfigError for a descriptor that is not open, and for a file that exists already.
    """
    if piping.regions is None:
        return None
    number = piping.regions_descriptor()
    if number is not None:
        try:
            return RegionStream(os.dup(number), piping.regions, counts)
        except OSError as exc:
            raise ConfigError(
                f"regions: descriptor {number} is not open; open it in the shell: "
                f"blurcam pipe --regions fd:{number} {number}> regions.jsonl"
            ) from exc
    path = Path(piping.regions)
    refuse_existing(path, overwrite=piping.encode.overwrite)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        if path.is_fifo():
            flags = os.O_RDWR | os.O_CLOEXEC  # opens at once, even if nobody reads
        return RegionStream(os.open(path, flags, 0o666), str(path), counts)
    except OSError as exc:
        raise SinkOpenError(f"{path}: cannot be written: {exc.strerror}") from exc
