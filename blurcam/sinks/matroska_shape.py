"""The sample aspect ratio of a finished Matroska or WebM file whose video cannot declare it.

FFmpeg's muxer takes the ratio from a field that PyAV 18 does not set. H.264 and H.265 declare it in
the video itself; AV1 cannot. FFmpeg leaves an empty element after the seek head at the start of the
file. The elements between it and the end of the tracks move into it, by as much as the tracks grow.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

from blurcam.errors import SinkWriteError

_HEADER, _SEGMENT, _PLACES, _VOID = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0xEC
_INFO, _TRACKS, _ENTRY, _VIDEO = 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
_PLACE, _PLACE_OF, _POSITION = 0x4DBB, 0x53AB, 0x53AC
_CRC: Final = 0xBF
_WIDTH, _HEIGHT = b"\x54\xb0", b"\x54\xba"
# DisplayUnit: FFmpeg writes "unknown"; the unit of a known shape is a pixel.
_UNIT: Final = 0x54B2
# The head of a file that FFmpeg wrote is a few hundred bytes long.
_HEAD_BYTES: Final = 1 << 16
_LEAST_VOID: Final = 9


def set_pixel_shape(path: Path, width: int, height: int, shape: Fraction) -> None:
    """Declare that frames of this size have pixels of this shape.

    Raises SinkWriteError if the head of the file is not as FFmpeg writes it, and OSError.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEAD_BYTES))
        try:
            stop = _shape(head, width, height, shape)
        except (IndexError, KeyError, StopIteration, ValueError) as exc:
            raise SinkWriteError(f"{path}: the shape of its pixels cannot be written") from exc
        file.seek(0)
        file.write(head[:stop])


def shown_size(width: int, height: int, shape: Fraction) -> tuple[int, int]:
    """Return the size at which pixels of this shape are shown, exactly if less than twice as large.

    Players open a window of this size.
    """
    ratio = Fraction(width, height) * shape
    times = math.ceil(max(width * shape / ratio.numerator, Fraction(height, ratio.denominator)))
    wide, high = times * ratio.numerator, times * ratio.denominator
    return (wide, high) if high < 2 * height else (round(width * shape), height)


def _shape(head: bytearray, width: int, height: int, shape: Fraction) -> int:
    """Change the head in place; return the end of the changed part."""
    top = _elements(head, 0, len(head))
    start = next(place for kind, _, place, _ in top if kind == _SEGMENT)
    found = {kind: (first, place, stop) for kind, first, place, stop in _head_of(head, start)}
    void, _, void_end = found[_VOID]
    tracks, content, tracks_end = found[_TRACKS]
    if not found[_PLACES][0] < void < void_end <= found[_INFO][0] < tracks:
        raise ValueError("another order")
    wide, high = shown_size(width, height, shape)
    elements = _number(_WIDTH, wide) + _number(_HEIGHT, high)
    grown = _grown_tracks(bytes(head[content:tracks_end]), elements)
    growth = len(grown) - (tracks_end - tracks)
    left = void_end - void - growth
    if left < _LEAST_VOID:
        raise ValueError("no room")
    between = bytes(head[void_end:tracks])
    empty = b"\xec" + (1 << 56 | left - 9).to_bytes(8, "big") + bytes(left - 9)
    head[void:tracks_end] = empty + between + grown
    _move_places(head, found[_PLACES], growth)
    return tracks_end


def _head_of(data: bytearray, start: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the elements of a segment up to its tracks."""
    for each in _elements(data, start, len(data)):
        yield each
        if each[0] == _TRACKS:
            return


def _elements(
    data: bytes | bytearray, start: int, stop: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield each element: its kind, its start, the start of its content, and its end."""
    place = start
    while place < stop:
        first = place
        length = 9 - data[place].bit_length()
        kind = int.from_bytes(data[place : place + length], "big")
        place += length
        length = 9 - data[place].bit_length()
        size = int.from_bytes(data[place : place + length], "big") & ((1 << 7 * length) - 1)
        place += length
        yield kind, first, place, place + size
        place += size


def _master(identifier: bytes, content: bytes) -> bytes:
    return identifier + (1 << 56 | len(content)).to_bytes(8, "big") + _summed(content)


def _number(identifier: bytes, value: int) -> bytes:
    data = value.to_bytes(max(1, -(-value.bit_length() // 8)), "big")
    return identifier + bytes((0x80 | len(data),)) + data


def _summed(content: bytes) -> bytes:
    """Return the content with its checksum computed anew, if it begins with one."""
    if content[:2] != bytes((_CRC, 0x84)):
        return content
    return content[:2] + zlib.crc32(content[6:]).to_bytes(4, "little") + content[6:]


def _grown_tracks(content: bytes, elements: bytes) -> bytes:
    """Return the tracks with these elements added to the settings of the video track."""
    made = b""
    for kind, first, place, stop in _elements(content, 0, len(content)):
        part = content[first:stop]
        made += _grown_entry(content[place:stop], elements, part) if kind == _ENTRY else part
    return _master(_TRACKS.to_bytes(4, "big"), made)


def _grown_entry(content: bytes, elements: bytes, whole: bytes) -> bytes:
    made, has_video = b"", False
    for kind, first, place, stop in _elements(content, 0, len(content)):
        part = content[first:stop]
        if kind == _VIDEO:
            has_video = True
            video = content[place:stop]
            kept = [
                video[a:b] for each, a, _, b in _elements(video, 0, len(video)) if each != _UNIT
            ]
            part = _master(bytes((_VIDEO,)), b"".join(kept) + elements)
        made += part
    return _master(bytes((_ENTRY,)), made) if has_video else whole


def _move_places(head: bytearray, places: tuple[int, int, int], by: int) -> None:
    """Note in the seek head that info and tracks begin this many bytes earlier."""
    _, start, stop = places
    for kind, _, first, last in list(_elements(head, start, stop)):
        if kind != _PLACE:
            continue
        parts = {each: (place, end) for each, _, place, end in _elements(head, first, last)}
        place, end = parts[_PLACE_OF]
        if int.from_bytes(head[place:end], "big") in (_INFO, _TRACKS):
            place, end = parts[_POSITION]
            moved = int.from_bytes(head[place:end], "big") - by
            head[place:end] = moved.to_bytes(end - place, "big")
    head[start:stop] = _summed(bytes(head[start:stop]))
