"""Containers: what each can hold and declare, and FFmpeg's options to write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from blurcam.errors import ConfigError
from blurcam.settings.pipe import ToName

TELLS_SHAPE: Final = frozenset({"h264", "hevc"})
"""Codecs that declare the sample aspect ratio in the video itself, in any container."""

_H26X: Final = frozenset({"h264", "hevc"})
_MODERN: Final = _H26X | {"av1"}


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A container, by FFmpeg's name of its muxer.

    ``codecs`` are those that blurcam writes into it. If it ``turns``, it can declare how a frame is
    turned and mirrored; for other containers the pixels are turned. ``options`` are the muxer's.
    """

    name: str
    codecs: frozenset[str]
    turns: bool = False
    options: dict[str, str] = field(default_factory=dict)


FILES: Final[dict[str, OutputFormat]] = {
    ".mp4": OutputFormat("mp4", _MODERN, turns=True),
    ".m4v": OutputFormat("mp4", _MODERN, turns=True),
    ".mov": OutputFormat("mov", _MODERN, turns=True),
    ".mkv": OutputFormat("matroska", _MODERN, turns=True),
    ".ts": OutputFormat("mpegts", _H26X),
    ".webm": OutputFormat("webm", frozenset({"av1"}), turns=True),
}
"""The container of each file suffix."""

STREAMS: Final[dict[ToName, OutputFormat]] = {
    "ts": OutputFormat("mpegts", _H26X),
    "nut": OutputFormat("nut", _MODERN | {"ffv1", "rawvideo", "mjpeg"}),
    "matroska": OutputFormat(
        "matroska",
        _MODERN | {"ffv1", "mjpeg"},
        turns=True,
        # FFmpeg writes a cluster when the next one begins: here with every frame.
        options={"live": "1", "cluster_time_limit": "1"},
    ),
    "mp4": OutputFormat(
        "mp4",
        _MODERN,
        turns=True,
        options={"movflags": "+empty_moov+default_base_moof+frag_every_frame"},
    ),
    "flv": OutputFormat("flv", _MODERN, options={"flvflags": "no_duration_filesize"}),
    "mjpeg": OutputFormat("mjpeg", frozenset({"mjpeg"})),
    "y4m": OutputFormat("yuv4mpegpipe", frozenset({"rawvideo"})),
    "raw": OutputFormat("rawvideo", frozenset({"rawvideo"})),
}
"""The containers that ``--to`` can write to a pipe."""


def format_of(path: Path) -> OutputFormat:
    """Return the container of a file's suffix; raises ConfigError for an unknown one."""
    found = FILES.get(path.suffix.lower())
    if found is None:
        raise ConfigError(
            f"{path}: cannot tell the container from its name; end it in {', '.join(FILES)}"
        )
    return found


def muxer_options(container: str, time_base: Fraction, *, live: bool = False) -> dict[str, str]:
    """Return FFmpeg's options for a file that can be played while it is written.

    A ``live`` file that is cut off loses at most a second.
    """
    if container in ("matroska", "webm"):
        # FFmpeg writes a cluster when the next one begins, by default at the next key frame.
        clusters = {"cluster_time_limit": "500"} if live else {}
        return clusters | {"flush_packets": "1"}
    if container not in ("mp4", "mov"):
        return {"flush_packets": "1"}
    # Edit lists have the start, and the delay of reordered frames, in units of the movie's time
    # scale. At its default of 1000 every pts would be wrong by up to half a millisecond.
    # A fragment ends with a group of pictures, since FFmpeg computes the duration of the last one
    # only. When a fragment began among B-frames, the edit list hid the frame that they had waited
    # for (126 frames of one recording were written, and 125 shown).
    # A live encoder makes no B-frames.
    scale = _time_scale(time_base)
    fragments = {"frag_duration": "1000000"} if live else {}
    return fragments | {
        "movflags": "+hybrid_fragmented+delay_moov+frag_keyframe",
        "use_editlist": "1",
        "video_track_timescale": str(scale),
        "movie_timescale": str(scale),
        "flush_packets": "1",
    }


def _time_scale(time_base: Fraction) -> int:
    """Return MP4's time scale for exact times in this time base."""
    scale = time_base.denominator
    while scale < 1000:
        scale *= 10
    return scale
