"""Containers written or changed byte by byte: what FFmpeg's own muxers do not put in."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

# The eight ways to show a stored picture, as the four numbers of a display matrix: a point (x, y)
# of the picture is shown at (a·x + c·y, b·x + d·y), y pointing down. By EXIF's numbers.
ORIENTATIONS: dict[int, tuple[int, int, int, int]] = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


# MP4 ---------------------------------------------------------------------------------------------


def mp4_boxes(
    content: bytes, start: int = 0, stop: int | None = None
) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and where its content begins and ends."""
    stop = len(content) if stop is None else stop
    while start + 8 <= stop:
        size, kind = struct.unpack_from(">I4s", content, start)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, start + 8), 16
        yield kind, start + head, start + (size or stop - start)
        start += size or stop - start


def with_matrix(source: Path, target: Path, orientation: int) -> Path:
    """Give the first track of an MP4 the display matrix of this orientation."""
    content = bytearray(source.read_bytes())
    header = content.find(b"tkhd") + 4
    place = header + (20 if content[header] == 0 else 32) + 4 + 16
    width, height = (n >> 16 for n in struct.unpack_from(">2I", content, place + 36))
    a, b, c, d = ORIENTATIONS[orientation]
    # What is shown begins at zero again.
    x = -min(0, a * width) - min(0, c * height)
    y = -min(0, b * width) - min(0, d * height)
    one = 1 << 16
    struct.pack_into(
        ">9i", content, place, a * one, b * one, 0, c * one, d * one, 0, x * one, y * one, 1 << 30
    )
    target.write_bytes(content)
    return target


def _insert(content: bytes, at: int, extra: bytes, parents: list[int]) -> bytes:
    """Insert bytes, and make the boxes that begin at ``parents`` larger by as much."""
    made = bytearray(content)
    for place in parents:
        (size,) = struct.unpack_from(">I", made, place)
        struct.pack_into(">I", made, place, size + len(extra))
    made[at:at] = extra
    return bytes(made)


def with_entry_box(source: Path, target: Path, box: bytes) -> Path:
    """Put a box into the sample entry of the first track of an MP4 whose index is at its end."""
    content = source.read_bytes()
    parents: list[int] = []
    start, stop = 0, len(content)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        found = next(each for each in mp4_boxes(content, start, stop) if each[0] == kind)
        parents.append(found[1] - 8)
        start, stop = found[1], found[2]
        if kind == b"stsd":
            start += 8
    entry = next(mp4_boxes(content, start, stop))
    assert content.find(b"mdat") < content.find(b"moov"), "the samples would move"
    target.write_bytes(_insert(content, entry[2], box, [*parents, entry[1] - 8]))
    return target


def mp4_box(kind: bytes, content: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def clean_aperture(width: int, height: int, right: int = 0, down: int = 0) -> bytes:
    """Return a ``clap`` box: so much is shown, its centre so far from the picture's."""
    return mp4_box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, right, 1, down, 1))


def spherical_box() -> bytes:
    """Return an ``sv3d`` box of an equirectangular picture (Spherical Video V2)."""
    head = mp4_box(b"svhd", b"\0\0\0\0" + b"test\0")
    pose = mp4_box(b"prhd", bytes(4 + 12))
    ways = mp4_box(b"equi", bytes(4 + 16))
    return mp4_box(b"sv3d", head + mp4_box(b"proj", pose + ways))


def stereo_box() -> bytes:
    """Return an ``st3d`` box: the left eye above the right one."""
    return mp4_box(b"st3d", b"\0\0\0\0\x01")


# Matroska ----------------------------------------------------------------------------------------

_PROJECTION, _TYPE, _YAW, _ROLL = b"\x76\x70", b"\x76\x71", b"\x76\x73", b"\x76\x75"


def ebml(identifier: bytes, content: bytes) -> bytes:
    """Return an element."""
    return identifier + (0x1000_0000 | len(content)).to_bytes(4, "big") + content


def ebml_number(identifier: bytes, value: int) -> bytes:
    """Return an element that holds an unsigned number."""
    return ebml(identifier, value.to_bytes(max(1, -(-value.bit_length() // 8)), "big"))


def pixel_crop(left: int, top: int, right: int, bottom: int) -> bytes:
    """Return what crops a picture when it is shown."""
    sides = ((b"\x54\xcc", left), (b"\x54\xbb", top), (b"\x54\xdd", right), (b"\x54\xaa", bottom))
    return b"".join(ebml_number(*each) for each in sides)


def projection(kind: int = 0, *, yaw: float = 0, roll: float = 0) -> bytes:
    """Return a projection: 0 is flat and can be turned, 1 is equirectangular."""
    poses = ebml(_YAW, struct.pack(">f", yaw)) + ebml(_ROLL, struct.pack(">f", roll))
    return ebml(_PROJECTION, ebml_number(_TYPE, kind) + poses)


def stereo_mode(mode: int) -> bytes:
    """Return how the pictures of two eyes lie: 1 side by side, 3 above each other."""
    return ebml_number(b"\x53\xb8", mode)


# The poses of each orientation that has them: roll turns against the clock, a yaw of 180 mirrors.
POSES: dict[int, bytes] = {
    6: projection(roll=-90),
    8: projection(roll=90),
    3: projection(roll=180),
    2: projection(yaw=180),
}


def _size(content: bytes, place: int) -> tuple[int, int]:
    """Return the size that is coded here, and in how many bytes."""
    length = 9 - content[place].bit_length()
    value = int.from_bytes(content[place : place + length], "big") & ((1 << 7 * length) - 1)
    return value, length


def with_video_elements(source: Path, target: Path, *elements: bytes) -> Path:
    """Put elements into the video settings of a Matroska file that FFmpeg wrote "live".

    Such a file has no index whose places would change.
    """
    content, extra = source.read_bytes(), b"".join(elements)
    place = 0
    sizes: list[tuple[int, int]] = []  # where a size is coded, and in how many bytes
    for wanted in (b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe0"):
        while not content.startswith(wanted, place):
            place += 9 - content[place].bit_length()
            size, length = _size(content, place)
            place += length + size
        place += len(wanted)
        size, length = _size(content, place)
        sizes.append((place, length))
        place += length
    made = bytearray(content)
    made[place + size : place + size] = extra
    for place, length in reversed(sizes[1:]):
        grown = _size(content, place)[0] + len(extra)
        # A size in eight bytes holds every value: the parents of this one grow by these too.
        made[place : place + length] = (1 << 56 | grown).to_bytes(8, "big")
        extra += bytes(8 - length)
    place, length = sizes[0]
    made[place : place + length] = b"\x01" + b"\xff" * 7  # of unknown size
    target.write_bytes(made)
    return target


# EXIF --------------------------------------------------------------------------------------------


def with_exif(source: Path, target: Path, orientation: int, *, order: str = ">") -> Path:
    """Give a JPEG this orientation, in either byte order."""
    content = source.read_bytes()
    mark = b"MM\0*" if order == ">" else b"II*\0"
    tags = struct.pack(order + "HHHIHH", 1, 0x112, 3, 1, orientation, 0) + bytes(4)
    exif = b"Exif\0\0" + mark + struct.pack(order + "I", 8) + tags
    head = b"\xff\xe1" + struct.pack(">H", len(exif) + 2)
    target.write_bytes(content[:2] + head + exif + content[2:])
    return target


# Dahua's DHAV ------------------------------------------------------------------------------------


def dhav(source: Path, target: Path, *, year: int = 2024, rate: int = 25) -> Path:
    """Wrap an H.264 byte stream with a picture a NAL unit the way Dahua's recorders do.

    Each picture bears the time of day, to the second, and a counter of milliseconds.
    """
    out, group, number = bytearray(), b"", 0
    for unit in re.split(rb"\0*\0\0\x01", source.read_bytes()):
        if not unit:
            continue
        group += b"\0\0\0\1" + unit
        if unit[0] & 31 not in (1, 5):
            continue
        milliseconds = number * 1000 // rate
        moment = (year - 2000) << 26 | 6 << 22 | 15 << 17 | 12 << 12 | 30 << 6
        size = bytes((0x80, 0, 40, 30))  # in eighths: 320 by 240
        speed = bytes((0x81, 0, 2, rate))
        length = 24 + len(size + speed) + len(group) + 8
        head = b"DHAV" + bytes((0xFD if unit[0] & 31 == 5 else 0xFC, 0, 0, 0))
        head += struct.pack("<IIIH", number, length, moment | milliseconds // 1000, milliseconds)
        head += bytes((len(size + speed),))
        out += head + bytes((sum(head) & 255,)) + size + speed + group
        out += b"dhav" + struct.pack("<I", length)
        group, number = b"", number + 1
    target.write_bytes(out)
    return target
