"""Signatures: the kind of a stream by its first bytes."""

from __future__ import annotations

import re
import shlex
from typing import Final

from blurcam.errors import SourceOpenError
from blurcam.settings.pipe import FromName
from blurcam.sources.descriptor import InputDescriptor

# The first bytes of each kind of stream that can be read as it comes.
_SIGNATURES: Final[tuple[tuple[bytes, FromName], ...]] = (
    (b"YUV4MPEG2", "y4m"),
    (b"nut/multimedia container\0", "nut"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"\0\0\1\xba", "ps"),
    (b"\0\0\1\xb3", "mpeg2"),
    (b"\0\0\1\xb0", "mpeg4"),
    (b"\xff\xd8\xff", "mjpeg"),
)
_LONGEST: Final = max(len(signature) for signature, _ in _SIGNATURES)
_AVI: Final = re.compile(rb"RIFF.{4}AVI ", re.DOTALL)
# JPEG pictures in parts of a multipart answer, as a camera's server sends them to a browser.
_PART: Final = re.compile(
    rb"\s*--[^\r\n]{1,200}\r?\n(?:[^\r\n]+\r?\n)*?content-type:\s*image/", re.I
)
# A bare stream begins with a NAL unit of parameters, supplemental information or a frame.
_START_CODE: Final = re.compile(rb"\0{2,8}\x01")
_H264_UNITS: Final = frozenset({1, 5, 6, 7, 8, 9})
_H265_UNITS: Final = frozenset({*range(16, 22), 32, 33, 34, 35, 39})
_MPEG4_OBJECT: Final = range(0x30)
# A transport stream consists of packets of this many bytes, each of which begins with this byte.
TS_PACKET: Final = 188
"""Bytes of a packet of a transport stream."""
_SYNC: Final = 0x47
# How far into a transport stream its first complete packet may begin, and how many must follow.
TS_SEARCH: Final = 5 * TS_PACKET
"""Bytes by which a transport stream is known, wherever in a packet it begins."""
_MP4_BOXES: Final = (
    b"ftyp",
    b"styp",
    b"sidx",
    b"moov",
    b"moof",
    b"mdat",
    b"free",
    b"skip",
    b"wide",
)
_HEAD_BYTES: Final = 4096
# Lists of recordings by their first bytes: HLS and M3U, DASH, FFmpeg's own, SDP.
_LISTS: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:#EXTM3U|(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<MPD\b|ffconcat version"
    rb"|v=0\r?\no=)",
    re.DOTALL,
)


def recognise(descriptor: InputDescriptor) -> FromName:
    """Return the kind of a stream without consuming it.

    Raises :class:`~blurcam.errors.SourceOpenError` for an incomplete recording
    (:func:`refuse_parts`), for an unknown kind, and for an empty stream.
    """
    start = descriptor.peek(16)
    if not start:
        raise SourceOpenError(f"{descriptor.name}: ended before its first byte; nothing to redact")
    found = _by_signature(descriptor, start) or _bare(start)
    if found is not None:
        return found
    if start[4:8] in _MP4_BOXES:
        refuse_parts(descriptor.peek(_HEAD_BYTES), descriptor.name, is_stream=True)
        return "mp4"
    if is_transport_stream(descriptor.peek(TS_PACKET + 1)) or is_transport_stream(
        descriptor.peek(TS_SEARCH)
    ):
        return "ts"
    head = descriptor.peek(_HEAD_BYTES)
    if _PART.match(head):
        return "multipart"
    refuse_parts(head, descriptor.name, is_stream=True)
    raise SourceOpenError(
        f"{descriptor.name}: not MPEG-TS or another stream that blurcam knows, by its first bytes "
        f"({start[:8].hex(' ')}); name it with --from, raw frames with --from raw --size 1280x720, "
        "or have FFmpeg read it: ffmpeg -i - -c copy -f nut - | blurcam pipe"
    )


def _by_signature(descriptor: InputDescriptor, start: bytes) -> FromName | None:
    for signature, name in _SIGNATURES:
        if start.startswith(signature[: len(start)]) and descriptor.peek(_LONGEST).startswith(
            signature
        ):
            return name
    return "avi" if _AVI.match(start) else None


def _bare(start: bytes) -> FromName | None:
    """Return the codec of a bare stream by its first NAL unit, ``None`` if it is not one."""
    code = _START_CODE.match(start)
    if code is None or len(start) < code.end() + 2:
        return None
    first, second = start[code.end()], start[code.end() + 1]
    if second == 1 and first >> 1 in _H265_UNITS and not first & 1:
        return "h265"
    if first & 31 in _H264_UNITS and first < 0x80:
        return "h264"
    return "mpeg4" if first in _MPEG4_OBJECT else None


def refuse_parts(start: bytes, name: str, *, is_stream: bool = False) -> None:
    """Raise SourceOpenError for a file that, by its ``start``, is useless without other files.

    Lists of recordings are not followed: a list from outside must not make blurcam read what only
    blurcam's user may read. The index of an MP4 that comes as a stream must come first.
    """
    if _LISTS.match(start):
        place = "LIST" if is_stream else shlex.quote(name)
        raise SourceOpenError(
            f"{name}: a playlist, which names recordings and holds none; playlists are not "
            f"followed. Name a recording, or: ffmpeg -i {place} -c copy -f mpegts - | blurcam run "
            "- OUTPUT.mp4"
        )
    for kind in _boxes(start):
        if kind == b"moov":
            return
        if kind == b"moof":
            segment = "SEGMENT.m4s" if is_stream else shlex.quote(name)
            raise SourceOpenError(
                f"{name}: a segment of an MP4 without its head; put that before it: "
                f"cat INIT.mp4 {segment} | blurcam run - OUTPUT.mp4"
            )
        if kind == b"mdat" and is_stream:
            raise SourceOpenError(
                f"{name}: an MP4 whose index is at its end, so that it cannot be read as it "
                "comes; name the file instead (blurcam run in.mp4 -), or pipe it as MPEG-TS: "
                "ffmpeg -i in.mp4 -c copy -f mpegts - | blurcam pipe"
            )


def _boxes(start: bytes) -> list[bytes]:
    """Return the kinds of the first boxes of an MP4, an empty list for anything else."""
    kinds: list[bytes] = []
    place = 0
    while place + 8 <= len(start):
        size, kind = int.from_bytes(start[place : place + 4], "big"), start[place + 4 : place + 8]
        if not kinds and kind not in _MP4_BOXES:
            return []
        kinds.append(kind)
        if size < 8:
            break
        place += size
    return kinds


def is_transport_stream(start: bytes) -> bool:
    """Return whether a stream that starts so is one, with 188 or 192 bytes to a packet."""
    if start[:1] == b"\x47" == start[TS_PACKET : TS_PACKET + 1]:
        return True
    for step in (TS_PACKET, TS_PACKET + 4):
        for offset in range(step):
            places = range(offset, len(start), step)
            if len(places) > 3 and all(start[place] == _SYNC for place in places):
                return True
    return False
