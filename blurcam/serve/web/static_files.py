"""The files of a page, as answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def file_answer(files: Mapping[str, bytes], name: str, status: int = 200) -> Response:
    """Return one of these files as an answer, with the type that the end of its name says."""
    return Response(files[name], status, media_type=_TYPES[name.rpartition(".")[2]])
