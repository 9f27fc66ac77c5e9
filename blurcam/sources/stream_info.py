"""Stream info: size, format, rate, colours and orientation, by the first frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final, TypeGuard

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.errors import SourceOpenError
from blurcam.media.formats import PIXEL_FORMATS, Colour, PixelFormat, StreamInfo
from blurcam.settings.reading import AS_MOUNTED, Mounting
from blurcam.sources.container_crop import NO_CROP, Crop
from blurcam.sources.fields import is_top_first
from blurcam.sources.side_data import orientation_of, properties_of

LARGEST_SIDE: Final = 16384
"""Pixels: no frame has a longer side."""
USUAL_RATE: Final = Fraction(25)
"""Frames a second if nothing else is known."""
# The most frames a second; a header may claim two thousand million.
_SWIFTEST: Final = 100_000
# Codecs whose standard says that samples take the limited range unless the stream says otherwise.
# Of others FFmpeg shows grey, and what becomes grey, in the full range.
_LIMITED_UNTOLD: Final = frozenset(
    {"h264", "hevc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "vvc"}
)


def stream_info(
    name: str,
    stream: VideoStream,
    first: VideoFrame,
    *,
    mounting: Mounting = AS_MOUNTED,
    rate: Fraction | None = None,
    crop: Crop = NO_CROP,
) -> StreamInfo:
    """Return what the stream is; the first frame tells more than the container.

    ``rate`` is a rate that is known from elsewhere; ``crop`` is what the container crops off.
    """
    context = stream.codec_context
    if max(first.width, first.height) > LARGEST_SIDE:
        size = f"{first.width}x{first.height}"
        raise SourceOpenError(f"{name}: {size} is more than {LARGEST_SIDE} pixels a side")
    width, height = crop.size(first.width, first.height)
    info = StreamInfo(
        name=name,
        width=width,
        height=height,
        pixel_format=nearest_format(first),
        time_base=stream.time_base or Fraction(1, 90000),
        rate=rate or _rate(stream),
        codec=context.codec.canonical_name,
        sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
        orientation=orientation_of(first).then(mounting.orientation),
        colour=_colour(context, first),
        interlaced=first.interlaced_frame,
        # If an odd number of lines is cropped off the top, the fields change their order.
        top_field_first=is_top_first(context, first) != bool(crop.top % 2),
        frame_count=stream.frames or None,
        duration=stream.duration,
        lost_properties=properties_of(first),
    )
    if first.format.is_rgb or first.format.has_palette:
        # libswscale converts RGB to limited-range BT.601 unless asked otherwise.
        return replace(info, colour=replace(info.colour, matrix=6, full_range=False))
    return info


def _rate(stream: VideoStream) -> Fraction | None:
    """Return the average rate; the codec's own rate comes before a guess.

    For a stream that is read as it comes, FFmpeg knows no average, and guesses that H.264 and
    MPEG-2 come in fields: twice the rate. A rate that no camera can have is ignored.
    """
    told = (stream.average_rate, stream.codec_context.framerate, stream.guessed_rate)
    return next((rate for rate in told if is_possible(rate)), None)


def is_possible(rate: Fraction | None) -> TypeGuard[Fraction]:
    """Whether a camera can have this rate, whatever a header claims."""
    return rate is not None and 0 < rate <= _SWIFTEST


def own_name(picture: VideoFrame) -> str:
    """Return the format's name without the "j" that marks full range."""
    return picture.format.name.replace("yuvj", "yuv")


def is_full_range(picture: VideoFrame) -> bool | None:
    """Return whether the samples have the full range, ``None`` if the frame does not tell."""
    if picture.format.name.startswith("yuvj"):
        return True
    level = int(picture.color_range or 0)
    return level == 2 if level else None


def nearest_format(picture: VideoFrame) -> PixelFormat:
    """Return the format of ours that loses least of the frame's."""
    name = own_name(picture)
    own = PIXEL_FORMATS.get(name)
    if own is not None and not own.is_rgb:
        return own
    given = picture.format
    if given.is_rgb or given.has_palette:
        return PIXEL_FORMATS["yuv444p"]
    bits = max(component.bits for component in given.components)
    depth = 8 if bits <= 8 else 10 if bits <= 10 else 12
    suffix = "" if depth == 8 else f"{depth}le"
    if len(given.components) < 3:
        return PIXEL_FORMATS[f"gray{suffix}"]
    wide, high = given.chroma_width(16), given.chroma_height(16)
    layout = {(8, 8): "420", (8, 16): "422", (16, 16): "444", (16, 8): "440", (4, 16): "411"}
    return (
        PIXEL_FORMATS.get(f"yuv{layout.get((wide, high), '444')}p{suffix}")
        or (PIXEL_FORMATS[f"yuv444p{suffix}"])
    )


def _colour(context: Any, first: VideoFrame) -> Colour:
    full = is_full_range(first)
    if full is None and context.color_range:
        full = int(context.color_range) == 2
    is_grey = len(first.format.components) < 3 and not first.format.has_palette
    if full is None and is_grey and context.codec.canonical_name not in _LIMITED_UNTOLD:
        full = True
    return Colour(
        primaries=int(context.color_primaries or 2),
        transfer=int(context.color_trc or 2),
        matrix=int(context.colorspace if context.colorspace is not None else 2),
        full_range=full,
    )
