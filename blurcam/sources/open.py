"""The border to FFmpeg's demuxers: only this module opens a path, and it translates the errors."""

from __future__ import annotations

import errno
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import av
import av.logging
from av.container import InputContainer

from blurcam.errors import SourceError, SourceOpenError, SourceReadError
from blurcam.runtime.files import sha256_of
from blurcam.settings.addresses import Address
from blurcam.sources.http_file import HttpFile

# Formats that are lists of other files and addresses. A recording from outside must not make
# blurcam read what only blurcam's user may read.
LISTS: Final = frozenset(
    {"hls", "applehttp", "concat", "dash", "imf", "sdp", "rtsp", "rtp", "sap", "webm_dash_manifest"}
)
"""Formats that name other files and addresses."""

ONE_FILE: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(sorted(av.formats_available - LISTS)),
}
"""FFmpeg's options that confine it to this one file, whatever the file names."""

_NOTHING_ELSE: Final = {"protocol_whitelist": "none"}

FAULTS: Final = (av.FFmpegError, OSError, ValueError, EOFError)
"""What PyAV raises when FFmpeg cannot open or read something."""

# Otherwise libswscale and the decoders write to stderr; blurcam reads their messages from the log.
av.logging.set_level(av.logging.ERROR)
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False


def open_path(path: Path) -> InputContainer:
    """Open a recording, confined to this one file; raises SourceOpenError."""
    with opening(path):
        # "file:" keeps a name with a colon from being taken for an address.
        return av.open(f"file:{path}", options=dict(ONE_FILE), metadata_errors="ignore")


def open_file(file: IO[bytes], name: str) -> InputContainer:
    """Open a recording that is open already, and no other; raises SourceOpenError."""
    with opening(name):
        return av.open(file, "r", options=ONE_FILE | _NOTHING_ELSE, metadata_errors="ignore")


def open_bytes(data: bytes, format: str) -> InputContainer:
    """Open a stream in memory; raises SourceOpenError."""
    return open_reader(io.BytesIO(data), format, {}, name=f"{len(data)} bytes of {format}")


def open_reader(
    reader: object, format: str, options: dict[str, str], *, name: str
) -> InputContainer:
    """Open a stream from an object with ``read()``; raises SourceOpenError."""
    with opening(name):
        return av.open(reader, "r", format=format, options=options, metadata_errors="ignore")


@contextmanager
def opening(name: Path | str) -> Iterator[None]:
    """Translate any error of opening a source into a SourceOpenError."""
    try:
        yield
    except SourceError:
        raise
    except FAULTS as exc:
        raise SourceOpenError(f"{name}: not a video that FFmpeg can read ({brief(exc)})") from exc


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Translate any error of reading a source into a SourceReadError: ``what``, and why."""
    try:
        yield
    except SourceError:
        raise
    except FAULTS as exc:
        raise SourceReadError(f"{what}: {brief(exc)}") from exc


def sha256_of_input(place: Path | Address) -> str:
    """Return the SHA-256 of a recording's bytes; raises SourceError."""
    with reading(str(place)):
        if isinstance(place, Path):
            return sha256_of(place)
        with HttpFile(place) as file:
            return file.sha256()


def brief(error: Exception) -> str:
    """Return the text of an error without the path, which the message has already."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    said = getattr(error, "log", None)
    if said and getattr(error, "errno", None) == errno.EBUSY:
        # FFmpeg's demuxers return -1, which becomes "device busy"; FFmpeg's log tells the cause.
        text = said[2]
    return " ".join(text.split())
