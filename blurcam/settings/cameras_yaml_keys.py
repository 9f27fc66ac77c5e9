"""Every key of ``cameras.yaml``: its kind, its default, what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from blurcam.settings.camera import OnLoss, Transport
from blurcam.settings.redaction import DetectorName, EffectName, ProfileName

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_BYTES: Final = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def _amount(units: Mapping[str, int], example: str) -> Callable[[object], object]:
    """Return a reader of numbers with a unit; a bare number is in the first."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", value)
        unit = match[2] if match else ""
        known = {each.lower(): factor for each, factor in units.items()}
        if match is None or (unit and unit.lower() not in known):
            raise ValueError(f"is not an amount; write {example}")
        return float(match[1]) * known.get(unit.lower(), 1)

    return read


Seconds = Annotated[float, BeforeValidator(_amount(_SECONDS, "90s, 5m, 12h or 7d"))]
Bytes = Annotated[float, BeforeValidator(_amount(_BYTES, "500MB or 20GB"))]
Points = Annotated[list[tuple[float, float]], Field(min_length=3)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, hide_input_in_errors=True)


class ZoneFile(_Strict):
    """A polygon of the picture, its points as fractions of width and height."""

    mask: Points | None = Field(None, description="Cover this polygon on every frame.")
    ignore: Points | None = Field(None, description="Look for no faces in it (a poster).")


class OutputFile(_Strict):
    """Where redacted video goes: `publish` or `record`."""

    publish: str | None = Field(None, description="RTSP server and path to publish to.")
    username: str | None = Field(None, description="For the server; any characters.")
    password: str | None = Field(None, description="For the server; best as `${NAME}`.")
    record: str | None = Field(
        None,
        description="File names as a strftime pattern, in UTC: `/media/%Y-%m-%d/%H-%M-%S.mp4`.",
    )
    segment: Seconds = Field(60, description="Length of a recording, cut at a key frame.")
    keep: Seconds | None = Field(None, description="How long recordings stay: `7d`.")
    keep_size: Bytes | None = Field(None, description="How much disk they take at most: `50GB`.")
    leave_free: Bytes = Field(268435456, description="How much of the disk stays free.")
    when_full: Literal["delete", "stop"] = Field(
        "delete", description="When the disk is full: delete the oldest recordings, or stop."
    )


class CameraFile(_Strict):
    """One camera."""

    source: str = Field(
        description="`rtsp://…`, `rtsps://…`, `http(s)://…` (MJPEG, HLS), `/dev/video0`, or a file."
    )
    username: str | None = Field(None, description="For the camera; any characters.")
    password: str | None = Field(None, description="For the camera; best as `${NAME}`.")
    transport: Transport = Field("tcp", description="How RTSP brings the video.")
    connect: Seconds = Field(
        10.0, description="How long a connection may take to its first picture."
    )
    stall: Seconds = Field(4.0, description="How long the camera may be silent.")
    loop: bool = Field(False, description="Play a file over and over, for trying things.")
    profile: ProfileName = Field("balanced", description="How closely to look for faces.")
    detector: DetectorName | None = Field(None, description="Another detector than the profile's.")
    threshold: float | None = Field(None, description="Confidence from which a face counts.")
    plan_for: float | None = Field(
        None,
        description="Height in pixels of the smallest faces that must be seen: overload may lower "
        "the resolution down to it.",
    )
    device: str = Field("CPU", description="OpenVINO device.")
    effect: EffectName = Field("blur", description="What a face is covered with.")
    lead: Seconds = Field(
        0.4, description="The look-ahead, and the latency that it costs; 0 allowed."
    )
    hold: Seconds = Field(0.5, description="How long a face stays covered after it was last seen.")
    margin: float = Field(1.4, description="Size of the covering ellipse over the face's.")
    zones: list[ZoneFile] = Field(default_factory=list, description="Polygons, see below.")
    on_loss: OnLoss = Field(
        "freeze", description="While packets are known lost: the last redacted picture, or grey."
    )
    encoder: str | None = Field(None, description="One of FFmpeg's encoders, such as `h264_qsv`.")
    codec: Literal["h264", "h265"] = Field("h264", description="Of all outputs.")
    outputs: list[str | OutputFile] = Field(
        min_length=1, description="An RTSP address, a file, or an output, see below."
    )


class WebFile(_Strict):
    """The web page."""

    host: str = Field("127.0.0.1", description="IP address to listen on.")
    port: int = Field(8080, description="Port to listen on.")
    token: str | None = Field(None, description="Required beyond the machine itself.")
    names: list[str] = Field(default_factory=list, description="Host names browsers may ask for.")
    certificate: str | None = Field(None, description="PEM file: speak HTTPS.")
    key: str | None = Field(None, description="PEM file: the certificate's key.")


class SiteFile(_Strict):
    """The whole file."""

    cameras: dict[Annotated[str, Field(pattern=f"^{_NAME}$")], CameraFile] = Field(
        min_length=1, description="Every camera, by name."
    )
    web: WebFile | None = Field(None, description="The web page; none without it.")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    made = SiteFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def known_keys(parts: list[str]) -> list[str]:
    """Return the keys that may stand at this place of the file."""
    model: type[BaseModel] = SiteFile
    if parts[:1] == ["cameras"]:
        model = CameraFile
        if "outputs" in parts:
            model = OutputFile
        elif "zones" in parts:
            model = ZoneFile
    elif parts[:1] == ["web"]:
        model = WebFile
    return list(model.model_fields)
