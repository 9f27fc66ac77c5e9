"""``cameras.yaml``: every camera of a box, strictly read, with its secrets from elsewhere."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from blurcam.addresses import parse_address
from blurcam.cameras import Camera, OnLoss, Output, Publishing, Receive, Recording, Transport
from blurcam.config import (
    LIVE_COVER,
    Cover,
    Detect,
    DetectorName,
    EffectName,
    Encode,
    ProfileName,
    Web,
)
from blurcam.errors import ConfigError

_VARIABLE: Final = re.compile(r"\$(\$|\{([A-Za-z_][A-Za-z0-9_.-]*)\})")
# A detector that has not answered for so many seconds is replaced, with the camera's process.
_SILENCE: Final = 5.0
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
    plan_for: float | None = Field(None, description="Height in pixels of the smallest faces.")
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


@dataclass(frozen=True, slots=True)
class Site:
    """All cameras of one place, and its web page."""

    cameras: tuple[Camera, ...]
    web: Web | None = None


@dataclass(frozen=True, slots=True)
class Vault:
    """Where ``${NAME}`` is looked up: the environment, then folders with a file a secret."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    folders: tuple[Path, ...] = ()

    @classmethod
    def of_this_machine(cls) -> Vault:
        """Return the environment, systemd's credentials and ``/run/secrets``."""
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        folders = ([Path(given)] if given else []) + [Path("/run/secrets")]
        return cls(os.environ, tuple(folders))

    def secret(self, name: str) -> str:
        """Return a secret; raises KeyError where there is none of that name."""
        if name in self.environment:
            return self.environment[name]
        for folder in self.folders:
            try:
                return (folder / name).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError):
                continue
        raise KeyError(name)


def read_site(path: Path, vault: Vault | None = None) -> Site:
    """Read a file of cameras; raises ConfigError that names the file and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8 text") from exc
    try:
        return parse_site(text, vault or Vault.of_this_machine())
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from None


def parse_site(text: str, vault: Vault) -> Site:
    """Read the text of such a file; raises ConfigError that names the key, and no value."""
    try:
        values = yaml.load(text, _Loader)  # derived from SafeLoader
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        said = " ".join(str(getattr(exc, "problem", None) or "is not YAML").split())
        raise ConfigError(f"{where}{said}") from None
    except (ValueError, TypeError, RecursionError):  # whose texts would show values
        raise ConfigError("holds a key, a number or a date that YAML cannot have") from None
    try:
        read = SiteFile.model_validate(_filled(values, vault, ""))
    except ValidationError as exc:
        raise ConfigError(_told(exc)) from None
    except RecursionError:
        raise ConfigError("holds an alias of what the alias itself is in") from None
    cameras = tuple(_camera(name, each) for name, each in read.cameras.items())
    _refuse_shared_places(cameras)
    return Site(cameras, None if read.web is None else _web(read.web))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    made = SiteFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key "{key}" is given twice', key_node.start_mark
                )
            seen.add(key)
        return cast(dict[Any, Any], super().construct_mapping(node, deep))


def _filled(value: object, vault: Vault, where: str) -> object:
    """Return the value with every ``${NAME}`` in its texts replaced."""
    if isinstance(value, dict):
        return {k: _filled(v, vault, f"{where}.{_shown(k)}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(each, vault, f"{where}[{n}]") for n, each in enumerate(value)]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        try:
            return vault.secret(match[2])
        except KeyError:
            raise ConfigError(
                f"{where}: ${{{match[2]}}} is not set; give it in the environment, or as a file "
                "in /run/secrets or a systemd credential"
            ) from None

    return _VARIABLE.sub(found, value)


def _shown(key: object) -> str:
    """Return a key fit for one line of text."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(key))


def _told(error: ValidationError) -> str:
    """Return what is wrong, first thing first, without a value: it may be a secret."""
    first = error.errors(include_url=False, include_context=True, include_input=False)
    # A union complains once for each of its kinds: the deepest complaint means the kind meant.
    worst = max(first, key=lambda each: (each["type"] == "extra_forbidden", len(each["loc"])))
    parts = [_shown(str(p)) for p in worst["loc"] if str(p) not in ("str", "OutputFile")]
    where = re.sub(r"\.(\d+)", r"[\1]", ".".join(parts))
    if worst["type"] == "extra_forbidden":
        near = difflib.get_close_matches(parts[-1], _known(parts[:-1]), n=1, cutoff=0.5)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        return f"{where}: unknown key{hint}"
    message = worst["msg"].removeprefix("Value error, ")
    return f"{where or 'file'}: {message[:1].lower()}{message[1:]}"


def _known(parts: list[str]) -> list[str]:
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


def _camera(name: str, read: CameraFile) -> Camera:
    try:
        lead = read.lead
        masks, ignores = _zones(read)
        return Camera(
            name=name,
            source=parse_address(read.source, username=read.username, password=read.password),
            outputs=tuple(_output(each) for each in read.outputs),
            receive=Receive(read.transport, read.connect, read.stall, read.loop),
            effect=read.effect,
            detect=Detect(
                read.profile, read.detector, read.threshold, plan_for=read.plan_for,
                device=read.device, timeout=_SILENCE / 2, patience=2,
            ),
            cover=Cover(lead, read.hold, min(lead, LIVE_COVER.bridge), read.margin, masks, ignores),
            encode=Encode(codec=read.codec, encoder=read.encoder),
            on_loss=read.on_loss,
        )  # fmt: skip
    except ConfigError as exc:
        raise ConfigError(f"cameras.{name}.{str(exc).replace('-', '_', 1)}") from None


def _zones(read: CameraFile) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    masks, ignores = [], []
    for number, zone in enumerate(read.zones):
        if (zone.mask is None) == (zone.ignore is None):
            raise ConfigError(f"zones[{number}]: give mask or ignore")
        if zone.mask is not None:
            masks.append(tuple(zone.mask))
        if zone.ignore is not None:
            ignores.append(tuple(zone.ignore))
    return tuple(masks), tuple(ignores)


def _output(read: str | OutputFile) -> Output:
    if isinstance(read, str):
        read = OutputFile.model_validate({"publish" if "://" in read else "record": read})
    if (read.publish is None) == (read.record is None):
        raise ConfigError("outputs: give publish or record")
    if read.publish is not None:
        address = parse_address(read.publish, username=read.username, password=read.password)
        return Publishing(address)
    assert read.record is not None
    return Recording(
        path=read.record,
        segment=read.segment if "%" in read.record else None,
        keep=read.keep,
        keep_bytes=None if read.keep_size is None else int(read.keep_size),
        leave_free=int(read.leave_free),
        when_full=read.when_full,
    )


def _web(read: WebFile) -> Web:
    return Web(
        host=read.host,
        port=read.port,
        token=read.token,
        names=tuple(read.names),
        certificate=None if read.certificate is None else Path(read.certificate),
        key=None if read.key is None else Path(read.key),
    )


def _refuse_shared_places(cameras: tuple[Camera, ...]) -> None:
    """Refuse two outputs into one place: each would take the other's files for its own."""
    taken: dict[str, str] = {}
    for name, place in _places(cameras):
        if place in taken:
            raise ConfigError(f"cameras.{name}.outputs: {place} is an output of {taken[place]} too")
        taken[place] = name


def _places(cameras: tuple[Camera, ...]) -> Iterator[tuple[str, str]]:
    for camera in cameras:
        for output in camera.outputs:
            shown = output.path if isinstance(output, Recording) else str(output.url)
            yield camera.name, shown
