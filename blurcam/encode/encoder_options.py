"""Encoder options: FFmpeg's options, and the pixel format that loses least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from blurcam.media.formats import PIXEL_FORMATS, PixelFormat, StreamInfo

Codec = Literal["h264", "h265", "av1", "mjpeg", "raw"]

SEMI_PLANAR: Final = {"yuv420p": "nv12", "yuv420p10le": "p010le"}
"""The format of a hardware encoder for each planar format: the same samples interleaved."""

# Frames of this many pixels or more take much memory while they wait in an encoder. So for 8K and
# above the encoder codes one frame at a time, without look-ahead, as for live streams.
_LARGE: Final = 20_000_000

X26_PRESETS: Final = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
    "placebo",
)  # fmt: skip
"""The presets of x264 and x265."""


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """The options of an encoder; ``None`` for blurcam's defaults.

    Without ``reorder`` there are no B-frames: MPEG-TS would move every pts by their delay, since
    it has no time before zero. With ``live`` every frame leaves the encoder as it goes in.
    ``upright`` turns and mirrors the pixels, for a container that cannot declare the orientation.
    """

    codec: Codec
    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    reorder: bool = True
    live: bool = False
    upright: bool = False


def is_without_delay(coding: EncoderOptions, info: StreamInfo) -> bool:
    """Return whether every frame leaves the encoder as it goes in: live and large frames do."""
    return coding.live or info.width * info.height > _LARGE


def options_of(name: str, coding: EncoderOptions, info: StreamInfo) -> dict[str, str]:
    """Return the encoder's private options.

    The presets are the fastest that still compress well. The search takes most of the time, but
    the encoder shares the cores with it.
    """
    preset, crf = coding.preset, coding.crf
    without_delay = is_without_delay(coding, info)
    match name:
        case "libx264":
            options = {"preset": preset or "veryfast", "crf": str(21 if crf is None else crf)}
            if without_delay:
                options["tune"] = "zerolatency"
            if info.interlaced:
                options["x264-params"] = "tff=1" if info.top_field_first else "bff=1"
            return options
        case "libx265":
            return {
                "preset": preset or "superfast",
                "crf": str(23 if crf is None else crf),
                "x265-params": "log-level=none",
            } | ({"tune": "zerolatency"} if without_delay else {})
        case "libsvtav1":
            return {
                "preset": preset or "10",
                "crf": str(32 if crf is None else crf),
            } | ({"svtav1-params": "pred-struct=1:lookahead=0"} if without_delay else {})
        case "mjpeg":
            return {"qmin": "3", "qmax": "3"} if crf is None else {"qmin": str(crf)}
        case "rawvideo":
            return {}
    options = {} if preset is None else {"preset": preset}
    quality = str(24 if crf is None else crf)
    if name.endswith("_nvenc"):
        return options | {"rc": "vbr", "cq": quality} | ({"delay": "0"} if without_delay else {})
    return options | ({"global_quality": quality} if name.endswith("_qsv") else {})


def pixel_format_of(info: StreamInfo, takes: set[str], codec: Codec) -> PixelFormat:
    """Return the format that loses least of the stream's, among those that players support.

    H.264 is written with 8 bits, since hardly any player supports ten. H.264 and H.265 cannot
    declare that a subsampled frame is odd in width or height, since they crop by chroma samples.
    So an odd frame becomes 4:4:4 and keeps its size; AV1 needs no such change. Grey becomes 4:2:0
    with neutral chroma, since few players support 4:0:0.
    """
    if codec == "raw":
        return info.pixel_format
    depths = [8] if codec in ("h264", "mjpeg") else [info.pixel_format.depth, 10, 8]
    is_odd = (info.width % 2 or info.height % 2) and codec not in ("av1", "mjpeg")
    own = info.pixel_format
    layouts = ["444"] if is_odd or own.is_rgb else _richer(own)
    for depth in depths:
        for layout in layouts:
            candidate = f"yuv{layout}p" + ("" if depth == 8 else f"{depth}le")
            offered = candidate in takes or SEMI_PLANAR.get(candidate) in takes
            if offered and depth <= max(8, own.depth):
                return PIXEL_FORMATS[candidate]
    return PIXEL_FORMATS["yuv420p"]


def _richer(own: PixelFormat) -> list[str]:
    """Return the layouts that keep all of a format's chroma, leanest first, then the rest."""
    if own.plane_count == 1 or (own.shift_x >= 1 and own.shift_y >= 1):
        return ["420", "422", "444"]
    if own.shift_x >= 1:
        return ["422", "444", "420"]
    return ["444", "422", "420"]
