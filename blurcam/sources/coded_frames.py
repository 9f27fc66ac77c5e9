"""Coded frames: which packets have a frame of their own, and are not second fields or repeats.

FFmpeg's decoders give no frame for a second field, nor for a packet that repeats the frame before.
If these counted as lost frames, sound recordings would be called damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol

from blurcam.sources.bit_reader import BitReader

# This many bytes of a slice contain its header up to the field flags.
_SLICE_BYTES: Final = 24
_SLICE, _IDR, _SPS, _PPS = 1, 5, 7, 8
_WITH_CHROMA: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_ESCAPE: Final = re.compile(rb"\x00\x00\x03(?=[\x00-\x03])")
_START: Final = re.compile(rb"\x00\x00\x01")


class CodedFrames(Protocol):
    """Tells which packets of a stream have a frame of their own."""

    @property
    def has_fields(self) -> bool:
        """Whether a frame may come as two fields in packets of their own."""

    def holds_frame(self, data: bytes) -> bool:
        """Take the next packet, and return whether its decoding should give a frame."""


class _OneEach:
    """Every packet has a frame."""

    has_fields = False

    def holds_frame(self, data: bytes) -> bool:
        del data
        return True


# H.264 (ITU-T H.264, 7.3) ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The part of a sequence parameter set that is needed to read a slice header."""

    counter_bits: int
    separate_planes: bool
    frames_only: bool


class _H264:
    """Counts two fields as the one frame that they make."""

    def __init__(self, extradata: bytes) -> None:
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, int] = {}  # the sequence of each picture parameter set
        self._length = 0  # bytes of a unit's length; 0 if start codes separate the units
        self._open: tuple[int, int] | None = None  # a first field: its frame, and if it is bottom
        if extradata[:1] == b"\1" and len(extradata) > 6:
            self._length = (extradata[4] & 3) + 1
            self._take_sets(_avcc_sets(extradata))
        else:
            self._take_sets(self._units(extradata))

    @property
    def has_fields(self) -> bool:
        return any(not each.frames_only for each in self._sequences.values())

    def _take_sets(self, units: Iterator[bytes]) -> None:
        for unit in units:
            kind = unit[0] & 31
            try:
                if kind == _SPS:
                    number, sequence = _sequence(BitReader(_plain(unit[1:1000])))
                    self._sequences[number] = sequence
                elif kind == _PPS:
                    bits = BitReader(_plain(unit[1:20]))
                    number = bits.golomb()
                    self._pictures[number] = bits.golomb()
            except EOFError:
                continue

    def _units(self, data: bytes) -> Iterator[bytes]:
        if not self._length:
            places = [found.end() for found in _START.finditer(data)]
            for start, stop in pairwise([*places, len(data)]):
                if stop > start:
                    yield data[start:stop]
            return
        place = 0
        while place + self._length < len(data):
            size = int.from_bytes(data[place : place + self._length], "big")
            place += self._length
            if data[place : place + size]:
                yield data[place : place + size]
            place += size

    def holds_frame(self, data: bytes) -> bool:
        units = list(self._units(data))
        self._take_sets(iter([each for each in units if each[0] & 31 in (_SPS, _PPS)]))
        if not self.has_fields:
            return True
        fields = list(self._fields(units))
        if not fields:
            self._open = None
            return True
        begins = 0
        for frame, is_bottom in fields:
            if self._open is not None and self._open == (frame, 1 - is_bottom):
                self._open = None
            else:
                begins += 1
                self._open = (frame, is_bottom)
        return begins > 0

    def _fields(self, units: list[bytes]) -> Iterator[tuple[int, int]]:
        """Yield each field of a packet: the number of its frame, and if it is a bottom field."""
        last: tuple[int, int] | None = None
        for unit in units:
            if unit[0] & 31 not in (_SLICE, _IDR):
                continue
            try:
                field = self._field(BitReader(_plain(unit[1 : 1 + _SLICE_BYTES])))
            except (EOFError, KeyError):
                continue
            if field is None:
                return
            if field != last:
                yield field
            last = field

    def _field(self, bits: BitReader) -> tuple[int, int] | None:
        """Return the field of a slice, ``None`` for a slice of a whole frame."""
        bits.golomb()  # first_mb_in_slice
        bits.golomb()  # slice_type
        sequence = self._sequences[self._pictures[bits.golomb()]]
        if sequence.separate_planes:
            bits.bits(2)
        number = bits.bits(sequence.counter_bits)
        if sequence.frames_only or not bits.bits(1):
            return None
        return number, bits.bits(1)


def _avcc_sets(extradata: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3)."""
    place = 5
    for mask in (31, 255):
        if place >= len(extradata):
            return
        count = extradata[place] & mask
        place += 1
        for _ in range(count):
            size = int.from_bytes(extradata[place : place + 2], "big")
            if extradata[place + 2 : place + 2 + size]:
                yield extradata[place + 2 : place + 2 + size]
            place += 2 + size


def _plain(payload: bytes) -> bytes:
    """Remove the emulation prevention bytes of a payload."""
    return _ESCAPE.sub(b"\0\0", payload)


def _sequence(bits: BitReader) -> tuple[int, _Sequence]:
    profile = bits.bits(8)
    bits.bits(16)
    number = bits.golomb()
    separate = False
    if profile in _WITH_CHROMA:
        chroma = bits.golomb()
        separate = bool(bits.bits(1)) if chroma == 3 else False
        bits.golomb()
        bits.golomb()
        bits.bits(1)
        if bits.bits(1):
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    counter_bits = bits.golomb() + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.bits(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()  # reference frames
    bits.bits(1)
    bits.golomb()  # width
    bits.golomb()  # height
    return number, _Sequence(counter_bits, separate, bool(bits.bits(1)))


def _skip_scaling_lists(bits: BitReader, count: int) -> None:
    for number in range(count):
        last = following = 8
        for _ in range((16 if number < 6 else 64) if bits.bits(1) else 0):
            if following:
                code = bits.golomb()
                following = (last + ((code + 1) // 2 if code % 2 else -(code // 2))) % 256
            last = following or last


# MPEG-4 Part 2 (ISO/IEC 14496-2, 6.2) ------------------------------------------------------------

_LAYER: Final = re.compile(rb"\x00\x00\x01[\x20-\x2f]")
_PLANE: Final = b"\0\0\1\xb6"


class _Mpeg4:
    """Recognises a video object plane that is not coded: it repeats the one before."""

    has_fields = False

    def __init__(self, extradata: bytes) -> None:
        self._time_bits = 0
        self._take_layer(extradata)

    def _take_layer(self, data: bytes) -> None:
        found = _LAYER.search(data)
        if found is not None:
            try:
                self._time_bits = _time_bits(BitReader(data[found.end() : found.end() + 40]))
            except EOFError:
                return

    def holds_frame(self, data: bytes) -> bool:
        self._take_layer(data[:200])
        start = data.find(_PLANE)
        if start < 0 or not self._time_bits:
            return True
        bits = BitReader(data[start + 4 : start + 20])
        try:
            bits.bits(2)
            while bits.bits(1):
                pass
            bits.bits(1 + self._time_bits + 1)
            return bool(bits.bits(1)) or data.find(_PLANE, start + 4) >= 0
        except EOFError:
            return True


def _time_bits(bits: BitReader) -> int:
    """Return the number of bits in which a video object layer counts parts of a second."""
    bits.bits(1 + 8)
    version = 1
    if bits.bits(1):
        version = bits.bits(4)
        bits.bits(3)
    if bits.bits(4) == 15:
        bits.bits(16)
    if bits.bits(1):
        bits.bits(3)
        if bits.bits(1):
            bits.bits(79)
    if bits.bits(2) == 3 and version != 1:
        bits.bits(4)
    bits.bits(1)
    return max(1, (bits.bits(16) - 1).bit_length())


def coded_frames(context: Any) -> CodedFrames:
    """Return the :class:`CodedFrames` for the codec of a decoder."""
    extradata: bytes = context.extradata or b""
    if context.codec.canonical_name == "h264":
        return _H264(extradata)
    if context.codec.canonical_name == "mpeg4":
        return _Mpeg4(extradata)
    return _OneEach()
