"""The crop that a container declares: Matroska's PixelCrop, MP4's clap.

FFmpeg reads both as side data of the stream, which PyAV 18 does not expose; decoders do not apply
them. What a container crops off was not meant to be seen.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from blurcam.media.formats import PixelFormat
from blurcam.media.frames import Plane

# Headers larger than this are not read.
_MOST_BYTES: Final = 64 << 20
_TRACKS, _ENTRY, _KIND, _VIDEO = 0x1654AE6B, 0xAE, 0x83, 0xE0
_SEGMENT, _CLUSTER, _HEADER = 0x18538067, 0x1F43B675, 0x1A45DFA3
_SIDES: Final = {0x54CC: 0, 0x54BB: 1, 0x54DD: 2, 0x54AA: 3}
_PATH: Final = (b"mdia", b"minf", b"stbl", b"stsd")
_ENTRY_BYTES: Final = 78


@dataclass(frozen=True, slots=True)
class Crop:
    """How many pixels are cropped off each side of a coded frame."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size of the frame that is left."""
        return width - self.left - self.right, height - self.top - self.bottom

    def fits(self, width: int, height: int) -> bool:
        """Whether something of the frame is left, and nothing is added."""
        return (
            min(self.left, self.top, self.right, self.bottom) >= 0 < min(self.size(width, height))
        )

    def applied(self, planes: tuple[Plane, ...], own: PixelFormat) -> tuple[Plane, ...]:
        """Return views of the part of the planes that is left."""
        if self == NO_CROP:
            return planes
        rows, columns = planes[0].shape
        width, height = self.size(columns, rows)
        cut = []
        for index, plane in enumerate(planes):
            is_small = index > 0 and not own.is_rgb
            top = self.top >> (own.shift_y if is_small else 0)
            left = self.left >> (own.shift_x if is_small else 0)
            high, wide = own.plane_shape(index, width, height)
            cut.append(plane[top : top + high, left : left + wide])
        return tuple(cut)


NO_CROP: Final = Crop()
"""The whole frame is shown."""


def crop_of(path: Path, format: str, video: int) -> Crop:
    """Return the crop that a file of this format declares for a video track, counted from 0."""
    try:
        with path.open("rb") as file:
            return crop_in(file, format, video)
    except OSError:
        return NO_CROP


def crop_in(file: IO[bytes], format: str, video: int) -> Crop:
    """Return the same of an open file, which is left where it was read from.

    What cannot be understood crops nothing.
    """
    place = file.tell()
    try:
        return _crop_in(file, format, video)
    finally:
        file.seek(place)


def _crop_in(file: IO[bytes], format: str, video: int) -> Crop:
    if "matroska" in format:
        read = _matroska_crops
    elif "mp4" in format:
        read = _mp4_crops
    else:
        return NO_CROP
    try:
        for number, crop in enumerate(read(file)):
            if number == video:
                return crop
    except (struct.error, IndexError, ValueError, ZeroDivisionError, EOFError):
        pass
    return NO_CROP


# Matroska (RFC 9559) -----------------------------------------------------------------------------


def _number(data: bytes, place: int, *, keep: bool) -> tuple[int, int]:
    """Return a coded number, with its length marker if ``keep``, and the place of its end."""
    length = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + length], "big")
    if length > 8 or place + length > len(data):
        raise EOFError
    return (value if keep else value & ((1 << 7 * length) - 1)), place + length


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(data):
        kind, place = _number(data, place, keep=True)
        size, place = _number(data, place, keep=False)
        yield kind, data[place : place + size]
        place += size


def _tracks(file: IO[bytes]) -> bytes:
    """Return the content of a file's Tracks, which comes before the first Cluster."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(12)
        kind, end = _number(head, 0, keep=True)
        size, end = _number(head, end, keep=False)
        if kind == _CLUSTER:
            raise EOFError
        if kind == _SEGMENT:
            place += end
            continue
        if kind == _TRACKS and size <= _MOST_BYTES:
            file.seek(place + end)
            return file.read(size)
        place += end + size


def _matroska_crops(file: IO[bytes]) -> Iterator[Crop]:
    for kind, entry in _elements(_tracks(file)):
        if kind != _ENTRY:
            continue
        parts = dict(_elements(entry))
        if int.from_bytes(parts.get(_KIND, b""), "big") == 1:
            sides = [0, 0, 0, 0]
            for name, value in _elements(parts.get(_VIDEO, b"")):
                if name in _SIDES:
                    sides[_SIDES[name]] = int.from_bytes(value, "big")
            yield Crop(*sides)


# MP4 (ISO/IEC 14496-12, 12.1.4) ------------------------------------------------------------------


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        size = size or len(data) - place
        if size < head:
            raise ValueError("a box smaller than its head")
        yield kind, data[place + head : place + size]
        place += size


def _inner(data: bytes, kind: bytes) -> bytes:
    return next((inner for name, inner in _boxes(data) if name == kind), b"")


def _movie(file: IO[bytes]) -> bytes:
    place = 0
    while True:
        file.seek(place)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        start = 16 if size == 1 else 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", head, 8)
        if kind == b"moov":
            file.seek(place + start)
            return file.read(min(size - start, _MOST_BYTES) if size else _MOST_BYTES)
        if size < start:
            raise EOFError
        place += size


def _mp4_crops(file: IO[bytes]) -> Iterator[Crop]:
    for kind, track in _boxes(_movie(file)):
        if kind != b"trak" or _inner(_inner(track, b"mdia"), b"hdlr")[8:12] != b"vide":
            continue
        content = track
        for name in _PATH:
            content = _inner(content, name)
        entry = next((inner for _, inner in _boxes(content[8:])), b"")
        width, height = struct.unpack_from(">HH", entry, 24)
        yield _aperture(_inner(entry[_ENTRY_BYTES:], b"clap"), width, height)


def _aperture(box: bytes, width: int, height: int) -> Crop:
    if len(box) < 32:
        return NO_CROP
    numbers = struct.unpack(">IIIIiIiI", box[:32])
    wide, high, right, down = (numbers[n] / numbers[n + 1] for n in (0, 2, 4, 6))
    left = round((width - wide) / 2 + right)
    top = round((height - high) / 2 + down)
    return Crop(left, top, width - left - round(wide), height - top - round(high))
