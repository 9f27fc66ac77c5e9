"""What a stream is and when: pixel formats, stream parameters, time lines and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from blurcam.media.orientation import AS_STORED, Orientation


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """A planar pixel format, by FFmpeg's name, as far as blurcam has to understand it.

    ``shift_x`` and ``shift_y`` are the base-2 logarithms of the chroma subsampling, as in
    FFmpeg's ``AVPixFmtDescriptor``; ``depth`` is in bits a sample. RGB is three planes in the
    order G, B, R, FFmpeg's ``gbrp``. Full-range YUV bears the plain name: the range is a colour
    tag (:class:`Colour`), not a format.
    """

    name: str
    plane_count: int
    shift_x: int
    shift_y: int
    depth: int
    is_rgb: bool = False

    @property
    def dtype(self) -> str:
        """The numpy type of a sample: little-endian ``uint16`` above 8 bits."""
        return "uint8" if self.depth == 8 else "<u2"

    def plane_shape(self, plane: int, width: int, height: int) -> tuple[int, int]:
        """Return ``(rows, columns)`` of a plane of a ``width`` × ``height`` picture."""
        if plane == 0 or self.is_rgb:
            return height, width
        return -(-height >> self.shift_y), -(-width >> self.shift_x)

    def with_depth(self, depth: int) -> PixelFormat:
        """Return the same layout at another depth; KeyError where FFmpeg has none."""
        for candidate in PIXEL_FORMATS.values():
            if candidate.depth == depth and candidate.layout == self.layout:
                return candidate
        raise KeyError(f"{self.name} at {depth} bits")

    @property
    def layout(self) -> tuple[int, int, int, bool]:
        """What two formats share that differ only in depth."""
        return self.plane_count, self.shift_x, self.shift_y, self.is_rgb


def _formats() -> dict[str, PixelFormat]:
    layouts = {"420": (1, 1), "422": (1, 0), "444": (0, 0), "440": (0, 1), "411": (2, 0)}
    made = [PixelFormat("gray", 1, 0, 0, 8), PixelFormat("gbrp", 3, 0, 0, 8, is_rgb=True)]
    made.append(PixelFormat("yuv410p", 3, 2, 2, 8))
    made += [PixelFormat(f"yuv{n}p", 3, x, y, 8) for n, (x, y) in layouts.items()]
    for depth in (10, 12):
        made.append(PixelFormat(f"gray{depth}le", 1, 0, 0, depth))
        made += [
            PixelFormat(f"yuv{n}p{depth}le", 3, *layouts[n], depth) for n in ("420", "422", "444")
        ]
    return {each.name: each for each in made}


PIXEL_FORMATS: Final = _formats()
"""Every pixel format a frame may have inside blurcam; sources convert anything else, once."""

DEEP_FORMATS: Final = {
    each.name: each
    for each in (
        PixelFormat("gray16le", 1, 0, 0, 16),
        PixelFormat("gbrp16le", 3, 0, 0, 16, is_rgb=True),
    )
}
"""What pictures of 16 bits are redacted in, besides; no video is written in them."""


@dataclass(frozen=True, slots=True)
class Colour:
    """The colour tags of a stream, as FFmpeg's numbers (ITU-T H.273); 2 is "not said"."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool | None = None
    chroma_location: int = 0


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What is known of a video stream before its first frame.

    ``width`` and ``height`` are those of the coded frame; a player turns and mirrors it by
    ``orientation`` before it shows it.
    ``rate`` is the average in frames a second, ``None`` where the container does not say.
    ``frame_count`` and ``duration`` (in ``time_base``) are the container's claims, ``None``
    where it makes none. ``start`` is when the first frame is shown by the clock of the input, in
    seconds. ``lost_properties`` are, in words, those that no output of blurcam has. ``name`` is
    safe to print: secrets are masked.
    """

    name: str
    width: int
    height: int
    pixel_format: PixelFormat
    time_base: Fraction
    rate: Fraction | None = None
    codec: str = ""
    sample_aspect_ratio: Fraction = Fraction(1)
    orientation: Orientation = AS_STORED
    colour: Colour = Colour()
    interlaced: bool = False
    top_field_first: bool = True
    frame_count: int | None = None
    duration: int | None = None
    start: Fraction = Fraction(0)
    lost_properties: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no picture can be."""
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a picture of {self.width}x{self.height} pixels")
        if self.time_base <= 0 or self.sample_aspect_ratio <= 0:
            raise ValueError("time base and sample aspect ratio must be positive")

    @property
    def display_matrix(self) -> tuple[int, ...] | None:
        """What a container says of the orientation, ``None`` where it has nothing to say."""
        if self.orientation == AS_STORED:
            return None
        return self.orientation.display_matrix(self.width, self.height)
