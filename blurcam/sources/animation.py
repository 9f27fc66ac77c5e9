"""Animated WebP, which FFmpeg 8 does not decode: read by Pillow, as a recording."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.media.formats import PIXEL_FORMATS, Colour, StreamInfo
from blurcam.media.frames import Frame
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.reading import ReadOptions
from blurcam.sources.open import sha256_of_input
from blurcam.sources.stream_info import LARGEST_SIDE
from blurcam.sources.to_frames import FrameMaker

_TIME_BASE: Final = Fraction(1, 1000)
_OPAQUE: Final = 255
_FAULTS: Final = (OSError, ValueError, EOFError, SyntaxError)


def is_animated_webp(path: Path) -> bool:
    """Return whether a file is a WebP of several frames, by its head."""
    try:
        with path.open("rb") as file:
            head = file.read(21)
    except OSError:
        return False
    return len(head) == 21 and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


class WebpRecording:
    """An animation: its parameters, and its frames, once.

    It has the methods of a :class:`~blurcam.sources.recording.FileSource`.
    """

    def __init__(self, path: Path, counts: FrameCounts, asked: ReadOptions) -> None:
        """Open the file; raises SourceOpenError."""
        self.name = str(path)
        self._path = path
        self._counts = counts
        try:
            image: Any = Image.open(path)
        except _FAULTS as exc:
            raise SourceOpenError(f"{path}: not an animation that Pillow can read") from exc
        self._image, self._count = image, int(image.n_frames)
        width, height = image.size
        if max(width, height) > LARGEST_SIDE:
            self._image.close()
            raise SourceOpenError(f"{path}: more than {LARGEST_SIDE} pixels a side")
        self.info = StreamInfo(
            self.name,
            width,
            height,
            PIXEL_FORMATS["yuv444p"],
            _TIME_BASE,
            codec="webp",
            orientation=asked.mounting.orientation,
            colour=Colour(matrix=6, full_range=False),
            frame_count=self._count,
        )

    def frames(self) -> Iterator[Frame]:
        """Yield every frame, shown when those before it have been shown long enough.

        Raises :class:`~blurcam.errors.SourceReadError` where reading fails before the end.
        """
        maker: FrameMaker | None = None
        shown = 0
        for number in range(self._count):
            picture, lasts = self._picture(number)
            picture.pts, picture.time_base, picture.duration = shown, _TIME_BASE, lasts
            shown += lasts
            maker = maker or FrameMaker(self.info, picture, self._counts)
            self._counts.frames_in += 1
            yield maker.frame(picture, is_suspect=False)

    def _picture(self, number: int) -> tuple[VideoFrame, int]:
        """Return a frame, and for how many milliseconds it is shown."""
        try:
            self._image.seek(number)
            self._image.load()
            rgba = self._image.convert("RGBA")
        except _FAULTS as exc:
            raise SourceReadError(f"{self.name}: reading failed after {number} frames") from exc
        if rgba.getextrema()[3][0] < _OPAQUE:
            self._counts.notice(
                f"{self.name}: is clear in places (alpha); the output does not say so"
            )
        lasts = int(self._image.info.get("duration", 0))
        samples = np.asarray(rgba.convert("RGB"), np.uint8)
        return VideoFrame.from_ndarray(samples, "rgb24"), max(1, lasts)

    def open_sound(self) -> None:
        """Return ``None``: it has no sound."""

    def sha256(self) -> str:
        """Return the hash of the file's bytes; raises SourceReadError."""
        return sha256_of_input(self._path)

    def seek(self, pts: int) -> None:
        """Refuse to begin in the middle."""
        raise SourceReadError(f"{self.name}: an animation is read from its beginning")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._image.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()
