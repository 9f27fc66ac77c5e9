"""H.264 written bit by bit: streams that x264 does not write (ITU-T H.264, clauses 7.3 and 9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.clips import ffmpeg

START = b"\0\0\0\1"
SPS, PPS, IDR, SLICE = 7, 8, 5, 1


class Bits:
    """Reads a payload bit by bit."""

    def __init__(self, payload: bytes) -> None:
        plain = re.sub(rb"\x00\x00\x03(?=[\x00-\x03]|$)", b"\x00\x00", payload)
        self.text = "".join(f"{byte:08b}" for byte in plain).rstrip("0")[:-1]
        self.place = 0

    def take(self, count: int) -> str:
        self.place += count
        return self.text[self.place - count : self.place]

    def number(self) -> int:
        """Read an Exp-Golomb number."""
        zeros = self.text.index("1", self.place) - self.place
        return int(self.take(2 * zeros + 1), 2) - 1

    @property
    def rest(self) -> str:
        return self.text[self.place :]


def golomb(value: int) -> str:
    """Write an Exp-Golomb number."""
    binary = f"{value + 1:b}"
    return "0" * (len(binary) - 1) + binary


def packed(bits: str) -> bytes:
    """Return bits as a payload: with its end marked, and without what looks like a start code."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    plain = bytes(int(bits[n : n + 8], 2) for n in range(0, len(bits), 8))
    out, zeros = bytearray(), 0
    for byte in plain:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(out)


def units(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a byte stream."""
    for unit in re.split(rb"\0*\0\0\x01", stream):
        if unit:
            yield unit.rstrip(b"\0")


def kind(unit: bytes) -> int:
    return unit[0] & 31


def _baseline(path: Path, size: str, rate: int, count: int, key: int) -> list[bytes]:
    """Encode without anything whose syntax hangs on whether a picture is a frame or a field."""
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}", "-frames:v", count, "-c:v",
           "libx264", "-pix_fmt", "yuv420p", "-profile:v", "baseline", "-x264-params",
           f"keyint={key}:min-keyint={key}:scenecut=0:bframes=0:ref=1:cabac=0:weightp=0:slices=1:"
           "threads=1:qp=34:ipratio=1", "-f", "h264", path)  # fmt: skip
    made = list(units(path.read_bytes()))
    path.unlink()
    return made


def _interlaced(sps: bytes) -> tuple[bytes, int]:
    """Return a baseline SPS for fields and frames, and in how many bits frames are counted."""
    bits = Bits(sps[4:])
    out = golomb(bits.number())
    log = bits.number()
    order = bits.number()
    assert order == 2, "a picture's place must follow from its number"
    references, gaps = golomb(2), (bits.number(), bits.take(1))[1]
    width, height = bits.number(), bits.number()
    assert bits.take(1) == "1", "only frames"
    bits.take(1)
    assert bits.take(1) == "0", "no cropping"
    out += golomb(log) + golomb(order) + references + gaps + golomb(width) + golomb(height)
    # Not frames only; no macroblock pairs; direct inference; no cropping; no VUI.
    return sps[:1] + bytes((77, 0, 40)) + packed(out + "0" + "0" + "1" + "0" + "0"), log + 4


def _slices(stream: list[bytes], counter: int, key: int, *, fields: bool) -> list[bytes]:
    made, start = [], 0
    pictures = [unit for unit in stream if kind(unit) in (SLICE, IDR)]
    for number, unit in enumerate(pictures):
        bits = Bits(unit[1:])
        head = "".join(golomb(bits.number()) for _ in range(3))
        bits.take(counter)
        if kind(unit) == IDR:
            start = number
        nth = (number - start) // (2 if fields else 1) % key
        mode = "1" + str((number - start) & 1) if fields else "0"
        made.append(unit[:1] + packed(head + f"{nth:0{counter}b}" + mode + bits.rest))
    return made


def paff(path: Path, groups: int = 10, key: int = 5, *, only_fields: bool = False) -> Path:
    """Write groups of frames, in turn coded as frames and as pairs of fields (PAFF).

    As interlaced cameras and DVB encoders do. What is shown looks odd, since each field was a
    picture of its own before; every frame can be decoded without an error.
    """
    halves = _baseline(path, "320x128", 50, groups * 2 * key, 2 * key)
    wholes = _baseline(path, "320x256", 25, groups * key, key)
    sps, counter = _interlaced(next(unit for unit in halves if kind(unit) == SPS))
    pps = next(unit for unit in halves if kind(unit) == PPS)
    assert pps == next(unit for unit in wholes if kind(unit) == PPS)
    fields = _slices(halves, counter, key, fields=True)
    frames = _slices(wholes, counter, key, fields=False)
    made = [sps, pps]
    for group in range(groups):
        if only_fields or group % 2:
            made += fields[group * 2 * key : (group + 1) * 2 * key]
        else:
            made += frames[group * key : (group + 1) * key]
    path.write_bytes(b"".join(START + unit for unit in made))
    return path


def without_vui(source: Path, target: Path) -> Path:
    """Take out of a baseline stream all that its SPS says of its rate, colours and shape."""
    made = []
    for unit in units(source.read_bytes()):
        if kind(unit) == SPS:
            bits = Bits(unit[4:])
            bits.number()
            bits.number()
            assert bits.number() == 2
            bits.number()
            bits.take(1)
            bits.number()
            bits.number()
            assert bits.take(1) == "1"
            bits.take(1)
            if bits.take(1) == "1":
                for _ in range(4):
                    bits.number()
            unit = unit[:4] + packed(bits.text[: bits.place] + "0")
        made.append(unit)
    target.write_bytes(b"".join(START + unit for unit in made))
    return target
