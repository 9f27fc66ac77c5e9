"""Finds the faces in CCTV footage and blurs them before anything is stored or forwarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blurcam.api import (
        Config,
        Cover,
        Detect,
        Encode,
        Face,
        Summary,
        find_faces,
        redact_frames,
        redact_image,
        run,
    )

__version__ = "0.2.0"

__all__ = [
    "Config",
    "Cover",
    "Detect",
    "Encode",
    "Face",
    "Summary",
    "__version__",
    "find_faces",
    "redact_frames",
    "redact_image",
    "run",
]


def __getattr__(name: str) -> object:
    """Load the interface for programs when it is first used: the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from blurcam import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
