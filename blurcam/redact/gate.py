"""The one gate: only :func:`redact` makes a :class:`RedactedFrame`, and nothing else is written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, NoReturn, final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.media.formats import PixelFormat
from blurcam.media.frames import Frame, Plane
from blurcam.media.masks import Mask, clusters, plane_mask, rasterise
from blurcam.media.regions import Box, Coverage, Reason, Region, Shape
from blurcam.redact.effects import Effect, Patch

_SEAL: Final = object()
# How far around a region the rim is looked for, over the region's size.
_SURROUNDINGS: Final = 0.25
_GREY: Final = 128
_WHOLE_GREY: Final = 96
_TEXT_GREY: Final = 200


@final
class RedactedFrame:
    """A picture fit to be shown: every covered sample of it was replaced.

    Made by :func:`redact` alone. ``planes`` are read-only views, without padding, of the one
    private ``buffer``, in which they follow one another. ``reason`` says why the picture is
    covered whole, ``None`` where it is not.
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
        """Copy the frame's planes and marks; only this module knows the seal."""
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

    Raises ValueError for the coverage of another frame. A failing effect raises what it raises:
    there is no half-redacted frame.
    """
    if coverage.seq != frame.seq:
        raise ValueError(f"coverage of frame {coverage.seq} for frame {frame.seq}")
    redacted = RedactedFrame(_SEAL, frame, coverage.reason)
    if coverage.reason is not None:
        _cover_whole(redacted, coverage.reason)
    elif coverage.regions:
        _fill(redacted, coverage.regions, effect)
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
    """Paint a grey picture that says why; nothing of the frame was copied."""
    shift = redacted.pixel_format.depth - 8
    for index, plane in enumerate(redacted.planes):
        is_luma = index == 0 or redacted.pixel_format.is_rgb
        plane[:] = (_WHOLE_GREY if is_luma else _GREY) << shift
        if is_luma:
            _write_text(plane, reason.value, _TEXT_GREY << shift)


def _write_text(plane: Plane, text: str, level: int) -> None:
    """Write small text into the middle, where it fits."""
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


def _fill(redacted: RedactedFrame, regions: tuple[Region, ...], effect: Effect) -> None:
    width, height = redacted.width, redacted.height
    mask = rasterise(regions, width, height)
    patches: list[Patch] = []
    places: list[tuple[Plane, ...]] = []
    for part in clusters(regions, width, height, _SURROUNDINGS):
        aligned = _aligned(part, redacted)
        face = _face_size(regions, aligned, effect)
        for group in _groups(redacted):
            covered = plane_mask(
                mask[aligned.y0 : aligned.y1, aligned.x0 : aligned.x1],
                redacted.pixel_format,
                group[0],
                interlaced=redacted.interlaced,
            )
            place = _views(redacted, group, aligned, covered.shape)
            places.append(place)
            patches.append(_patch(redacted, group, place, covered, face, effect))
    for place, patch, filled in zip(places, patches, effect.fill(patches), strict=True):
        for plane, samples in zip(place, filled, strict=True):
            np.copyto(plane, samples, where=patch.covered.view(bool))


def _aligned(part: Box, redacted: RedactedFrame) -> Box:
    """Return the part grown to whole chroma samples, with room for interlaced ones."""
    across, down = 1 << redacted.pixel_format.shift_x, 2 << redacted.pixel_format.shift_y
    return Box(
        part.x0 // across * across,
        max(0, (part.y0 // down - 1) * down),
        min(redacted.width, -(-part.x1 // across) * across),
        min(redacted.height, (-(-part.y1 // down) + 1) * down),
    )


def _face_size(regions: tuple[Region, ...], part: Box, effect: Effect) -> int:
    """Return the size of the part's smallest ellipse; of its largest for a cosmetic effect.

    Fine shading around a small face is a matter of looks; a large face in small blocks is not.
    """
    sizes = [
        min(region.box.width, region.box.height)
        for region in regions
        if region.shape is Shape.ELLIPSE and part.meets(region.box)
    ]
    chosen = max if effect.reads_face else min
    return max(4, chosen(sizes, default=min(part.width, part.height) // 2))


def _groups(redacted: RedactedFrame) -> tuple[tuple[int, ...], ...]:
    """Return which planes share a mask; luma and chroma never mix in one group."""
    if redacted.pixel_format.is_rgb:
        return ((0, 1, 2),)
    return ((0,),) if len(redacted.planes) == 1 else ((0,), (1, 2))


def _views(
    redacted: RedactedFrame, group: tuple[int, ...], part: Box, shape: tuple[int, ...]
) -> tuple[Plane, ...]:
    """Return where the planes of a group hold the part."""
    shift_x, shift_y = _shifts(redacted, group)
    x, y = part.x0 >> shift_x, part.y0 >> shift_y
    return tuple(redacted.planes[i][y : y + shape[0], x : x + shape[1]] for i in group)


def _shifts(redacted: RedactedFrame, group: tuple[int, ...]) -> tuple[int, int]:
    pixel_format = redacted.pixel_format
    if group[0] == 0 or pixel_format.is_rgb:
        return 0, 0
    return pixel_format.shift_x, pixel_format.shift_y


def _patch(
    redacted: RedactedFrame,
    group: tuple[int, ...],
    place: tuple[Plane, ...],
    covered: Mask,
    face: int,
    effect: Effect,
) -> Patch:
    """Return what an effect gets to see: what it does not get, it cannot leak."""
    planes = place if effect.reads_face else tuple(plane * (1 - covered) for plane in place)
    return Patch(
        planes,
        covered,
        face / (1 << max(_shifts(redacted, group))),
        redacted.pixel_format.depth,
        is_chroma=group[0] != 0,
    )
