"""The regions of a live run as JSON lines, for whoever draws or counts along with the picture.

The first line says what the lines are; every other one is a frame's, as in a regions file. A line
is written before its frame. The picture never waits for whoever reads them: lines that would have
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
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import refuse_existing
from blurcam.settings.pipe import PipeSettings
from blurcam.track.region_lines import frame_line
from blurcam.track.regions_file import FORMAT


class RegionStream:
    """An open descriptor for the lines."""

    def __init__(self, descriptor: int, name: str, tally: FrameCounts) -> None:
        """Take over ``descriptor``."""
        self._descriptor = descriptor
        self._name = name
        self._tally = tally
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
        """Yield what comes, writing each frame's line on its way."""
        for frame, coverage in covered:
            self._send(frame_line(frame, coverage).encode("ascii") + b"\n")
            yield frame, coverage

    def _write(self, line: dict[str, object]) -> None:
        self._send(json.dumps(line).encode("ascii") + b"\n")

    def _send(self, line: bytes) -> None:
        """Write what can be written without waiting; a line begun is always ended first."""
        if self._is_over:
            return
        if self._rest and not self._push():
            self._left_out += 1
            return
        self._rest = line
        self._push()

    def _push(self) -> bool:
        """Write the rest of a line as far as it goes; whether all of it went."""
        while self._rest and not self._is_over and self._poll.poll(0):
            try:
                written = os.write(self._descriptor, self._rest[: select.PIPE_BUF])
            except BlockingIOError:
                break
            except OSError as exc:
                self._is_over = True
                self._tally.notice(f"{self._name}: no more regions go there: {exc.strerror}")
                return False
            self._rest = self._rest[written:]
        return not self._rest

    def close(self) -> None:
        """Release the descriptor, and say how many lines were left out; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._left_out:
            self._tally.notice(
                f"{self._name}: {self._left_out} lines of regions left out: its reader is too slow"
            )
            self._left_out = 0


def open_regions(piping: PipeSettings, tally: FrameCounts) -> RegionStream | None:
    """Return where the lines go, ``None`` where nobody asked for them.

    Raises ConfigError for a descriptor that is not open, and for a file that exists already.
    """
    if piping.regions is None:
        return None
    number = piping.regions_descriptor()
    if number is not None:
        try:
            return RegionStream(os.dup(number), piping.regions, tally)
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
            flags = os.O_RDWR | os.O_CLOEXEC  # waits for no reader, and does not fail without one
        return RegionStream(os.open(path, flags, 0o666), str(path), tally)
    except OSError as exc:
        raise SinkOpenError(f"{path}: cannot be written: {exc.strerror}") from exc
