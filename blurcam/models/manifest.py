"""Which model files there are, where they come from and where they lie."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from blurcam.errors import ModelError

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a wheel, which is fetched by name and version and opened as an archive.

    ``python`` is a version of Python that the wheel accepts, whichever runs here: none of its code
    is run.
    """

    wheel: str
    version: str
    platform: str
    sha256: str
    member: str
    python: str = "3.11"

    def __str__(self) -> str:
        """Name it for people."""
        return f"wheel {self.wheel} {self.version}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the web."""

    url: str

    def __str__(self) -> str:
        """Name it for people."""
        return self.url


@dataclass(frozen=True, slots=True)
class Model:
    """One model file, pinned by size and SHA-256, and what is to be known of it."""

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    origin: str
    input: str
    good_for: str
    default: bool
    sources: tuple[WheelMember | RemoteFile, ...]


@cache
def models() -> dict[str, Model]:
    """Return every model by name, as pinned by the manifest."""
    packed, checkout = _PACKAGE / "manifest.toml", _CHECKOUT / "models" / "manifest.toml"
    path = packed if packed.exists() else checkout
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise ModelError(f"{path}: cannot be read: {exc}; install blurcam again") from exc
    return {model.name: model for model in map(_model, document["model"])}


def _model(entry: dict[str, Any]) -> Model:
    sources = tuple(
        RemoteFile(**source) if "url" in source else WheelMember(**source)
        for source in entry.pop("source")
    )
    return Model(sources=sources, **entry)


def model(name: str) -> Model:
    """Return one model; raises :class:`~blurcam.errors.ModelError` for a name that is not one."""
    if name not in models():
        raise ModelError(f'there is no model "{name}"; there are: {", ".join(models())}')
    return models()[name]


def folder() -> Path:
    """Return where model files lie.

    ``$BLURCAM_MODELS``, else ``models/`` of a checkout, else the user's data folder.
    """
    if named := os.environ.get("BLURCAM_MODELS"):
        return Path(named)
    checkout = _CHECKOUT / "models"
    if (checkout / "manifest.toml").exists():
        return checkout
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "blurcam" / "models"


def path_of(chosen: Model) -> Path:
    """Return where the model's file lies, or would lie."""
    return folder() / chosen.file
