"""The choice of an encoder: the one that was asked for if it works here, else the software one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from typing import Final, cast

import av

from blurcam.encode.encoder import Encoder
from blurcam.encode.encoder_options import X26_PRESETS, Codec, EncoderOptions
from blurcam.encode.upright import note_upright
from blurcam.errors import ConfigError, SinkOpenError, SinkWriteError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.last_words import step

logger = logging.getLogger(__name__)

_SOFTWARE: Final[dict[str, str]] = {"h264": "libx264", "h265": "libx265", "av1": "libsvtav1"}
# For pipes: every frame by itself, coded or sample for sample.
_SINGLE: Final[dict[str, str]] = {"mjpeg": "mjpeg", "raw": "rawvideo"}
_HARDWARE: Final = ("nvenc", "qsv", "v4l2m2m", "amf", "videotoolbox", "mf")
_FFMPEG_NAME: Final[dict[str, str]] = {"h264": "h264", "h265": "hevc", "av1": "av1"}


def codec_for(info: StreamInfo, suffix: str, asked: str | None) -> Codec:
    """Return the codec ``asked`` for, the "same" as the input's, or one for this suffix."""
    default: Codec = "av1" if suffix.lower() == ".webm" else "h264"
    if asked == "same":
        known = {ours: name for name, ours in zip(_FFMPEG_NAME, _FFMPEG_NAME.values(), strict=True)}
        if info.codec not in known:
            raise ConfigError(
                f"codec: {info.name} is {info.codec}, which blurcam does not write; choose h264, "
                "h265 or av1"
            )
        return cast(Codec, known[info.codec])
    return default if asked is None else cast(Codec, asked)


def open_encoder(info: StreamInfo, coding: EncoderOptions, counts: FrameCounts) -> Encoder:
    """Return an encoder after a test that it works.

    If the named encoder does not open here, the codec's software encoder replaces it, and a notice
    tells so. Raises ConfigError for a name that is not an encoder of the codec, and for a crf or
    preset that it does not accept; SinkOpenError if the software encoder does not open.
    """
    software = (_SOFTWARE | _SINGLE)[coding.codec]
    name = coding.encoder or software
    _refuse_unknown_preset(name, coding.preset)
    if coding.encoder is not None:
        _refuse_foreign(coding.encoder, coding.codec)
        why = _fault(name, info, coding)
        if why and name != software:
            notice = f"encoder {name} does not work here ({why}); {software} is used instead"
            logger.warning("%s", notice)
            counts.notice(notice)
            name, coding = (
                software,
                replace(coding, encoder=None, crf=None, preset=None),
            )
    try:
        with step(f"opening the encoder {name}"):
            encoder = Encoder(info, name, coding)
    except SinkWriteError as exc:
        given = {"crf": coding.crf, "preset": coding.preset}
        asked = [f"{key} {value}" for key, value in given.items() if value is not None]
        if asked:
            raise ConfigError(f"encoder {name} does not take {' or '.join(asked)}") from exc
        raise SinkOpenError(str(exc)) from exc
    if coding.upright:
        note_upright(info, counts)
    _note_losses(info, encoder, coding.codec, counts)
    return encoder


def _note_losses(info: StreamInfo, encoder: Encoder, codec: Codec, counts: FrameCounts) -> None:
    """Note what the encoder's format cannot hold of the frames."""
    own, made = info.pixel_format, encoder.pixel_format
    if made.depth < own.depth:
        counts.notice(
            f"{own.depth} bits become {made.depth}: players take no "
            f"more in {codec}; --codec h265 keeps them"
        )
    if own.plane_count > 1 and (made.shift_x > own.shift_x or made.shift_y > own.shift_y):
        counts.notice(
            f"the chroma is made coarser: {encoder.name} takes none as fine as the input's"
        )
    if info.interlaced and codec in ("h265", "av1"):
        counts.notice(
            f"the fields of interlaced frames are not marked: {codec} knows none; --codec "
            "h264 keeps them"
        )


def _refuse_unknown_preset(name: str, preset: str | None) -> None:
    """Raise ConfigError for a preset that x264 and x265 do not have."""
    if name in ("libx264", "libx265") and preset is not None and preset not in X26_PRESETS:
        raise ConfigError(
            f'preset: encoder {name} has no "{preset}"; choose one of {", ".join(X26_PRESETS)}'
        )


def _refuse_foreign(name: str, codec: Codec) -> None:
    try:
        canonical = av.Codec(name, "w").canonical_name
    except (av.FFmpegError, ValueError) as exc:
        raise ConfigError(f'encoder: FFmpeg has no "{name}"; see: blurcam check') from exc
    if canonical != _FFMPEG_NAME[codec]:
        raise ConfigError(f"encoder: {name} writes {canonical}, not {codec}; add --codec")


def _fault(name: str, info: StreamInfo, coding: EncoderOptions) -> str | None:
    """Return why an encoder cannot be used, ``None`` if it encodes two grey frames."""
    try:
        with closing(Encoder(info, name, coding)) as encoder:
            encoder.try_out()
    except (SinkWriteError, KeyError) as exc:
        return str(exc).removeprefix(f"encoder {name}: ")
    return None


def list_encoders() -> Iterator[tuple[str, str, bool, bool]]:
    """Yield ``(encoder, codec, opens here, is software)`` for all that FFmpeg here has."""
    info = StreamInfo("test", 320, 240, PIXEL_FORMATS["yuv420p"], Fraction(1, 25), Fraction(25))
    for codec, software in _SOFTWARE.items():
        yield (
            software,
            codec,
            _fault(software, info, EncoderOptions(cast(Codec, codec))) is None,
            True,
        )
        for kind in _HARDWARE:
            name = f"{_FFMPEG_NAME[codec]}_{kind}"
            if name in av.codecs_available:
                works = _fault(name, info, EncoderOptions(cast(Codec, codec))) is None
                yield name, codec, works, False
