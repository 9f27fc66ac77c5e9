"""Recordings: everything FFmpeg reads, as frames; PyAV's types and errors end here."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

import av
import av.logging
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from blurcam.errors import SourceOpenError, SourceReadError
from blurcam.frames import Frame, Plane
from blurcam.stats import Tally, Trouble
from blurcam.streams import PIXEL_FORMATS, Colour, PixelFormat, StreamInfo, Timeline

logger = logging.getLogger(__name__)

_LARGEST_SIDE: Final = 16384
_LARGEST_PIXELS: Final = 1 << 27
# A new session begins after a gap that no track is to be carried across.
_SESSION_GAP_SECONDS: Final = 10
# Decoder threads: each holds a frame back, and beyond eight little is gained.
_MOST_THREADS: Final = 8
# What the Matroska demuxer logs, and only logs, where a file stops in the middle of a block.
_EARLY_END: Final = "File ended prematurely"
# What FFmpeg's decoders log, at error level, of pictures that they then hand out all the same.
_DAMAGE: Final = (
    "error while decoding",
    "concealing",
    "corrupt",
    "invalid nal",
    "missing picture",
    "missing reference",
    "could not find ref",
    "reference picture missing",
    "no frame!",
    "error at mb",
    "decode_slice",
    "overread",
    "invalid data",
)
# FFmpeg draws text files as pictures of a terminal.
_TEXT_ART: Final = frozenset({"tty", "bin", "xbin", "adf", "idf"})
# AV_FIELD_BB and AV_FIELD_BT
_BOTTOM_FIRST: Final = (3, 5)
# Coded pictures come one to a packet, so that packets without a picture are lost pictures.
_ONE_A_PACKET: Final = frozenset(
    {"h264", "hevc", "av1", "mpeg4", "mpeg2video", "mjpeg", "gif", "ffv1", "rawvideo", "prores"}
)

# libswscale and the decoders complain on stderr unless told not to; what they say is read from
# the log instead.
av.logging.set_level(av.logging.ERROR)
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False


def open_source(path: Path, tally: Tally) -> FileSource:
    """Return the recording, with its first frame decoded.

    Counts every decoded frame in ``tally.frames_in``, and what is missing in ``tally.lost``.
    Raises :class:`~blurcam.errors.SourceOpenError` where there is nothing to decode.
    """
    _refuse_what_is_no_file(path)
    with av.logging.Capture(local=True), _opening(path):
        # "file:" keeps a name with a colon from being taken for an address.
        container = av.open(f"file:{path}", metadata_errors="ignore")
    try:
        return FileSource(path, container, tally)
    except BaseException:
        container.close()
        raise


def _refuse_what_is_no_file(path: Path) -> None:
    if path.is_dir():
        raise SourceOpenError(f"{path}: is a folder; name one recording in it")
    if not path.exists():
        raise SourceOpenError(f"{path}: does not exist")
    if not path.is_file():
        raise SourceOpenError(f"{path}: is not a file")
    if not os.access(path, os.R_OK):
        raise SourceOpenError(f"{path}: may not be read; check its permissions")
    if path.stat().st_size == 0:
        raise SourceOpenError(f"{path}: is empty")


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError, EOFError) as exc:
        raise SourceOpenError(f"{path}: not a video that FFmpeg can read ({_brief(exc)})") from exc


class FileSource:
    """A recording: its parameters, and its frames, once."""

    def __init__(self, path: Path, container: InputContainer, tally: Tally) -> None:
        """Use :func:`open_source`."""
        self.name = str(path)
        self._container = container
        self._tally = tally
        self._stream = _video_stream(path, container)
        self._decoded = _Decoded(self.name, container, self._stream)
        first = self._decoded.first()
        self.info = _info(self.name, self._stream, first)
        # AVI stores no pts; what FFmpeg makes up for reordered frames steps back and forth, while
        # the dts of decoded frames counts them.
        self._pictures = _Pictures(self.info, first, tally, by_dts=container.format.name == "avi")

    def frames(self) -> Iterator[Frame]:
        """Yield every frame that can be decoded.

        Raises :class:`~blurcam.errors.SourceReadError` where reading fails before the end. At
        the end the tally knows how many frames were lost.
        """
        try:
            for picture, is_suspect in self._decoded.pictures():
                self._tally.frames_in += 1
                yield self._pictures.frame(picture, is_suspect)
        finally:
            self._count_losses()

    def _count_losses(self) -> None:
        lost, why = self._decoded.lost(self.info, self._pictures.gaps)
        if lost:
            self._tally.lost = lost
            self._tally.notice(f"{self.name}: {lost} frames lost: {why}")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._container.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    """Return the stream to redact: the first that is moving pictures and not cover art."""
    if container.format.name in _TEXT_ART:
        raise SourceOpenError(f"{path}: not a video but text")
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise SourceOpenError(f"{path}: its codec is not one that FFmpeg can decode")
            return stream
    raise SourceOpenError(f"{path}: holds no video stream")


class _Decoded:
    """Decodes a stream, and keeps watch for what goes missing or comes out damaged."""

    def __init__(self, name: str, container: InputContainer, stream: VideoStream) -> None:
        self._name = name
        self._container = container
        self._stream = stream
        self._context = stream.codec_context
        self._context.thread_type = "AUTO"
        self._context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
        self._context.options = {"max_pixels": str(_LARGEST_PIXELS)}
        self._trouble = Trouble(logger, f"errors in {name}")
        self._iterator = self._run()
        self._first: tuple[VideoFrame, bool] | None = None
        self._packets = 0
        self._hidden = 0  # by an edit list, on purpose
        self._frames = 0
        self._damaged = False
        self._ended_early = False
        # Frames that must still pass before a key frame is trusted: those in the threads.
        self._suspect_for = 0
        self._is_suspect = False

    def first(self) -> VideoFrame:
        """Decode the first picture, which tells more than the container."""
        try:
            self._first = next(self._iterator)
        except StopIteration:
            raise SourceOpenError(f"{self._name}: holds no frame that can be decoded") from None
        except SourceReadError as exc:
            raise SourceOpenError(str(exc)) from exc
        return self._first[0]

    def pictures(self) -> Iterator[tuple[VideoFrame, bool]]:
        """Yield each picture, and whether it may be damaged."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._iterator

    def _run(self) -> Iterator[tuple[VideoFrame, bool]]:
        av.logging.set_skip_repeated(False)
        with av.logging.Capture(local=False) as log:
            packets = self._container.demux(self._stream)
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    self._refuse_early_end(log)
                    return
                except (av.FFmpegError, OSError, ValueError) as exc:
                    yield from self._judged(self._decode(None), log)
                    raise SourceReadError(
                        f"{self._name}: reading failed after {self._frames} frames: {_brief(exc)}"
                    ) from exc
                self._packets += bool(packet.size) and not packet.is_discard
                self._hidden += bool(packet.size) and packet.is_discard
                if packet.is_corrupt:
                    self._suspect("a packet is marked corrupt")
                yield from self._judged(self._decode(packet), log)

    def _refuse_early_end(self, log: list[tuple[int, str, str]]) -> None:
        """Raise SourceReadError where the end was no end: Matroska only mentions it in the log."""
        self._ended_early |= any(_EARLY_END in message for _, _, message in log)
        if self._ended_early:
            raise SourceReadError(
                f"{self._name}: reading failed after {self._frames} frames: {_EARLY_END}"
            )

    def _decode(self, packet: Any) -> list[VideoFrame]:
        """Return what a packet (``None``: the end) brings to light; an error is a lost picture."""
        try:
            return self._context.decode(packet)
        except (av.FFmpegError, ValueError) as exc:
            if not isinstance(exc, EOFError):
                self._suspect(_brief(exc))
            return []

    def _judged(
        self, pictures: list[VideoFrame], log: list[tuple[int, str, str]]
    ) -> Iterator[tuple[VideoFrame, bool]]:
        for _, _, message in log:
            self._ended_early |= _EARLY_END in message
            if any(sign in message.lower() for sign in _DAMAGE):
                self._suspect(message.strip())
        log.clear()
        for picture in pictures:
            self._frames += 1
            self._suspect_for = max(0, self._suspect_for - 1)
            if picture.key_frame and not self._suspect_for:
                self._is_suspect = False
            yield picture, self._is_suspect or picture.is_corrupt

    def _suspect(self, why: str) -> None:
        self._trouble.add(why)
        self._damaged = True
        self._is_suspect = True
        self._suspect_for = self._context.thread_count + 1

    def lost(self, info: StreamInfo, gaps: int) -> tuple[int, str]:
        """Return how many pictures are missing, by the sign that says most, and that sign."""
        self._trouble.flush()
        signs = [(0, "")]
        undecoded = self._packets - self._frames
        # The fields of interlaced pictures may come in packets of their own.
        if info.codec in _ONE_A_PACKET and not (info.interlaced and undecoded == self._frames):
            signs.append((undecoded, f"{self._packets} packets gave {self._frames} frames"))
        if self._damaged:
            signs.append((gaps, "the stream is damaged, and time steps are missing"))
        announced = info.frame_count or 0
        if announced > self._packets + self._hidden:
            missing = announced - self._hidden - self._frames
            signs.append((missing, f"the file announces {announced} frames"))
        return max(signs)


class _Pictures:
    """Turns decoded pictures into frames: format, size, time and session."""

    def __init__(self, info: StreamInfo, first: VideoFrame, tally: Tally, *, by_dts: bool) -> None:
        self._info = info
        self._by_dts = by_dts
        self._tally = tally
        self._seq = 0
        self._session = 0
        self._size = self._latest = (first.width, first.height)
        self._last: int | None = None
        step = max(1, round(1 / ((info.rate or Fraction(25)) * info.time_base)))
        self._step = step
        self._timeline = Timeline(step=step, jump=1 << 62)
        self.gaps = 0

    def frame(self, picture: VideoFrame, is_suspect: bool) -> Frame:
        """Return the next frame."""
        pts = self._place(picture)
        frame = Frame(
            planes=_planes(self._fitted(picture), self._info.pixel_format),
            pixel_format=self._info.pixel_format,
            seq=self._seq,
            pts=pts,
            time_base=self._info.time_base,
            wall_time=time.time(),
            session=self._session,
            is_corrupt=is_suspect,
            interlaced=picture.interlaced_frame,
        )
        self._seq += 1
        return frame

    def _place(self, picture: VideoFrame) -> int:
        jumps = self._timeline.jumps
        given = picture.dts if self._by_dts else picture.pts
        pts = self._timeline.place(given)
        if self._timeline.jumps > jumps and given is not None:
            self._session += 1
            self._tally.notice(f"{self._info.name}: time steps back; made to go on")
        if self._last is not None:
            step = pts - self._last
            self.gaps += max(0, round(step / self._step) - 1)
            if step * self._info.time_base > _SESSION_GAP_SECONDS:
                self._session += 1
        self._last = pts
        return pts

    def _fitted(self, picture: VideoFrame) -> VideoFrame:
        """Return the picture in the stream's one format and size."""
        size = (picture.width, picture.height)
        if size != self._latest:
            self._latest = size
            self._session += 1
            self._tally.notice(
                f"{self._info.name}: the picture changes size to {size[0]}x{size[1]}; scaled to "
                f"{self._size[0]}x{self._size[1]}"
            )
        same_format = _own_name(picture) == self._info.pixel_format.name
        if same_format and size == self._size:
            return picture
        return _converted(picture, self._info.pixel_format.name, *self._size)


def _own_name(picture: VideoFrame) -> str:
    """Return the format's name without the "j" that marks full range."""
    return picture.format.name.replace("yuvj", "yuv")


def _converted(picture: VideoFrame, name: str, width: int, height: int) -> VideoFrame:
    """Convert once, without touching the range."""
    level = picture.color_range or 0
    same = {} if picture.format.is_rgb else {"src_color_range": level, "dst_color_range": level}
    return picture.reformat(width=width, height=height, format=name, **same)


def _planes(picture: VideoFrame, pixel_format: PixelFormat) -> tuple[Plane, ...]:
    """Return the picture's planes as views of its own memory, which they keep alive."""
    planes = []
    for index in range(pixel_format.plane_count):
        plane = picture.planes[index]
        rows, columns = pixel_format.plane_shape(index, picture.width, picture.height)
        samples = np.frombuffer(memoryview(plane), np.dtype(pixel_format.dtype))
        stride = plane.line_size // samples.itemsize
        planes.append(samples[: rows * stride].reshape(rows, stride)[:, :columns])
    return tuple(planes)


def _info(name: str, stream: VideoStream, first: VideoFrame) -> StreamInfo:
    context = stream.codec_context
    if max(first.width, first.height) > _LARGEST_SIDE:
        size = f"{first.width}x{first.height}"
        raise SourceOpenError(f"{name}: {size} is more than {_LARGEST_SIDE} pixels a side")
    pixel_format = _target(first)
    time_base = stream.time_base or Fraction(1, 90000)
    info = StreamInfo(
        name=name,
        width=first.width,
        height=first.height,
        pixel_format=pixel_format,
        time_base=time_base,
        rate=stream.average_rate or stream.guessed_rate or None,
        codec=context.codec.canonical_name,
        sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
        # PyAV counts the way FFmpeg's display matrix does, against the clock.
        rotation=round(-first.rotation / 90) * 90 % 360,
        colour=_colour(context, first),
        interlaced=first.interlaced_frame,
        top_field_first=context.field_order not in _BOTTOM_FIRST,
        start_pts=first.pts or 0,
        frame_count=stream.frames or None,
        duration=stream.duration,
    )
    if first.format.is_rgb or first.format.has_palette:
        # libswscale converts RGB to limited-range BT.601 unless asked otherwise.
        return replace(info, colour=replace(info.colour, matrix=6, full_range=False))
    return info


def _target(picture: VideoFrame) -> PixelFormat:
    """Return the format of ours that loses least of the picture's."""
    name = _own_name(picture)
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
    level = int(first.color_range or context.color_range or 0)
    full = first.format.name.startswith("yuvj") or level == 2
    return Colour(
        primaries=int(context.color_primaries or 2),
        transfer=int(context.color_trc or 2),
        matrix=int(context.colorspace if context.colorspace is not None else 2),
        full_range=True if full else False if level == 1 else None,
    )


class AudioTrack:
    """The sound of a recording, read on its own; the sink copies or transcodes it."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        """Use :func:`open_audio`."""
        self.name = str(path)
        self._container = container
        self.stream: Any = container.streams.audio[0]

    def packets(self) -> Iterator[Any]:
        """Yield the coded packets, in order of their time."""
        try:
            for packet in self._container.demux(self.stream):
                if packet.dts is not None:
                    yield packet
        except (av.FFmpegError, OSError, ValueError) as exc:
            raise SourceReadError(f"{self.name}: its sound cannot be read: {_brief(exc)}") from exc

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._container.close()


def open_audio(path: Path) -> AudioTrack | None:
    """Return the recording's first sound track, ``None`` where it has none."""
    with _opening(path):
        container = av.open(f"file:{path}", metadata_errors="ignore")
    if not container.streams.audio:
        container.close()
        return None
    return AudioTrack(path, container)


def _brief(error: Exception) -> str:
    """Return what went wrong, without the path, which is said already."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())
