"""The regions of a run, one JSON line a frame: written beside a redaction, read to redraw it.

The first line is about the whole: the input's SHA-256, size and frame count, and the settings.
Every other line is one frame, in order:

    {"seq": 0, "pts": 0, "time": 0.0, "made": 1, "regions": [{"id": 0, "x0": …, "y0": …, "x1": …,
     "y1": …, "basis": "detected", "track": 1, "confidence": 0.93, "shape": "ellipse"}]}

Boxes are half-open, in full-frame pixels, and may reach beyond the frame. ``made`` and ``id``
count the regions as blurcam made them, so that what was removed or added by hand can be told.
A frame that is fully covered has a ``reason``.

A file that is made by hand or from another detector needs frames and boxes alone, and no first
line: ``{"frame": 0, "boxes": [[x0, y0, x1, y1]]}``. Its boxes are faces, which are covered with a
margin; ``regions`` are covered as they are.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from blurcam.errors import ConfigError, SinkOpenError, SinkWriteError
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region, Shape
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import StagedFile, refuse_existing

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
    """Writes a regions file, which gets its name with its header when it is finished.

    The header is the first line, and known last: only then are the frames counted and the input
    hashed. The other lines wait in a file without a name.
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
        """Yield what comes, noting each frame's regions on its way."""
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
            with self._staged.open() as target:
                target.write(header.to_json().encode() + b"\n")
                self._body.seek(0)
                shutil.copyfileobj(self._body, target)
            self._staged.publish()
        except FileExistsError as exc:
            raise SinkWriteError(f"{self._path}: has appeared meanwhile") from exc
        except OSError as exc:
            raise SinkWriteError(f"{self._path}: {exc.strerror}") from exc

    def close(self) -> None:
        """Release the lines, and remove what was not finished: it serves nobody."""
        with suppress(OSError):  # a full disk; the file is thrown away
            self._body.close()
        self._staged.discard()


def frame_line(frame: Frame, coverage: Coverage) -> str:
    """Return a frame's regions as one line of JSON, without its end."""
    line: dict[str, Any] = {
        "seq": frame.seq,
        "pts": frame.pts,
        "time": round(float(frame.time), 6),
        "made": len(coverage.regions),
        "regions": [_region_out(i, region) for i, region in enumerate(coverage.regions)],
    }
    if coverage.reason is not None:
        line["reason"] = coverage.reason.value
    return json.dumps(line)


def _region_out(number: int, region: Region) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": number,
        "x0": region.box.x0,
        "y0": region.box.y0,
        "x1": region.box.x1,
        "y1": region.box.y1,
        "basis": region.basis.value,
        "track": region.track,
        "confidence": None if region.confidence is None else round(region.confidence, 4),
        "shape": region.shape.value,
    }
    if region.points:
        out["points"] = region.points
    return out


class RegionReader:
    """Reads a regions file, line by line."""

    def __init__(self, path: Path, margin: float = 1.0) -> None:
        """Open it and read the header; ``None`` where the file has frames alone.

        ``margin`` is the size of what is covered over that of the boxes of such a file.
        """
        self._path = path
        self._margin = margin
        self._first: dict[str, Any] | None = None
        try:
            self._lines: IO[str] = path.open(encoding="utf-8")
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

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"{self._path}: line {self._number} {what}")

    def coverages(self) -> Iterator[Coverage]:
        """Yield the coverage of every line, and count what was changed by hand."""
        last = -1
        while (line := self._next()) is not None:
            try:
                coverage, kept = _coverage_in(line, self._margin)
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
        self, frames: Iterable[Frame], tally: FrameCounts
    ) -> Iterator[tuple[Frame, Coverage]]:
        """Yield every frame with its coverage on file; whole where there is no line for it."""
        coverages = self.coverages()
        ahead = next(coverages, None)
        tracks: set[int] = set()
        for frame in frames:
            while ahead is not None and ahead.seq < frame.seq:
                ahead = next(coverages, None)
            if ahead is not None and ahead.seq == frame.seq:
                tracks.update(r.track for r in ahead.regions if r.track is not None)
                tally.tracks = len(tracks)
                yield frame, ahead
            else:
                yield frame, Coverage.whole(frame.seq, Reason.NO_LINE, frame.width, frame.height)


def _coverage_in(line: dict[str, Any], margin: float) -> tuple[Coverage, int]:
    """Return the coverage of a line, and how many of its regions blurcam had made."""
    given = line.get("regions", ())
    faces = tuple(_face_in(each, margin) for each in line.get("boxes", ()))
    if "regions" not in line and "boxes" not in line:
        raise KeyError("regions")
    regions = (*(_region_in(each) for each in given), *faces)
    kept = len({each["id"] for each in given if isinstance(each.get("id"), int)})
    is_whole = any(region.shape is Shape.WHOLE for region in regions)
    reason = Reason(line.get("reason", Reason.ASKED)) if is_whole else None
    return Coverage(int(line["seq"] if "seq" in line else line["frame"]), regions, reason), kept


def _face_in(box: Any, margin: float) -> Region:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"{[x0, y0, x1, y1]} is no box; write [left, top, right, bottom]")
    return Region(Box.around(x0, y0, x1, y1).grown(margin), Basis.DETECTED)


def _region_in(each: dict[str, Any]) -> Region:
    shape = Shape(each.get("shape", Shape.ELLIPSE))
    track, confidence = each.get("track"), each.get("confidence")
    return Region(
        box=Box(int(each["x0"]), int(each["y0"]), int(each["x1"]), int(each["y1"])),
        basis=Basis(each.get("basis", Basis.DETECTED)),
        track=None if track is None else int(track),
        confidence=None if confidence is None else float(confidence),
        shape=shape,
        points=tuple((int(x), int(y)) for x, y in each.get("points", ())),
    )


def read_regions(path: Path) -> tuple[Header, list[Coverage]]:
    """Return all of a regions file of a run; for short recordings and for measuring."""
    reader = RegionReader(path)
    try:
        coverages = list(reader.coverages())
        if reader.header is None:
            raise ConfigError(f"{path}: says nothing of its recording in its first line")
        return reader.header, coverages
    finally:
        reader.close()
