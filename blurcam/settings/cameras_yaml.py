"""``cameras.yaml``: every camera of a box, strictly read, with its secrets from elsewhere."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from blurcam.errors import ConfigError
from blurcam.settings.addresses import parse_address
from blurcam.settings.camera import Camera, Output, PublishOutput, Receive, RecordingOutput
from blurcam.settings.cameras_yaml_keys import CameraFile, OutputFile, SiteFile, WebFile, known_keys
from blurcam.settings.redaction import LIVE_COVER, Cover, Detect, Encode
from blurcam.settings.secrets import Secrets, filled, shown
from blurcam.settings.web import Web


@dataclass(frozen=True, slots=True)
class Site:
    """All cameras of one place, and its web page."""

    cameras: tuple[Camera, ...]
    web: Web | None = None


def read_site(path: Path, vault: Secrets | None = None) -> Site:
    """Read a file of cameras; raises ConfigError that names the file and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8 text") from exc
    try:
        return parse_site(text, vault or Secrets.of_this_machine())
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from None


def parse_site(text: str, vault: Secrets) -> Site:
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
        read = SiteFile.model_validate(filled(values, vault, ""))
    except ValidationError as exc:
        raise ConfigError(_told(exc)) from None
    except RecursionError:
        raise ConfigError("holds an alias of what the alias itself is in") from None
    cameras = tuple(_camera(name, each) for name, each in read.cameras.items())
    _refuse_shared_places(cameras)
    return Site(cameras, None if read.web is None else _web(read.web))


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


def _told(error: ValidationError) -> str:
    """Return what is wrong, first thing first, without a value: it may be a secret."""
    first = error.errors(include_url=False, include_context=True, include_input=False)
    # A union complains once for each of its kinds: the deepest complaint means the kind meant.
    worst = max(first, key=lambda each: (each["type"] == "extra_forbidden", len(each["loc"])))
    parts = [shown(str(p)) for p in worst["loc"] if str(p) not in ("str", "OutputFile")]
    where = re.sub(r"\.(\d+)", r"[\1]", ".".join(parts))
    if worst["type"] == "extra_forbidden":
        near = difflib.get_close_matches(parts[-1], known_keys(parts[:-1]), n=1, cutoff=0.5)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        return f"{where}: unknown key{hint}"
    message = worst["msg"].removeprefix("Value error, ")
    return f"{where or 'file'}: {message[:1].lower()}{message[1:]}"


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
                device=read.device,
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
        return PublishOutput(address)
    assert read.record is not None
    if read.record == "-":
        raise ConfigError("outputs: standard output is for blurcam run; publish, or record")
    if "%" not in read.record:
        raise ConfigError(
            f"outputs: {read.record}: one file cannot be gone on with after a restart; write the "
            "time into its name: /media/front/%Y-%m-%d/%H-%M-%S.mp4"
        )
    return RecordingOutput(
        path=read.record,
        segment=read.segment,
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
            if isinstance(output, RecordingOutput):
                yield camera.name, output.path
            elif isinstance(output, PublishOutput):
                yield camera.name, str(output.url)
