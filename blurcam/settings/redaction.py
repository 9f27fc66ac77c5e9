"""How faces are found, covered and written: the settings that every kind of run shares.

Each setting is declared here once. Its default, limits and description appear from here in the
options of the command line, in ``cameras.yaml`` and in the reference.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from blurcam.errors import ConfigError
from blurcam.settings.amounts import Seconds
from blurcam.settings.declaration import declared, refusal
from blurcam.settings.reading import Mounting, Rate, Reading, ReadOptions, read_rate

DetectorName = Literal[
    "centerface", "mediapipe", "yunet", "centerface+yunet", "centerface+mediapipe"
]
ProfileName = Literal["near", "balanced", "thorough"]
EffectName = Literal["blur", "solid", "mosaic", "gaussian", "pixelate"]
CodecName = Literal["h264", "h265", "av1", "same"]
AudioPolicy = Literal["drop", "copy", "distort"]
MediaPipeRange = Literal["short", "full"]


def _check_polygon(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Refuse fewer than three points, and points outside the frame."""
    if len(points) < 3:
        raise ValueError(f"a polygon needs three points or more, not {len(points)}")
    if not all(0 <= value <= 1 for point in points for value in point):
        raise ValueError("points are fractions of the frame, from 0 to 1")
    return points


Polygon = Annotated[tuple[tuple[float, float], ...], AfterValidator(_check_polygon)]
"""Three or more points ``(x, y)`` as fractions of the width and height of the stored frame."""

COSMETIC: Final = frozenset({"gaussian", "pixelate"})
"""Effects that read the face that they hide, so that a machine can recognise it."""


def parse_polygon(text: str, key: str) -> Polygon:
    """Read a polygon from ``"x,y x,y x,y"``."""
    try:
        points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in text.split()))
    except ValueError as exc:
        said = " ".join(text.split())
        raise ConfigError(f'{key}: "{said}" is not a polygon; write "x,y x,y x,y"') from exc
    try:
        return _check_polygon(points)
    except ValueError as exc:
        raise ConfigError(f"{key}: {exc}") from exc


@declared()
class Detect:
    """How each frame is searched for faces."""

    profile: Annotated[
        ProfileName,
        Field(
            description="How closely to search: near (a face fills a tenth of the frame or more; "
            "milliseconds a frame), balanced, or thorough (archives: the smallest faces, five "
            "times the time)."
        ),
    ] = "balanced"
    detector: Annotated[
        DetectorName | None,
        Field(description="Another face detector than the profile's; it searches once."),
    ] = None
    threshold: Annotated[
        float | None,
        Field(
            ge=0.01,
            le=0.99,
            description="Confidence from which a face counts. Default: the profile's, chosen for "
            "recall.",
        ),
    ] = None
    scale: Annotated[
        float | None,
        Field(
            ge=0.1,
            le=4,
            description="Size of the searched picture over that of the frame; 2 finds faces half "
            "as small. Default: chosen by the size of the frame.",
        ),
    ] = None
    plan_for: Annotated[
        float | None,
        Field(
            ge=4,
            le=400,
            description="Height in pixels of the smallest faces that must be found, in place of "
            "the scale. On live video, overload lowers the resolution no further than that.",
        ),
    ] = None
    device: Annotated[
        str, Field(description="OpenVINO device that searches: CPU, GPU, NPU or AUTO.")
    ] = "CPU"
    range: Annotated[
        MediaPipeRange,
        Field(description="Model of the mediapipe detector: faces up to 2 m (short) or 5 m away."),
    ] = "full"
    timeout: Annotated[
        Seconds,
        Field(
            ge=0.05,
            le=3600,
            description="Seconds after which an unanswered search covers its whole frame.",
        ),
    ] = 10.0
    patience: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="Frames in a row whose search may fail before the run ends.",
        ),
    ] = 25
    tiles: Annotated[
        bool,
        Field(
            description="With the mediapipe detector: also search parts of the frame, for faces "
            "from 32 px; twenty times the time."
        ),
    ] = False
    refresh: Annotated[
        Seconds | None,
        Field(
            ge=0.1,
            le=60,
            description="Seconds after which the whole frame is searched again even where nothing "
            "changed. Default: the profile's; less often where the light lets every change be "
            "seen, more often where noise hides changes.",
        ),
    ] = None
    rhythm: Annotated[
        Seconds | None,
        Field(
            ge=0,
            le=2,
            description="Seconds between two searches of what changed; 0 searches every frame. "
            "Default: the profile's.",
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.plan_for is not None and self.scale is not None:
            raise refusal("plan_for", "give it or scale, not both")
        own = "mediapipe" if self.profile == "near" else "centerface"
        if self.tiles and "mediapipe" not in (self.detector or own):
            raise refusal(
                "tiles",
                "are for the mediapipe detector; choose profile near or detector mediapipe",
            )


@declared()
class Cover:
    """How far coverage reaches beyond the detected faces, in time and in space."""

    lead: Annotated[
        Seconds,
        Field(ge=0, le=10, description="Seconds a face is followed back from where it was found."),
    ] = 0.5
    hold: Annotated[
        Seconds,
        Field(ge=0, le=60, description="Seconds a face is followed on after it was last found."),
    ] = 0.5
    bridge: Annotated[
        Seconds,
        Field(
            ge=0,
            le=10,
            description="Longest gap in seconds between two detections of a face that is covered "
            "all through.",
        ),
    ] = 1.5
    margin: Annotated[
        float,
        Field(
            ge=1, le=4, description="Size of the covering ellipse over that of the detected box."
        ),
    ] = 1.4
    masks: Annotated[
        tuple[Polygon, ...], Field(description="Cover this polygon on every frame.")
    ] = ()
    ignores: Annotated[
        tuple[Polygon, ...],
        Field(description="Count no face whose centre lies in this polygon (a poster)."),
    ] = ()


@declared()
class Encode:
    """How the redacted video is written."""

    codec: Annotated[
        CodecName | None,
        Field(description="Video codec; same: the input's. Default: h264, in .webm av1."),
    ] = None
    encoder: Annotated[
        str | None,
        Field(
            description="One encoder by FFmpeg's name, such as h264_qsv; software is used where it "
            "fails."
        ),
    ] = None
    crf: Annotated[
        int | None,
        Field(ge=0, le=63, description="Quality on the encoder's own scale; less is better."),
    ] = None
    preset: Annotated[str | None, Field(description="Speed, by the encoder's own name.")] = None
    audio: Annotated[
        AudioPolicy,
        Field(
            description="What becomes of sound: drop, since a voice is personal; copy; or distort, "
            "so that words can be understood and voices are not known."
        ),
    ] = "drop"
    overwrite: Annotated[bool, Field(description="Replace files that exist.")] = False


@declared(kw_only=True)
class Redaction:
    """One redaction: how faces are found, covered and written, whatever the video comes from."""

    detect: Detect = field(default_factory=Detect)
    effect: Annotated[
        EffectName,
        Field(
            description="What covers a face. blur, solid and mosaic read no pixel of the face. "
            "gaussian and pixelate are COSMETIC: machines recognise faces under them."
        ),
    ] = "blur"
    cover: Cover = field(default_factory=Cover)
    encode: Encode = field(default_factory=Encode)
    mounting: Mounting = field(default_factory=Mounting)


@declared(kw_only=True)
class RecordingRedaction(Redaction):
    """The redaction of recordings: which part of each is read, and when it is shown, too."""

    reading: Reading = field(default_factory=Reading)
    rate: Rate = None

    @property
    def read_options(self) -> ReadOptions:
        """All that was asked for of how a recording is read."""
        rate = None if self.rate is None else read_rate(self.rate)
        return ReadOptions(self.mounting, self.reading.track, self.reading.keep_start, rate)


LIVE_COVER: Final = Cover(lead=0.4, hold=0.5, bridge=0.4)
"""How far coverage reaches on live video, where each second of look-ahead is a second of delay."""
