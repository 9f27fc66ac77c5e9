"""Which model files there are, where they come from and where they lie.

The pins are in ``manifest.toml`` beside this module, so that they travel with the code. A
``manifest.toml`` in the folder of the models may add models, and can neither replace a pin nor
name a pinned file: anyone who can change the models must not be able to change what is expected.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from blurcam.errors import ModelError

_PINS: Final = Path(__file__).with_name("manifest.toml")
_CHECKOUT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a wheel. The wheel is fetched by name and version, and opened as an archive.

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
        """Return the name that messages use."""
        return f"wheel {self.wheel} {self.version}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at an HTTPS address."""

    url: str

    def __str__(self) -> str:
        """Return the name that messages use."""
        return self.url


@dataclass(frozen=True, slots=True)
class Model:
    """One model file, pinned by size and SHA-256: its licence, origin, use and sources."""

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
    """Return every model by name: those that blurcam pins, then those that the folder adds."""
    return _with_added(_read(_PINS), folder() / _PINS.name)


def _with_added(pinned: dict[str, Model], added: Path) -> dict[str, Model]:
    """Return the pinned models and those of the file, if there is one.

    Raises :class:`~blurcam.errors.ModelError` where the file names a pinned model or its file.
    """
    if not added.exists():
        return pinned
    files = {each.file: each.name for each in pinned.values()}
    more = _read(added)
    for each in more.values():
        known = each.name if each.name in pinned else files.get(each.file)
        if known is not None:
            raise ModelError(
                f"{added}: names {each.name} ({each.file}), but {known} is pinned by blurcam; "
                "choose another name and file"
            )
    return pinned | more


def _read(path: Path) -> dict[str, Model]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return {each.name: each for each in map(_model, document["model"])}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        remedy = "install blurcam again" if path == _PINS else "mend it or take it away"
        raise ModelError(f"{path}: is not a list of models: {exc}; {remedy}") from exc


def _model(entry: dict[str, Any]) -> Model:
    sources = tuple(
        RemoteFile(**source) if "url" in source else WheelMember(**source)
        for source in entry.pop("source")
    )
    made = Model(sources=sources, **entry)
    if not re.fullmatch(r"\w[\w.-]*", made.file) or made.file == _PINS.name:
        raise ValueError(f'"{made.file}" is not the name of a file in the folder')
    if made.size < 1 or not re.fullmatch(r"[0-9a-f]{64}", made.sha256):
        raise ValueError(f"{made.name} has no size and SHA-256")
    return made


def model(name: str) -> Model:
    """Return one model. Raises :class:`~blurcam.errors.ModelError` for an unknown name."""
    if name not in models():
        raise ModelError(f'there is no model "{name}"; there are: {", ".join(models())}')
    return models()[name]


def folder() -> Path:
    """Return the folder of the model files.

    It is ``$BLURCAM_MODELS``, else ``models/`` of a checkout, else in the user's data folder.
    """
    if named := os.environ.get("BLURCAM_MODELS"):
        return Path(named)
    checkout = _CHECKOUT / "models"
    if (checkout / "README.md").exists():
        return checkout
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "blurcam" / "models"


def path_of(chosen: Model) -> Path:
    """Return the path of the model's file, whether it is there or not."""
    return folder() / chosen.file
