"""Secrets: where ``${NAME}`` is looked up, and how it gets into a text."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blurcam.settings.declaration import Fault

_VARIABLE: Final = re.compile(r"\$(\$|\{([A-Za-z_][A-Za-z0-9_.-]*)\})")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where ``${NAME}`` is looked up: the environment, then folders with a file a secret."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    folders: tuple[Path, ...] = ()

    @classmethod
    def of_this_machine(cls) -> Secrets:
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


def filled(
    value: object, vault: Secrets, faults: list[Fault], place: tuple[str | int, ...] = ()
) -> object:
    """Return the value with every ``${NAME}`` in its texts replaced, ``$$`` being a dollar sign.

    Each secret that is not found is added to ``faults``, with the place of its key.
    """
    if isinstance(value, dict):
        return {key: filled(each, vault, faults, (*place, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, vault, faults, (*place, n)) for n, each in enumerate(value)]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        try:
            return vault.secret(match[2])
        except KeyError:
            text = (
                f"${{{match[2]}}} is not set; give it in the environment, or as a file in "
                "/run/secrets or a systemd credential"
            )
            faults.append(Fault(place, text))
            return match[0]

    return _VARIABLE.sub(found, value)


def shown(key: object) -> str:
    """Return a key fit for one line of text."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(key))
