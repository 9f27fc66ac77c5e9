"""Side data: what FFmpeg tells of a decoded frame besides its samples."""

from __future__ import annotations

import struct
from typing import Any, Final, cast

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from blurcam.media.orientation import AS_STORED, Orientation

_PROPERTIES: Final = {
    "SPHERICAL": "spherical (360 degrees)",
    "STEREO3D": "stereoscopic",
    "MASTERING_DISPLAY_METADATA": "HDR with mastering data",
    "CONTENT_LIGHT_LEVEL": "HDR with light levels",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DOVI_METADATA": "Dolby Vision",
}


def _unknown(cls: Any, value: object) -> Any:
    del value
    return cls.VIDEO_HINT


# PyAV 18.1 does not know all kinds of side data that its FFmpeg makes (EXIF, the views of stereo
# video), and then refuses to list any. So an unknown kind is listed as one that nobody reads.
Type._missing_ = classmethod(_unknown)  # type: ignore[assignment,method-assign]


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return how a player turns the frame: by the container's display matrix, SEI or EXIF."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return AS_STORED
    a, b, _, c, d, *_ = struct.unpack("=9i", cast(Any, matrix))
    return Orientation.of_matrix(a, b, c, d)


def properties_of(frame: VideoFrame) -> tuple[str, ...]:
    """Return the properties of the frame, in words, that the outputs do not carry."""
    return tuple(text for kind, text in _PROPERTIES.items() if frame.side_data.get(kind))
