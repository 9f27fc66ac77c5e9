"""A camera's zones in a file of their own, which the page's editor writes and people may."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, Self

from pydantic import Field, ValidationError, model_validator

from blurcam.errors import ConfigError
from blurcam.settings.declaration import Fault, StrictModel, faults_of, where
from blurcam.settings.redaction import Polygon
from blurcam.settings.yaml_document import read_yaml

MOST_BYTES: Final = 256 * 1024
"""The largest zones file: each zone with all the points that it may have fits."""
EMPTY: Final = '{"version": 1, "zones": []}'
_MOST_ZONES: Final = 64
_MOST_POINTS: Final = 128
_MOST_FAULTS: Final = 10
_MOST_IGNORED: Final = 0.25


class Zone(StrictModel):
    """A polygon of the frame, its points as fractions of width and height."""

    name: Annotated[str, Field(max_length=80, description="What people call it.")] = ""
    mask: Polygon | None = Field(default=None, description="Cover this polygon on every frame.")
    ignore: Polygon | None = Field(
        default=None, description="Count no face whose centre lies in this polygon (a poster)."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        self._check()
        return self

    def _check(self) -> None:
        """Raise ValueError unless there is one polygon, of a size that can be drawn."""
        if (self.mask is None) == (self.ignore is None):
            raise ValueError("give mask or ignore")
        if len(self.mask or self.ignore or ()) > _MOST_POINTS:
            raise ValueError(f"has more than {_MOST_POINTS} points")


class ZonesFile(StrictModel):
    """The zones of one camera."""

    version: Literal[1] = Field(description="The version of this format.")
    zones: Annotated[list[Zone], Field(max_length=_MOST_ZONES, description="The zones, see above.")]

    @model_validator(mode="after")
    def _goes_on_redacting(self) -> Self:
        """Refuse to ignore most of the frame: a viewer with the token may not end redaction."""
        share = sum(_box_area(zone.ignore) for zone in self.zones if zone.ignore is not None)
        if share > _MOST_IGNORED:
            raise ValueError(
                f"the places to ignore take {share:.0%} of the frame, by the boxes around them; a "
                f"zones file may ignore {_MOST_IGNORED:.0%}, cameras.yaml itself any"
            )
        return self


def _box_area(polygon: Polygon) -> float:
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


@dataclass(frozen=True, slots=True)
class StoredZones:
    """What a zones file holds, and a mark that changes with every byte of it."""

    zones: tuple[Zone, ...]
    mark: str


def read_zones(path: Path) -> StoredZones:
    """Read a zones file; raises ConfigError with one line for each fault, each with its place.

    A file that is not there is a fault, too: a mask that was drawn may be in it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as exc:
        raise ConfigError(f"does not exist; begin with: echo '{EMPTY}' > {path}") from exc
    except OSError as exc:
        raise ConfigError(f"cannot be read: {exc.strerror}") from exc
    return StoredZones(parse_zones(content), mark_of(content))


def mark_of(content: bytes) -> str:
    """Return the mark of a zones file with these bytes."""
    return hashlib.sha256(content).hexdigest()


def parse_zones(content: bytes) -> tuple[Zone, ...]:
    """Read the bytes of a zones file; raises ConfigError with one line for each fault."""
    if len(content) > MOST_BYTES:
        raise ConfigError(f"is larger than {MOST_BYTES} bytes")
    try:
        text = content.decode("utf-8")
        values = json.loads(text, parse_constant=_refuse, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as exc:
        raise ConfigError(f"line {exc.lineno}: is not JSON: {exc.msg}") from exc
    except (ValueError, RecursionError) as exc:
        said = str(exc) if isinstance(exc, _Refused) else "is not UTF-8 text in JSON"
        raise ConfigError(said) from exc
    try:
        return tuple(ZonesFile.model_validate(values).zones)
    except ValidationError as exc:
        faults = faults_of(exc, ZonesFile, show=False)[:_MOST_FAULTS]
        raise ConfigError("\n".join(_told(text, faults))) from exc


def _told(text: str, faults: list[Fault]) -> list[str]:
    """Return a line for each fault; JSON is YAML, whose reader knows the line of each key."""
    try:
        line_of = read_yaml(text).line
    except ConfigError:
        line_of = _unknown
    told = []
    for fault in faults:
        line = line_of(fault.place)
        at = "" if line is None else f"line {line}: "
        told.append(f"{at}{where(fault.place) or 'file'}: {fault.text}")
    return told


def _unknown(place: tuple[str | int, ...]) -> None:
    del place


class _Refused(ValueError):
    """What JSON allows and a zones file does not."""


def _refuse(number: str) -> NoReturn:
    raise _Refused(f"{number} is not a number")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Refused("a key is given twice")
    return found


def zones_text(zones: tuple[Zone, ...]) -> bytes:
    """Return a zones file with a line for each zone, for people and for version control."""
    lines = [
        json.dumps(zone.model_dump(exclude_defaults=True), ensure_ascii=False) for zone in zones
    ]
    inner = "".join(f"\n  {line}," for line in lines).removesuffix(",")
    return f'{{"version": 1, "zones": [{inner}\n]}}\n'.encode()


def zones_schema() -> dict[str, Any]:
    """Return the JSON Schema of a zones file, for editors."""
    made = ZonesFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
