"""What to type on both sides of a pipe, for the options given."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from blurcam.settings.pipe import FromName, PipeSettings, ToName

_CAMERA: Final = "-rtsp_transport tcp -i rtsp://CAMERA/STREAM"
# How FFmpeg writes what blurcam reads, from a camera without coding anew where that is possible.
_WRITES: Final[dict[FromName, str]] = {
    "ts": "-c copy -f mpegts",
    "nut": "-c copy -f nut",
    "matroska": "-c copy -f matroska",
    "mp4": "-c copy -f mp4 -movflags frag_keyframe+empty_moov+default_base_moof",
    "flv": "-c copy -f flv",
    "avi": "-c copy -f avi",
    "ps": "-c:v mpeg2video -q:v 2 -f vob",
    "h264": "-c copy -f h264",
    "h265": "-c copy -f hevc",
    "mpeg2": "-c copy -f mpeg2video",
    "mpeg4": "-c copy -f m4v",
    "y4m": "-f yuv4mpegpipe",
    "mjpeg": "-c:v mjpeg -q:v 3 -f mjpeg",
    "multipart": "-c:v mjpeg -q:v 3 -f mpjpeg",
    "raw": "-f rawvideo",
}
_DEMUXERS: Final[dict[ToName, str]] = {
    "ts": "mpegts",
    "nut": "nut",
    "matroska": "matroska",
    "mp4": "mov",
    "flv": "flv",
    "y4m": "yuv4mpegpipe",
    "mjpeg": "mjpeg",
    "raw": "rawvideo",
}
# What go2rtc recognises on the standard output of a program.
_GO2RTC: Final = frozenset({"ts", "flv", "y4m", "mjpeg"})
# What a server can take over as it is.
_CODED: Final = frozenset({"ts", "matroska", "mp4", "flv"})


def connections(piping: PipeSettings, words: list[str]) -> Iterator[str]:
    """Yield lines of shell and settings; ``words`` are blurcam's own, as they were given."""
    own = shlex.join(["blurcam", *words])
    producer, reading = f"ffmpeg -v error {_CAMERA} {_writing(piping)} -", _reading(piping)
    yield "# a camera, redacted, on the screen"
    yield f"{producer} | {own} | ffplay -fflags nobuffer -flags low_delay {reading} -"
    yield "# a camera, redacted, to a program that reads a pipe"
    yield f"{producer} | {own} | ffmpeg {reading} -i - -c copy recording.mkv"
    yield "# named pipes: each line in a terminal of its own"
    yield "mkfifo raw.fifo redacted.fifo"
    yield f"ffmpeg -y -v error {_CAMERA} {_writing(piping)} raw.fifo"
    yield shlex.join(["blurcam", *words, "raw.fifo", "redacted.fifo"])
    yield f"ffplay -fflags nobuffer -flags low_delay {reading} redacted.fifo"
    if piping.to in _GO2RTC:
        yield "# go2rtc.yaml, under streams:"
        yield f"  yard: 'exec:sh -c \"{producer} | {own} --quiet\"#killsignal=15#killtimeout=5'"
    if piping.to in _CODED:
        publish = "-c copy -f rtsp rtsp://localhost:$RTSP_PORT/$MTX_PATH"
        whole = f"{producer} | {own} --quiet | ffmpeg {reading} -i - {publish}"
        yield "# mediamtx.yml, under paths:"
        yield "  yard:"
        yield f"    runOnDemand: sh -c {shlex.quote(whole)}"


def _writing(piping: PipeSettings) -> str:
    """Return the options by which FFmpeg writes what these options read."""
    kind, layout = piping.source or "ts", piping.layout
    shaped = ""
    if kind == "raw":
        shaped = f"-s {layout.size} -pix_fmt {layout.pix_fmt} -r {layout.rate or 25} "
    elif kind in ("mjpeg", "multipart"):
        shaped = f"-r {layout.rate or 25} "
    return f"-map 0:v:0 {shaped}{_WRITES[kind]}"


def _reading(piping: PipeSettings) -> str:
    """Return the options by which FFmpeg reads what these options write."""
    layout, reading = piping.layout, f"-f {_DEMUXERS[piping.to]}"
    if piping.to == "raw":
        size = layout.size or "WIDTHxHEIGHT"
        reading += f" -video_size {size} -pixel_format {layout.pix_fmt}"
    if piping.to in ("raw", "mjpeg"):
        reading += f" -framerate {layout.rate or 25}"
    return reading
