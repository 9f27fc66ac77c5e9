"""The settings of a redaction with their defaults, frozen and checked: detect, cover, encode."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from blurcam.errors import ConfigError

DetectorName = Literal[
    "centerface", "mediapipe", "yunet", "centerface+yunet", "centerface+mediapipe"
]
ProfileName = Literal["near", "balanced", "thorough"]
EffectName = Literal["blur", "solid", "mosaic", "gaussian", "pixelate"]
CodecName = Literal["h264", "h265", "av1", "same"]
AudioPolicy = Literal["drop", "copy"]
MediaPipeRange = Literal["short", "full"]

Polygon = tuple[tuple[float, float], ...]
"""Three or more points ``(x, y)`` as fractions of the width and height of the stored picture."""

COSMETIC: Final = frozenset({"gaussian", "pixelate"})
"""Effects that read the face they hide, so that it can be recognised again."""


def parse_polygon(text: str, key: str) -> Polygon:
    """Read a polygon from ``"x,y x,y x,y"``."""
    try:
        points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in text.split()))
    except ValueError as exc:
        said = " ".join(text.split())
        raise ConfigError(f'{key}: "{said}" is not a polygon; write "x,y x,y x,y"') from exc
    return check_polygon(points, key)


def check_polygon(points: Polygon, key: str) -> Polygon:
    """Return the polygon; refuse fewer than three points, and points outside the frame."""
    if len(points) < 3:
        raise ConfigError(f"{key}: a polygon needs three points or more, not {len(points)}")
    if not all(0 <= value <= 1 for point in points for value in point):
        raise ConfigError(f"{key}: points are fractions of the frame, from 0 to 1")
    return points


def check_choice(key: str, value: str, allowed: object) -> None:
    """Refuse a value that is not one of a Literal, naming the key."""
    names = get_args(allowed)
    if value not in names:
        raise ConfigError(f'{key}: there is no "{value}"; choose one of {", ".join(names)}')


def check_between(key: str, value: float, low: float, high: float) -> None:
    """Refuse a number that is not from ``low`` to ``high``, naming the key."""
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{key}: {value:g} is not between {low:g} and {high:g}")


@dataclass(frozen=True, slots=True)
class Detect:
    """How faces are looked for.

    ``profile`` chooses the detector and how closely it looks; ``detector`` another one, which then
    looks once. ``threshold`` is the confidence from which a face counts, ``None`` for the
    profile's. ``scale`` is the size of the searched picture over that of the frame, ``plan_for``
    the height in pixels of faces that must be seen; ``None`` for what suits the size of the frame.
    ``device`` is OpenVINO's. ``range`` is MediaPipe's: short reaches 2 m from the camera, full
    5 m; with ``tiles`` it also looks at parts of the picture, for smaller faces. A search without
    an answer for ``timeout`` seconds covers its frame; ``patience`` such frames in a row end the
    run. The whole frame is looked at every ``refresh`` seconds, ``None`` for as often as the
    profile does.
    """

    profile: ProfileName = "balanced"
    detector: DetectorName | None = None
    threshold: float | None = None
    scale: float | None = None
    plan_for: float | None = None
    device: str = "CPU"
    range: MediaPipeRange = "full"
    timeout: float = 10.0
    patience: int = 25
    tiles: bool = False
    refresh: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        check_choice("profile", self.profile, ProfileName)
        if self.detector is not None:
            check_choice("detector", self.detector, DetectorName)
        check_choice("range", self.range, MediaPipeRange)
        if self.threshold is not None:
            check_between("threshold", self.threshold, 0.01, 0.99)
        if self.scale is not None:
            check_between("scale", self.scale, 0.1, 4)
        if self.plan_for is not None:
            check_between("plan-for", self.plan_for, 4, 400)
            if self.scale is not None:
                raise ConfigError("plan-for: give it or --scale, not both")
        own = "mediapipe" if self.profile == "near" else "centerface"
        if self.tiles and "mediapipe" not in (self.detector or own):
            raise ConfigError(
                "tiles: are for the mediapipe detector; add --profile near or --detector mediapipe"
            )
        if self.refresh is not None:
            check_between("refresh", self.refresh, 0.1, 60)
        check_between("timeout", self.timeout, 0.05, 3600)
        check_between("patience", self.patience, 1, 1_000_000)


@dataclass(frozen=True, slots=True)
class Cover:
    """How far coverage reaches beyond what was detected: seconds, and a factor.

    ``lead`` before a face is first seen, ``hold`` after it was last seen, ``bridge`` between two
    sightings of one track. ``margin`` is the ellipse's size over that of the detected box.
    """

    lead: float = 0.5
    hold: float = 0.5
    bridge: float = 1.5
    margin: float = 1.4
    masks: tuple[Polygon, ...] = ()
    ignores: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        for key, most in (("lead", 10), ("hold", 60), ("bridge", 10)):
            check_between(key, getattr(self, key), 0, most)
        check_between("margin", self.margin, 1, 4)
        for polygon in self.masks:
            check_polygon(polygon, "mask")
        for polygon in self.ignores:
            check_polygon(polygon, "ignore")


@dataclass(frozen=True, slots=True)
class Encode:
    """How the redacted pictures are written.

    ``encoder`` is FFmpeg's name of one encoder (``h264_qsv``), in place of the codec's software
    encoder. ``crf`` and ``preset`` are the encoder's own; ``None`` for blurcam's defaults.
    """

    codec: CodecName | None = None
    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    audio: AudioPolicy = "drop"
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        if self.codec is not None:
            check_choice("codec", self.codec, CodecName)
        check_choice("audio", self.audio, AudioPolicy)
        if self.crf is not None:
            check_between("crf", self.crf, 0, 63)


LIVE_COVER: Final = Cover(lead=0.4, hold=0.5, bridge=0.4)
"""How far coverage reaches on live video: its look-ahead is the picture's delay."""
