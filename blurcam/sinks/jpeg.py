"""Still pictures for the page, made from redacted frames."""

from __future__ import annotations

import time
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.regions import Box
from blurcam.redact.gate import RedactedFrame

_EVERY_SECONDS: Final = 0.5
_WIDEST: Final = 960
_QUALITY: Final = 80


class JpegStills:
    """Makes a JPEG of a redacted frame at most twice a second."""

    def __init__(self, every: float = _EVERY_SECONDS) -> None:
        """Make one at most every ``every`` seconds."""
        self._every = every
        self._made = float("-inf")
        self._newest: bytes | None = None

    def write(self, picture: RedactedFrame) -> None:
        """Make a JPEG of this frame, if one is due."""
        now = time.monotonic()
        if now - self._made >= self._every:
            self._made = now
            self._newest = jpeg_of(picture)

    def finish(self) -> None:
        """Do nothing: no JPEG waits."""

    def take(self) -> bytes | None:
        """Return the newest JPEG, once."""
        newest, self._newest = self._newest, None
        return newest


def jpeg_of(picture: RedactedFrame, widest: int = _WIDEST) -> bytes:
    """Return a redacted frame as JPEG, at most ``widest`` pixels wide."""
    return _coded(_shown(picture, min(1.0, widest / picture.width)))


def cutout_of(picture: RedactedFrame, box: Box, side: int) -> bytes:
    """Return what a redacted frame shows in a box as JPEG, ``side`` pixels on its longer side."""
    inside = box.intersection(Box(0, 0, picture.width, picture.height))
    if inside is None:
        return jpeg_of(picture, side)
    part = _shown(picture, 1.0)[inside.y0 : inside.y1, inside.x0 : inside.x1]
    scale = side / max(inside.width, inside.height)
    size = (max(2, round(inside.width * scale)), max(2, round(inside.height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return _coded(np.asarray(cv2.resize(part, size, interpolation=method), np.uint8))


def _shown(picture: RedactedFrame, scale: float) -> NDArray[np.uint8]:
    """Return a redacted frame in colour, blue first, or in shades of grey."""
    # The size is even, as chroma subsampling needs it.
    size = tuple(max(2, round(side * scale) // 2 * 2) for side in (picture.width, picture.height))
    shift = picture.pixel_format.depth - 8
    planes = [
        cv2.resize((plane >> shift).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        for plane in picture.planes
    ]
    if len(planes) == 1:
        return np.asarray(planes[0], np.uint8)
    if picture.pixel_format.is_rgb:
        green, blue, red = planes
        return np.dstack((blue, green, red)).astype(np.uint8)
    luma, cb, cr = planes
    shown = cv2.cvtColor(np.dstack((luma, cr, cb)), cv2.COLOR_YCrCb2BGR)
    return np.asarray(shown, np.uint8)


def _coded(shown: NDArray[np.uint8]) -> bytes:
    done, coded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise RuntimeError("OpenCV makes no JPEG")
    return bytes(coded)
