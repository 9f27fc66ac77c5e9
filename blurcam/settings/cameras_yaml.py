"""``cameras.yaml``: every camera of a box, strictly read, with its secrets from elsewhere.

All faults of a file are told at once, each with its line and its key, and no value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from blurcam.errors import ConfigError
from blurcam.settings.addresses import Address, parse_address
from blurcam.settings.camera import Camera, Output, PublishOutput, Receive, RecordingOutput
from blurcam.settings.cameras_yaml_keys import GROUPS, CameraFile, SiteFile
from blurcam.settings.declaration import Fault, SettingsError, faults_of, where
from blurcam.settings.reading import Mounting
from blurcam.settings.recording_names import share_names
from blurcam.settings.redaction import Cover, Detect, Encode
from blurcam.settings.secrets import Secrets, filled, shown
from blurcam.settings.web import Web
from blurcam.settings.yaml_document import Place, YamlDocument, read_yaml
from blurcam.settings.zones_file import Zone, read_zones

MOST_FAULTS: Final = 40
"""So many faults of a file are told, then how many more there are."""

# What settings are called in the file, where that differs.
_KEYS: Final[dict[str | int, str]] = {"path": "record", "keep_bytes": "keep_size"}
_EXAMPLE: Final = "cameras: {front: {source: 'rtsp://…', outputs: ['rtsp://localhost:8554/front']}}"


@dataclass(frozen=True, slots=True)
class Site:
    """All cameras of one place that are enabled, and its web page."""

    cameras: tuple[Camera, ...]
    web: Web | None = None
    zones: dict[str, Path] = field(default_factory=dict)
    """The zones file of each camera that has one."""


def read_site(path: Path, vault: Secrets | None = None) -> Site:
    """Read a file of cameras; raises ConfigError with one line for each fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8 text") from exc
    try:
        return parse_site(text, vault or Secrets.of_this_machine(), path.absolute().parent)
    except ConfigError as exc:
        told = (f"{path}: {line}" for line in str(exc).splitlines())
        raise ConfigError("\n".join(told)) from None


def parse_site(text: str, vault: Secrets, folder: Path = Path()) -> Site:
    """Read the text of such a file in ``folder``; raises ConfigError, one line for each fault."""
    document = read_yaml(text)
    if document.values is None:
        raise ConfigError(f"is empty; write at least: {_EXAMPLE}")
    faults = list(document.faults)
    try:
        values = filled(document.values, vault, faults)
        site = _site(values, faults, folder)
    except RecursionError:
        raise ConfigError("holds an alias of what the alias itself is in") from None
    if faults:
        told = list(_told(document, faults))
        more = [f"and {len(told) - MOST_FAULTS} more"] if len(told) > MOST_FAULTS else []
        raise ConfigError("\n".join([*told[:MOST_FAULTS], *more]))
    return site


def _site(values: Any, faults: list[Fault], folder: Path) -> Site:
    """Build every camera that can be built, and note the faults of the others."""
    web: Web | None = None
    try:
        web = SiteFile.model_validate(values).web
    except ValidationError as exc:
        faults += faults_of(exc, SiteFile, show=False)
    spoilt = {each.place[:2] for each in faults}
    given = values.get("cameras") if isinstance(values, dict) else None
    cameras: list[tuple[Camera, bool]] = []
    zones: dict[str, Path] = {}
    for name, each in given.items() if isinstance(given, dict) else ():
        if ("cameras", name) not in spoilt:
            read: Any = CameraFile.model_validate(each)
            zones.update((name, folder / each.file) for each in read.zones if each.file)
            polygons = _polygons(read, ("cameras", name, "zones"), folder, faults)
            camera = _camera(name, read, polygons, faults)
            cameras += [] if camera is None else [(camera, read.enabled)]
    faults += _shared_places([camera for camera, _ in cameras])
    enabled = tuple(camera for camera, is_enabled in cameras if is_enabled)
    return Site(
        enabled, web, {each.name: zones[each.name] for each in enabled if each.name in zones}
    )


def _told(document: YamlDocument, faults: list[Fault]) -> Iterator[str]:
    """Yield a line for each fault, in the order of the file."""
    placed = [(document.line(fault.place), fault) for fault in faults]
    for line, fault in sorted(placed, key=lambda each: each[0] or 0):
        key = where([part if isinstance(part, int) else shown(part) for part in fault.place])
        at = "" if line is None else f"line {line}: "
        yield " ".join(f"{at}{key or 'file'}: {fault.text}".split())


def _polygons(read: Any, place: Place, folder: Path, faults: list[Fault]) -> list[Zone]:
    """Return the zones of a camera, with those of its zones file in the file's place."""
    found: list[Zone] = []
    for each in read.zones:
        if each.file is None:
            found.append(each)
            continue
        try:
            found += read_zones(folder / each.file).zones
        except ConfigError as exc:
            faults += [Fault(place, f"{each.file}: {line}") for line in str(exc).splitlines()]
    return found


def _camera(name: str, read: Any, zones: list[Zone], faults: list[Fault]) -> Camera | None:
    """Return the camera that these keys make; ``None``, with its faults, where they make none."""
    place: Place = ("cameras", name)
    before = len(faults)
    outputs = [
        _tried(_output, each, "publish", (*place, "outputs", number), faults)
        for number, each in enumerate(read.outputs)
    ]
    parts = {
        "source": _tried(_address_of, read, "source", place, faults),
        "receive": _tried(Receive, _chosen("receive", read), "", place, faults),
        "detect": _tried(Detect, _chosen("detect", read), "", place, faults),
        "cover": _tried(Cover, _cover_of(read, zones), "", place, faults),
        "mounting": _tried(Mounting, _chosen("mounting", read), "", place, faults),
        "encode": _tried(
            Encode, _chosen("encode", read) | {"codec": read.codec}, "", place, faults
        ),
    }
    if len(faults) > before:
        return None
    given = {
        "name": name,
        "outputs": tuple(outputs),
        "on_loss": read.on_loss,
        "effect": read.effect,
    }
    camera: Camera | None = _tried(Camera, given | parts, "", place, faults)
    return camera


def _tried(make: Any, given: Any, key: str, place: Place, faults: list[Fault]) -> Any:
    """Return what these settings make; ``None`` and their faults, where they make nothing.

    ``key`` is that of an address, whose faults do not know how it is called here.
    """
    try:
        return make(**given) if isinstance(given, dict) else make(given)
    except SettingsError as exc:
        for fault in exc.faults:
            named = (_KEYS.get(part, part) for part in fault.place)
            faults.append(Fault((*place, *named), fault.text))
    except ConfigError as exc:
        faults.append(Fault((*place, key), str(exc).removeprefix("source: ")))
    return None


def _chosen(group: str, read: Any) -> dict[str, Any]:
    return {key: getattr(read, key) for key in GROUPS[group]}


def _cover_of(read: Any, zones: list[Zone]) -> dict[str, Any]:
    chosen = _chosen("cover", read)
    if "bridge" not in read.model_fields_set:
        chosen["bridge"] = min(read.lead, read.bridge)
    chosen["masks"] = tuple(each.mask for each in zones if each.mask)
    chosen["ignores"] = tuple(each.ignore for each in zones if each.ignore)
    return chosen


def _address_of(read: Any) -> Address:
    return parse_address(read.source, username=read.username, password=read.password)


def _output(read: Any) -> Output:
    if read.publish is not None:
        return PublishOutput(
            parse_address(read.publish, username=read.username, password=read.password)
        )
    return RecordingOutput(
        path=read.record,
        segment=read.segment,
        keep=read.keep,
        keep_bytes=read.keep_size,
        leave_free=read.leave_free,
        when_full=read.when_full,
    )


def _shared_places(cameras: list[Camera]) -> Iterator[Fault]:
    """Yield each output into the place of another: either would take the other's files."""
    taken: list[tuple[str, str]] = []
    for camera in cameras:
        for number, output in enumerate(camera.outputs):
            place = (
                str(output.url)
                if isinstance(output, PublishOutput)
                else getattr(output, "path", "-")
            )
            where = ("cameras", camera.name, "outputs", number)
            for other, earlier in taken:
                if share_names(place, earlier):
                    same = f"{earlier}, an output of {other}, can be the same file or stream"
                    yield Fault(where, f"{place}: {same}")
                    break
            taken.append((camera.name, place))
