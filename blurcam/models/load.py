"""Loads model files: only the pinned bytes, checked before any parser gets them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from blurcam.errors import ModelError
from blurcam.models.manifest import Model, model, path_of


def load(name: str) -> bytes:
    """Read a model file once, check it, and return its bytes.

    Raises :class:`~blurcam.errors.ModelError`, with the file's name, if it is missing, cut short or
    not the pinned one.
    """
    chosen = model(name)
    path = path_of(chosen)
    try:
        content = path.read_bytes()
    except FileNotFoundError as exc:
        raise ModelError(f"{path}: is missing; fetch it with: blurcam models pull {name}") from exc
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read: {exc.strerror}") from exc
    refuse_unpinned(content, chosen, path)
    return content


def refuse_unpinned(content: bytes, chosen: Model, path: Path | str) -> None:
    """Raise :class:`~blurcam.errors.ModelError` unless these are the pinned bytes."""
    again = f"delete it and run: blurcam models pull {chosen.name}"
    if len(content) < chosen.size:
        raise ModelError(f"{path}: is cut short ({len(content)} of {chosen.size} bytes); {again}")
    found = hashlib.sha256(content).hexdigest()
    if found != chosen.sha256:
        raise ModelError(
            f"{path}: is not the pinned {chosen.name} (SHA-256 {found[:12]}…, expected "
            f"{chosen.sha256[:12]}…); {again}"
        )
