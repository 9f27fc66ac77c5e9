"""Every setting of blurcam with its default, frozen and checked; the only place defaults live."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
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


def parse_sweep(text: str | None) -> list[float]:
    """Read ``"threshold=low:high:step"``; nothing for ``None``."""
    if text is None:
        return []
    key, _, rest = text.partition("=")
    try:
        low, high, step = (float(part) for part in rest.split(":"))
    except ValueError as exc:
        raise ConfigError(f'sweep: "{text}" is not "threshold=low:high:step"') from exc
    if key != "threshold" or not (step > 0 and 0 < low <= high < 1):
        raise ConfigError(f'sweep: "{text}" is not "threshold=low:high:step", within 0 to 1')
    return [round(low + n * step, 6) for n in range(int((high - low) / step + 1e-9) + 1)]


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


@dataclass(frozen=True, slots=True)
class Config:
    """All there is to say about redacting one recording.

    ``regions`` and ``summary`` are files to write beside the video. ``render_from`` is a regions
    file to draw from instead of detecting. ``profile_stages`` adds to the summary
    what each stage took.
    """

    input: Path
    output: Path
    effect: EffectName = "blur"
    detect: Detect = field(default_factory=Detect)
    cover: Cover = field(default_factory=Cover)
    encode: Encode = field(default_factory=Encode)
    regions: Path | None = None
    summary: Path | None = None
    render_from: Path | None = None
    profile_stages: bool = False

    def __post_init__(self) -> None:
        """Take strings for paths, and refuse what makes no sense, naming the key."""
        for key in ("input", "output", "regions", "summary", "render_from"):
            value = getattr(self, key)
            if value is not None:
                object.__setattr__(self, key, Path(value))
        check_choice("effect", self.effect, EffectName)
        written = [p for p in (self.output, self.regions, self.summary) if p is not None]
        if len({path.absolute() for path in written}) < len(written):
            raise ConfigError(f"{self.output}: video, regions and summary need files of their own")


@dataclass(frozen=True, slots=True)
class Trial:
    """What to evaluate: labelled pictures in a folder, or one recording.

    Without ``labels`` the recording is taken to show no face at all. Faces of fewer than
    ``min_face`` pixels are not counted.
    """

    input: Path
    labels: Path | None
    detect: Detect = field(default_factory=Detect)
    cover: Cover = field(default_factory=Cover)
    min_face: int = 8

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key."""
        check_between("min-face", self.min_face, 1, 1000)


LIVE_COVER: Final = Cover(lead=0.4, hold=0.5, bridge=0.4)
"""How far coverage reaches on live video: its look-ahead is the picture's delay."""


@dataclass(frozen=True, slots=True)
class Web:
    """Where the page is served, and to whom.

    ``host`` is the IP address to listen on; ``port`` 0 takes a free one. Beyond the machine
    itself a ``token`` is required: everything but ``/healthz`` and ``/readyz`` then asks for it,
    and whoever has it may also restart a camera. ``names`` are host names under which browsers
    may ask for the page, besides IP addresses, ``localhost`` and the machine's own name.
    ``certificate`` and ``key`` (PEM files) make it speak HTTPS.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense, naming the key; never shows the token."""
        try:
            address = ipaddress.ip_address("127.0.0.1" if self.host == "localhost" else self.host)
        except ValueError as exc:
            raise ConfigError(
                f'web.host: "{self.host}" is not an IP address; 0.0.0.0 means every one'
            ) from exc
        object.__setattr__(self, "host", str(address))
        check_between("web.port", self.port, 0, 65535)
        if self.token is None and not address.is_loopback:
            raise ConfigError(
                f"web.token: {self.host} can be reached from other machines, so the page needs a "
                "token; make one with: openssl rand -hex 24"
            )
        if self.token is not None and not re.fullmatch(r"[!-~]{16,256}", self.token):
            raise ConfigError(
                "web.token: needs 16 to 256 letters, digits and signs without spaces; make one "
                "with: openssl rand -hex 24"
            )
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("web.certificate, web.key: give both or neither")


@dataclass(frozen=True, slots=True)
class Batch:
    """How a tree of recordings is redacted, whatever is in it.

    ``out`` is the root of the redacted tree; ``job`` the folder of the ledger, ``None`` for
    ``out/.blurcam``. ``name`` makes a recording's new name from ``{stem}``, ``{suffix}`` and
    ``{ext}``. ``jobs`` processes work at once, ``None`` for what suits cores and memory; each may
    take ``memory`` gigabytes, and is ended when it gives no sign for ``stall`` seconds. Recordings
    are cut into spans of about ``span`` seconds; 0 cuts none.
    """

    out: Path
    job: Path | None = None
    name: str = "{stem}{ext}"
    jobs: int | None = None
    memory: float | None = None
    stall: float = 600.0
    span: float = 600.0
    verify: bool = False
    retry_failed: bool = False
    effect: EffectName = "blur"
    detect: Detect = field(default_factory=Detect)
    cover: Cover = field(default_factory=Cover)
    encode: Encode = field(default_factory=Encode)

    def __post_init__(self) -> None:
        """Take strings for paths, and refuse what makes no sense, naming the key."""
        object.__setattr__(self, "out", Path(self.out))
        object.__setattr__(self, "job", Path(self.job or self.out / ".blurcam"))
        check_choice("effect", self.effect, EffectName)
        if self.jobs is not None:
            check_between("jobs", self.jobs, 1, 4096)
        if self.memory is not None:
            check_between("memory", self.memory, 0.1, 4096)
        check_between("stall", self.stall, 1, 86400)
        if self.span != 0:
            check_between("span", self.span, 2, 86400)
