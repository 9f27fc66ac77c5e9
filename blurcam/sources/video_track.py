"""The choice of the video track of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from blurcam.errors import ConfigError, SourceOpenError
from blurcam.runtime.counts import FrameCounts, counted

# FFmpeg's formats that render text files as video.
_TEXT_ART: Final = frozenset({"tty", "bin", "xbin", "adf", "idf"})
_NO_VIDEO: Final = Disposition.attached_pic | Disposition.timed_thumbnails


def video_stream(
    path: Path | str,
    container: InputContainer,
    track: int | None = None,
    counts: FrameCounts | None = None,
) -> VideoStream:
    """Return the video track that players show: the default one, else the largest.

    ``track`` chooses another, counted from 1. Cover art does not count as video. ``counts`` gets a
    notice of the tracks that are not read. Raises SourceOpenError if none can be decoded.
    """
    if container.format.name in _TEXT_ART:
        raise SourceOpenError(f"{path}: not a video but text")
    videos = [each for each in container.streams.video if not each.disposition & _NO_VIDEO]
    if not videos:
        raise SourceOpenError(f"{path}: holds no video stream")
    if track is not None:
        return _asked(path, videos, track)
    known = [each for each in videos if _is_known(each)]
    if not known:
        raise SourceOpenError(f"{path}: its codec is not one that FFmpeg can decode")
    chosen = max(known, key=lambda each: (_is_default(each), each.width * each.height))
    if counts is not None and len(videos) > 1:
        others = ", ".join(_named(videos, each) for each in videos if each is not chosen)
        counts.notice(
            f"{path}: {len(videos)} video tracks; track {_named(videos, chosen)} is redacted, and "
            f"left out is {others}; --track chooses"
        )
    return chosen


def _asked(path: Path | str, videos: list[VideoStream], track: int) -> VideoStream:
    if track > len(videos):
        has = counted(len(videos), "video track")
        raise ConfigError(f"track: {path} has {has}, and no {track}")
    chosen = videos[track - 1]
    if not _is_known(chosen):
        raise SourceOpenError(f"{path}: FFmpeg cannot decode the codec of track {track}")
    return chosen


def _is_known(stream: VideoStream) -> bool:
    """Whether FFmpeg can decode the stream; if not, PyAV has no codec context for it."""
    context: Any = stream.codec_context
    return context is not None


def _is_default(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.default)


def _named(videos: list[VideoStream], stream: VideoStream) -> str:
    size = f" ({stream.width}x{stream.height})" if _is_known(stream) else ""
    return f"{videos.index(stream) + 1}{size}"


def track_number(container: InputContainer, stream: VideoStream) -> int:
    """Return the number of a video track among the video tracks of its container, from 0."""
    videos = [each for each in container.streams.video if not each.disposition & _NO_VIDEO]
    return next(n for n, each in enumerate(videos) if each.index == stream.index)
