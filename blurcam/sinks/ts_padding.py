"""TS padding: null packets after a very short MPEG transport stream, so that it is recognised."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKET_BYTES: Final = 188
# FFmpeg's probe needs more than ten packets of 204 bytes; one small frame has seven of 188.
_FEWEST: Final = 16
# Packet identifier 0x1FFF, payload only (ISO/IEC 13818-1, 2.4.3.3): receivers leave it out.
_NULL: Final = bytes((0x47, 0x1F, 0xFF, 0x10)).ljust(_PACKET_BYTES, b"\xff")


def padding(size: int, container: str) -> bytes:
    """Return the padding for a finished file of ``size`` bytes in an FFmpeg container."""
    missing = _FEWEST - size // _PACKET_BYTES
    return _NULL * missing if container == "mpegts" and missing > 0 else b""


def stuff(path: Path, container: str) -> None:
    """Append the padding to a finished file of an FFmpeg container; raises OSError."""
    lacking = padding(path.stat().st_size, container)
    if lacking:
        with path.open("ab") as file:
            file.write(lacking)
