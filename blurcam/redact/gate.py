"""The one gate: only :func:`redact` makes a :class:`RedactedFrame`, and nothing else is written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, NoReturn, final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.formats import PixelFormat
from blurcam.media.frames import Frame, Plane
from blurcam.media.regions import Coverage, Reason
from blurcam.redact.effects import Effect
from blurcam.redact.patches import paint, patches
from blurcam.redact.pieces import Canvas

_SEAL: Final = object()
_GREY: Final = 128
_WHOLE_GREY: Final = 96
_TEXT_GREY: Final = 200


@final
class RedactedFrame:
    """A frame fit to be shown: every covered sample of it was replaced.

    :func:`redact` alone makes it. ``planes`` are read-only views, without padding, of the one
    private ``buffer``, in which they follow one another. ``reason`` says why the frame is fully
    covered; it is ``None`` where the frame is not.
    """

    __slots__ = (
        "buffer",
        "duration",
        "height",
        "interlaced",
        "pixel_format",
        "planes",
        "pts",
        "reason",
        "seq",
        "time_base",
        "wall_time",
        "width",
    )
    buffer: NDArray[np.uint8] | NDArray[np.uint16]
    planes: tuple[Plane, ...]
    pixel_format: PixelFormat
    width: int
    height: int
    seq: int
    pts: int
    duration: int
    time_base: Fraction
    wall_time: float
    interlaced: bool
    reason: Reason | None

    def __init__(self, seal: object, frame: Frame, reason: Reason | None) -> None:
        """Copy the frame's planes and properties. Only this module knows the seal."""
        if seal is not _SEAL:
            raise TypeError("a RedactedFrame is made by redact() alone")
        buffer, planes = _private_copy(frame, blank=reason is not None)
        for name, value in (
            ("buffer", buffer),
            ("planes", planes),
            ("pixel_format", frame.pixel_format),
            ("width", frame.width),
            ("height", frame.height),
            ("seq", frame.seq),
            ("pts", frame.pts),
            ("duration", frame.duration),
            ("time_base", frame.time_base),
            ("wall_time", frame.wall_time),
            ("interlaced", frame.interlaced),
            ("reason", reason),
        ):
            object.__setattr__(self, name, value)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("RedactedFrame is final")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a RedactedFrame does not change: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a RedactedFrame does not change: {name}")

    def __copy__(self) -> NoReturn:
        raise TypeError("a RedactedFrame is made by redact() alone, not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a RedactedFrame is made by redact() alone, not copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a RedactedFrame is made by redact() alone, not unpickled")


def redact(frame: Frame, coverage: Coverage, effect: Effect) -> RedactedFrame:
    """Return the frame with all that is covered replaced, in a private copy of its planes.

    ``effect`` belongs to one stream, whose frames come in order. Raises ValueError for the
    coverage of another frame. If the effect raises, so does this: there is no half-redacted frame.
    """
    if coverage.seq != frame.seq:
        raise ValueError(f"coverage of frame {coverage.seq} for frame {frame.seq}")
    redacted = RedactedFrame(_SEAL, frame, coverage.reason)
    if coverage.reason is not None:
        _cover_whole(redacted, coverage.reason)
    elif coverage.regions:
        _fill(redacted, frame, coverage, effect)
    redacted.buffer.flags.writeable = False
    for plane in redacted.planes:
        plane.flags.writeable = False
    return redacted


def _private_copy(frame: Frame, *, blank: bool) -> tuple[Any, tuple[Plane, ...]]:
    """Return a new buffer with the frame's samples (unless ``blank``), and its planes."""
    buffer = np.empty(sum(plane.size for plane in frame.planes), frame.pixel_format.dtype)
    planes: list[Plane] = []
    start = 0
    for source in frame.planes:
        plane = buffer[start : start + source.size].reshape(source.shape)
        start += source.size
        if not blank:
            np.copyto(plane, source)
        planes.append(plane)
    return buffer, tuple(planes)


def _cover_whole(redacted: RedactedFrame, reason: Reason) -> None:
    """Paint a grey frame that says why. Nothing of the frame was copied."""
    shift = redacted.pixel_format.depth - 8
    for index, plane in enumerate(redacted.planes):
        is_luma = index == 0 or redacted.pixel_format.is_rgb
        plane[:] = (_WHOLE_GREY if is_luma else _GREY) << shift
        if is_luma:
            _write_text(plane, reason.value, _TEXT_GREY << shift)


def _write_text(plane: Plane, text: str, level: int) -> None:
    """Write small text into the middle, if it fits."""
    height, width = plane.shape
    scale = height / 600
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    if high < 5 or wide > width:
        return
    stencil = np.zeros(plane.shape, np.uint8)
    place = ((width - wide) // 2, (height + high) // 2)
    thickness = max(1, round(scale))
    cv2.putText(stencil, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 1, thickness, cv2.LINE_8)
    plane[stencil > 0] = level


def _fill(redacted: RedactedFrame, frame: Frame, coverage: Coverage, effect: Effect) -> None:
    """Replace what is covered, in the private planes of the redacted frame."""
    canvas = Canvas(
        redacted.planes,
        redacted.pixel_format,
        redacted.interlaced,
        frame.session,
        float(frame.time),
    )
    made = list(patches(canvas, coverage.regions, reads_face=effect.reads_face))
    filled = effect.fill([patch for _, patch in made])
    pairs = zip(made, filled, strict=True)
    paint(canvas, [(place, samples, patch.piece) for (place, patch), samples in pairs])
