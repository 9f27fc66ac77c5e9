"""A regions file: the regions of a run, one JSON line a frame, from which it can be redrawn.

The first line is about the recording: its SHA-256, size and frame count, and the settings. Every
other line is one frame, in order:

    {"seq": 0, "pts": 0, "time": 0.0, "made": 1, "regions": [{"id": 0, "x0": …, "y0": …, "x1": …,
     "y1": …, "basis": "detected", "track": 1, "confidence": 0.93, "shape": "ellipse"}]}

Boxes are half-open, in full-frame pixels, and may reach beyond the frame. ``made`` and ``id``
number the regions as blurcam made them, so that a reader can tell which were removed or added by
hand. A frame that is fully covered has a ``reason``.

A file made by hand or from another detector needs frames and boxes alone, and no first line:
``{"frame": 0, "boxes": [[x0, y0, x1, y1]]}``. Its boxes are faces, which are covered with a margin;
``regions`` are covered as they are.

A file whose name ends in ``.gz`` is compressed: it takes a tenth of the space.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from blurcam.errors import ConfigError, SinkOpenError, SinkWriteError
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage, Reason
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import StagedFile, refuse_existing
from blurcam.track.region_lines import coverage_of_line, frame_line

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a regions file."""

    input_sha256: str
    width: int
    height: int
    frame_count: int
    settings: dict[str, Any]
    version: str

    def to_json(self) -> str:
        """Return the line, without its end."""
        return json.dumps(
            {
                "format": FORMAT,
                "input_sha256": self.input_sha256,
                "width": self.width,
                "height": self.height,
                "frame_count": self.frame_count,
                "settings": self.settings,
                "version": self.version,
            }
        )


class RegionWriter:
    """Writes a regions file, which gets its header and its name when it is finished.

    The header is the first line, but its content is known last, when the frames are counted and
    the input is hashed. Until then the other lines are in a file without a name.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """Open the file without a name; refuse an existing one unless ``overwrite``."""
        refuse_existing(path, overwrite=overwrite)
        self._path = path
        self._staged = StagedFile(path, overwrite=overwrite)
        self.frame_count = 0
        try:
            folder = self._staged.part.parent
            self._body: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see close
        except OSError as exc:
            raise SinkOpenError(f"{path}: cannot be written: {exc.strerror}") from exc

    def record(self, covered: Iterable[tuple[Frame, Coverage]]) -> Iterator[tuple[Frame, Coverage]]:
        """Yield what comes, and write each frame's line."""
        for frame, coverage in covered:
            try:
                self._body.write(frame_line(frame, coverage).encode() + b"\n")
            except OSError as exc:
                raise SinkWriteError(f"{self._path}: {exc.strerror}") from exc
            self.frame_count += 1
            yield frame, coverage

    def finish(self, header: Header) -> None:
        """Write the header and the lines under the final name."""
        try:
            self._body.seek(0)
            with self._staged.open() as file, writing(file, self._path) as target:
                target.write(header.to_json().encode() + b"\n")
                shutil.copyfileobj(self._body, target)
            self._staged.publish()
        except FileExistsError as exc:
            raise SinkWriteError(f"{self._path}: has appeared meanwhile") from exc
        except OSError as exc:
            raise SinkWriteError(f"{self._path}: {exc.strerror}") from exc

    def close(self) -> None:
        """Release the files, and remove an unfinished one."""
        with suppress(OSError):  # a full disk; the file is thrown away
            self._body.close()
        self._staged.discard()


@contextmanager
def writing(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """Give what to write into; compressed where the name says so."""
    if path.suffix != ".gz":
        yield file
        return
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        yield cast(IO[bytes], packed)


def open_lines(path: Path) -> IO[str]:
    """Open a regions file to be read line by line; raises OSError."""
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")


class RegionReader:
    """Reads a regions file, line by line."""

    def __init__(self, path: Path, margin: float = 1.0) -> None:
        """Open the file and read its ``header``: ``None`` if the file has frames alone.

        ``margin`` is the size of the cover over that of the boxes of such a file.
        """
        self._path = path
        self._margin = margin
        self._first: dict[str, Any] | None = None
        try:
            self._lines = open_lines(path)
        except OSError as exc:
            raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
        self._number = 0
        self.removed = 0
        self.added = 0
        try:
            self.header = self._header()
        except BaseException:
            self.close()
            raise

    def _header(self) -> Header | None:
        line = self._next()
        if line is not None and "format" not in line and ("regions" in line or "boxes" in line):
            self._first = line
            return None
        try:
            if line is None or line["format"] != FORMAT:
                raise KeyError("format")
            return Header(
                input_sha256=str(line["input_sha256"]),
                width=int(line["width"]),
                height=int(line["height"]),
                frame_count=int(line["frame_count"]),
                settings=dict(line["settings"]),
                version=str(line["version"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as exc:
            raise ConfigError(
                f"{self._path}: not a regions file; make one with: blurcam run --regions"
            ) from exc

    def _next(self) -> dict[str, Any] | None:
        if self._first is not None:
            line, self._first = self._first, None
            return line
        while text := self._line():
            self._number += 1
            if not text.strip():
                continue
            try:
                line = json.loads(text)
            except (ValueError, RecursionError) as exc:
                raise self._wrong("is not JSON") from exc
            if not isinstance(line, dict):
                raise self._wrong("is not a JSON object")
            return line
        return None

    def _line(self) -> str:
        """Return the next line with its end; nothing at the end of the file."""
        try:
            return self._lines.readline()
        except UnicodeDecodeError as exc:
            raise ConfigError(f"{self._path}: is not text, so not a regions file") from exc
        except (EOFError, OSError, zlib.error) as exc:
            raise ConfigError(f"{self._path}: cannot be read to its end: {exc}") from exc

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"{self._path}: line {self._number} {what}")

    def coverages(self) -> Iterator[Coverage]:
        """Yield the coverage of every line, and count the changes by hand."""
        last = -1
        while (line := self._next()) is not None:
            try:
                coverage, kept = coverage_of_line(line, self._margin)
                made = int(line.get("made", kept))
            except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as exc:
                why = " ".join(str(exc).split())
                raise self._wrong(f"is not a frame's regions: {why}") from exc
            if coverage.seq <= last:
                raise self._wrong(f"is out of order: frame {coverage.seq} after frame {last}")
            last = coverage.seq
            if self.header is not None:
                self.removed += max(0, made - kept)
                self.added += len(coverage.regions) - kept
            yield coverage

    def close(self) -> None:
        """Release the file."""
        self._lines.close()

    def redraw(
        self, frames: Iterable[Frame], counts: FrameCounts
    ) -> Iterator[tuple[Frame, Coverage]]:
        """Yield every frame with its coverage; a frame without a line is fully covered."""
        coverages = self.coverages()
        ahead = next(coverages, None)
        tracks: set[int] = set()
        for frame in frames:
            while ahead is not None and ahead.seq < frame.seq:
                ahead = next(coverages, None)
            if ahead is not None and ahead.seq == frame.seq:
                tracks.update(r.track for r in ahead.regions if r.track is not None)
                counts.tracks = len(tracks)
                yield frame, ahead
            else:
                yield frame, Coverage.whole(frame.seq, Reason.NO_LINE, frame.width, frame.height)


def read_regions(path: Path) -> tuple[Header, list[Coverage]]:
    """Return the header and all coverages of a file; for short recordings and for measuring."""
    reader = RegionReader(path)
    try:
        coverages = list(reader.coverages())
        if reader.header is None:
            raise ConfigError(f"{path}: its first line tells nothing of its recording")
        return reader.header, coverages
    finally:
        reader.close()
