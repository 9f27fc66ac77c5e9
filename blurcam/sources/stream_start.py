"""The start of a stream: what it is, which time stamps count, and from when on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.media.formats import StreamInfo
from blurcam.media.timelines import rescale
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.reading import ReadOptions
from blurcam.sources.container_crop import NO_CROP, Crop
from blurcam.sources.stream_info import USUAL_RATE, is_possible, stream_info
from blurcam.sources.to_frames import FrameMaker, TimedBy

# AVFMT_NOTIMESTAMPS: streams of one codec without a container.
_NO_TIME_STAMPS: Final = 0x80
# Containers whose time stamps are from a clock that ran before the recording began.
_CLOCKS: Final = frozenset({"mpegts", "mpeg", "dhav", "vobsub", "pva", "wtv"})
# A recording that begins later than this has the time stamps of such a clock in any container.
_LATE_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class StreamStart:
    """What is known once a stream's first frame is decoded.

    ``origin`` is taken from every time stamp. ``assumes_rate``: nobody told the rate.
    """

    info: StreamInfo
    timed_by: TimedBy = "pts"
    origin: int = 0
    crop: Crop = NO_CROP
    assumes_rate: bool = False

    def frame_maker(self, first: VideoFrame, counts: FrameCounts) -> FrameMaker:
        """Return what makes frames of the stream's pictures; note what none of them will show."""
        counts.starts_at = self.info.start
        for each in self.info.lost_properties:
            counts.notice(f"{self.info.name}: is {each}; the output does not say so")
        return FrameMaker(
            self.info,
            first,
            counts,
            timed_by=self.timed_by,
            origin=self.origin,
            crop=self.crop,
        )

    def note_rate(self, counts: FrameCounts) -> None:
        """Note that the rate of the stream was assumed."""
        counts.notice(
            f"{self.info.name}: does not say its rate; {USUAL_RATE} frames a second are assumed; "
            "--rate says another"
        )


def start_of(
    name: str,
    container: InputContainer,
    stream: VideoStream,
    first: VideoFrame,
    asked: ReadOptions,
    crop: Crop,
) -> StreamStart:
    """Return the start of a stream whose container may crop its frames."""
    crop = crop if crop.fits(first.width, first.height) else NO_CROP
    rate, timed_by = _timing(container, stream, first, asked.rate)
    info = stream_info(name, stream, first, mounting=asked.mounting, rate=rate, crop=crop)
    if timed_by == "rate":
        info = replace(info, time_base=1 / (rate or USUAL_RATE))
    stamp = first.dts if timed_by == "dts" else first.pts
    given = 0 if stamp is None or timed_by == "rate" else stamp
    base = first.time_base or info.time_base
    origin = 0
    if not asked.keep_start:
        origin = origin_of(container, rescale(given, base, info.time_base), info.time_base)
    is_assumed = timed_by == "rate" and asked.rate is None
    return StreamStart(
        replace(info, start=given * base),
        timed_by,
        origin,
        crop,
        is_assumed and not is_possible(stream.codec_context.framerate),
    )


def with_mounting(info: StreamInfo, asked: ReadOptions) -> StreamInfo:
    """Return the info with the orientation that was asked for, if the stream tells none."""
    return replace(info, orientation=asked.mounting.orientation)


def _timing(
    container: InputContainer, stream: VideoStream, first: VideoFrame, asked: Fraction | None
) -> tuple[Fraction | None, TimedBy]:
    """Return the rate, if one better than the container's is known, and which time stamps count.

    A bare stream has no time stamps, and FFmpeg makes them up for 25 frames a second. Its rate is
    the one in the stream itself, else the one that was ``asked`` for, else the usual one.
    """
    if container.format.name == "avi":
        # AVI stores no pts; what FFmpeg makes up for reordered frames steps back and forth, while
        # the dts of decoded frames counts them.
        return None, "dts"
    # A sequence of pictures is a bare stream, too: FFmpeg's demuxers for them have the same flag.
    is_bare = int(container.format.flags) & _NO_TIME_STAMPS
    if not is_bare and not container.format.name.endswith("_pipe"):
        return None, "pts"
    told = stream.codec_context.framerate
    if is_possible(told):
        return told, "rate" if first.pts is None else "pts"
    return asked or USUAL_RATE, "rate"


def origin_of(container: InputContainer, first: int, time_base: Fraction) -> int:
    """Return what is subtracted from every time stamp, so that the output begins at zero.

    A start within the first second is kept, unless the container's clock tells nothing of the
    recording's beginning.
    """
    is_clock = container.format.name in _CLOCKS
    return first if is_clock or first < 0 or first * time_base >= _LATE_SECONDS else 0
