"""Side data: what FFmpeg tells of a decoded frame besides its samples."""

from __future__ import annotations

import ctypes
import gc
import struct
from typing import Any, Final, cast

from av.dictionary import Dictionary
from av.sidedata.sidedata import SideDataContainer, Type
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


_OPAQUE: Final = 255


def _unknown(cls: Any, value: object) -> Any:
    del value
    return cls.VIDEO_HINT


# PyAV 18.1 does not know all kinds of side data that its FFmpeg makes (EXIF, the views of stereo
# video), and then refuses to list any. So an unknown kind is listed as one that nobody reads.
Type._missing_ = classmethod(_unknown)  # type: ignore[assignment,method-assign]


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return how a player turns the frame: by the container's display matrix, SEI or EXIF."""
    matrix = _side_data(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return AS_STORED
    a, b, _, c, d, *_ = struct.unpack("=9i", cast(Any, matrix))
    return Orientation.of_matrix(a, b, c, d)


def properties_of(frame: VideoFrame) -> tuple[str, ...]:
    """Return the properties of the frame, in words, that the outputs do not carry."""
    side_data = _side_data(frame)
    said = [text for kind, text in _PROPERTIES.items() if side_data.get(kind)]
    if _is_clear(frame):
        said.append("clear in places (alpha)")
    return tuple(said)


def _side_data(frame: VideoFrame) -> SideDataContainer:
    """Return the side data of a frame, safe to forget.

    PyAV 18.1 takes the name of a colour profile for its own and frees it, and FFmpeg frees it once
    more with the frame: the process dies of SIGSEGV. So PyAV's holder of such names is never freed,
    some hundred bytes for each frame that has one and is asked.
    """
    listed = frame.side_data
    for each in listed:
        for held in gc.get_referents(each):
            if isinstance(held, Dictionary) and len(held):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
    return cast(SideDataContainer, listed)


def _is_clear(frame: VideoFrame) -> bool:
    """Whether anything behind the frame is to be seen through it."""
    parts = frame.format.components
    if len(parts) not in (2, 4) or not any(part.is_alpha for part in parts):
        return False
    samples = frame.reformat(format="rgba").to_ndarray()
    return bool(samples[..., 3].min() < _OPAQUE)
