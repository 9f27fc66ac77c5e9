"""Redacted frames as FFmpeg's encoders take them, turned if the container cannot declare it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from blurcam.errors import SinkWriteError
from blurcam.media.formats import PIXEL_FORMATS, PixelFormat, StreamInfo
from blurcam.media.orientation import AS_STORED, Orientation
from blurcam.redact.gate import RedactedFrame
from blurcam.runtime.counts import FrameCounts

Samples = NDArray[np.uint8] | NDArray[np.uint16]
# The samples keep their range: FFmpeg is told that both ranges are the same.
_SAME_LEVELS = (1, 1)


def upright(info: StreamInfo) -> StreamInfo:
    """Return the info of the stream whose frames are stored as those of ``info`` are shown.

    If the order of the rows changes, so does the order of the fields of interlaced frames. If rows
    become columns, the frames have no fields any more.
    """
    way = info.orientation
    if way == AS_STORED:
        return info
    made = replace(info, orientation=AS_STORED)
    if way.transposes:
        return replace(
            made,
            width=info.height,
            height=info.width,
            sample_aspect_ratio=1 / info.sample_aspect_ratio,
            pixel_format=_turned_format(info.pixel_format),
            interlaced=False,
        )
    if way.flips_rows and info.height % 2 == 0:
        return replace(made, top_field_first=not info.top_field_first)
    return made


def note_upright(info: StreamInfo, counts: FrameCounts) -> None:
    """Note for the summary how the pixels of a stream were turned or mirrored."""
    way = info.orientation
    said = [f"turned by {way.rotation} degrees"] if way.rotation else []
    said += ["mirrored"] if way.mirrored else []
    if said:
        counts.notice(f"the pixels were {' and '.join(said)}, since the output cannot say that")


def _turned_format(own: PixelFormat) -> PixelFormat:
    """Return a format for frames whose rows become columns, which 4:2:2 cannot be."""
    return own if own.shift_x == own.shift_y else PIXEL_FORMATS["yuv444p"].with_depth(own.depth)


def upright_planes(frame: RedactedFrame, way: Orientation) -> tuple[Samples, ...]:
    """Return the frame's planes, turned and mirrored."""
    planes = frame.planes
    if way.transposes and frame.pixel_format.shift_x != frame.pixel_format.shift_y:
        wanted = _turned_format(frame.pixel_format)
        made = _reformatted(_filled(planes, frame.pixel_format), wanted.name, _SAME_LEVELS)
        planes = tuple(_samples(made, index, wanted) for index in range(wanted.plane_count))
    return tuple(cast(Samples, way.applied(plane)) for plane in planes)


def picture_of(
    frame: RedactedFrame, way: Orientation, target: str, levels: tuple[int, int]
) -> VideoFrame:
    """Return the frame as FFmpeg's, turned, in the format ``target``.

    It owns its samples, as encoders expect. ``levels`` are FFmpeg's numbers for the range of the
    samples, and for the range that the encoder wants.
    """
    own = frame.pixel_format
    if own.is_rgb:
        raise SinkWriteError("RGB pictures are not encoded")
    planes = frame.planes
    if way != AS_STORED:
        planes = upright_planes(frame, way)
        own = _turned_format(own) if way.transposes else own
    if own.plane_count == 1 and not target.startswith("gray"):
        planes, own = _with_neutral_chroma(planes[0], own)
    picture = _filled(planes, own)
    if own.name == target and levels[0] == levels[1]:
        return picture
    return _reformatted(picture, target, levels)


def _with_neutral_chroma(
    luma: Samples, own: PixelFormat
) -> tuple[tuple[Samples, ...], PixelFormat]:
    """Return shades of grey as a frame in colour, sample for sample.

    FFmpeg's scaler takes grey for full range, whatever is said: contrast would be lost.
    """
    wanted = PIXEL_FORMATS["yuv420p"].with_depth(own.depth)
    shape = wanted.plane_shape(1, luma.shape[1], luma.shape[0])
    neutral = cast(Samples, np.full(shape, 1 << (own.depth - 1), wanted.dtype))
    return (luma, neutral, neutral), wanted


def _filled(planes: tuple[Samples, ...], own: PixelFormat) -> VideoFrame:
    rows, columns = planes[0].shape
    picture = VideoFrame(columns, rows, own.name)
    for index, source in enumerate(planes):
        np.copyto(_samples(picture, index, own), source)
    return picture


def _samples(picture: VideoFrame, index: int, own: PixelFormat) -> Samples:
    """Return a plane of FFmpeg's frame without the padding of its rows."""
    rows, columns = own.plane_shape(index, picture.width, picture.height)
    plane = picture.planes[index]
    samples = np.frombuffer(cast(Any, plane), own.dtype)
    stride = plane.line_size // samples.itemsize
    return cast(Samples, samples[: rows * stride].reshape(rows, stride)[:, :columns])


def _reformatted(picture: VideoFrame, target: str, levels: tuple[int, int]) -> VideoFrame:
    has, wants = levels
    return picture.reformat(format=target, src_color_range=has, dst_color_range=wants)
