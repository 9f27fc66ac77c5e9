"""A file, demuxed once, as a camera sends it: access units, SDP and RTP payloads."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.bitstream import BitStreamFilterContext

CLOCK: Final = 90_000
_MOST_BYTES: Final = 1400


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture: when, in 1/90000 s, and its NAL units without start codes."""

    dts: int
    pts: int
    nals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Syntax:
    """Where H.264 and H.265 differ."""

    rtpmap: str
    filter: str
    delimiter: int
    parameter_sets: tuple[int, ...]
    is_h265: bool

    def type_of(self, nal: bytes) -> int:
        return (nal[0] >> 1) & 63 if self.is_h265 else nal[0] & 31


_SYNTAX: Final = {
    "h264": _Syntax("H264/90000", "h264_mp4toannexb", 9, (7, 8), is_h265=False),
    "hevc": _Syntax("H265/90000", "hevc_mp4toannexb", 35, (32, 33, 34), is_h265=True),
}


class Clip:
    """A recording that is played over and over."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            self._syntax = _SYNTAX[stream.codec_context.name]
            self.rate = float(stream.average_rate or 25)
            units = list(self._units(container, stream))
        start = units[0].dts
        self.units = tuple(AccessUnit(u.dts - start, u.pts - start, u.nals) for u in units)
        self.length = self.units[-1].dts + round(CLOCK / self.rate)
        self._sets = self._parameter_sets()

    def _units(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[AccessUnit]:
        to_annex_b = BitStreamFilterContext(self._syntax.filter, stream)
        scale = (stream.time_base or 1) * CLOCK
        for packet in container.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            dts, pts = round(packet.dts * scale), round(packet.pts * scale)
            for filtered in to_annex_b.filter(packet):
                nals = tuple(
                    nal
                    for nal in annex_b_units(bytes(filtered))
                    if self._syntax.type_of(nal) != self._syntax.delimiter
                )
                yield AccessUnit(dts, pts, nals)

    def _parameter_sets(self) -> list[bytes]:
        found: dict[int, bytes] = {}
        for unit in self.units:
            for nal in unit.nals:
                found.setdefault(self._syntax.type_of(nal), nal)
        return [found[kind] for kind in self._syntax.parameter_sets]

    def sdp(self, host: str) -> str:
        """Return how DESCRIBE is answered."""
        coded = [base64.b64encode(each).decode() for each in self._sets]
        if self._syntax.is_h265:
            names = ("sprop-vps", "sprop-sps", "sprop-pps")
            parameters = "; ".join(f"{n}={c}" for n, c in zip(names, coded, strict=True))
        else:
            level = self._sets[0][1:4].hex().upper()
            parameters = (
                f"packetization-mode=1; profile-level-id={level}; "
                f"sprop-parameter-sets={','.join(coded)}"
            )
        return "\r\n".join(
            (
                "v=0",
                f"o=- 0 0 IN IP4 {host}",
                "s=fakecam",
                "c=IN IP4 0.0.0.0",
                "t=0 0",
                "a=control:*",
                "m=video 0 RTP/AVP 96",
                f"a=rtpmap:96 {self._syntax.rtpmap}",
                f"a=fmtp:96 {parameters}",
                f"a=framerate:{self.rate:g}",
                "a=control:trackID=0",
                "",
            )
        )

    def payloads(self, unit: AccessUnit) -> Iterator[tuple[bool, bytes]]:
        """Yield the RTP payloads of a picture, and whether each is the last (the marker bit)."""
        for number, nal in enumerate(unit.nals):
            is_last = number == len(unit.nals) - 1
            if len(nal) <= _MOST_BYTES:
                yield is_last, nal
                continue
            pieces = list(self._fragments(nal))
            for index, piece in enumerate(pieces):
                yield is_last and index == len(pieces) - 1, piece

    def _fragments(self, nal: bytes) -> Iterator[bytes]:
        """Yield a NAL unit in fragments: FU-A of RFC 6184, FU of RFC 7798."""
        kind, skipped = self._syntax.type_of(nal), 2 if self._syntax.is_h265 else 1
        if self._syntax.is_h265:
            head = bytes([(nal[0] & 0x81) | (49 << 1), nal[1]])
        else:
            head = bytes([(nal[0] & 0xE0) | 28])
        body = nal[skipped:]
        for start in range(0, len(body), _MOST_BYTES):
            is_first, is_last = start == 0, start + _MOST_BYTES >= len(body)
            flags = (0x80 if is_first else 0) | (0x40 if is_last else 0)
            yield head + bytes([flags | kind]) + body[start : start + _MOST_BYTES]


def annex_b_units(data: bytes) -> Iterator[bytes]:
    """Yield what lies between start codes."""
    starts = [match.end() for match in re.finditer(b"\x00\x00\x01", data)]
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        unit = data[start : None if following is None else following - 3]
        yield unit if following is None else unit.rstrip(b"\x00") or unit
