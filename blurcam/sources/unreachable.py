"""Why a camera cannot be reached, in words that tell what to do."""

from __future__ import annotations

import errno
import socket
from urllib.parse import urlsplit

import av

from blurcam.settings.addresses import Address


def why_unreachable(address: Address, error: Exception) -> str | None:
    """Return the cause that FFmpeg's error hides; ``None`` if the error tells it."""
    is_named = address.kind in ("rtsp", "http")
    if is_named and not _is_known(urlsplit(address.location).hostname):
        return "there is no such host; check the name, and that this machine can look it up"
    if address.kind == "http" and isinstance(error, av.error.InvalidDataError):
        return (
            "is no stream of video; name the camera's own stream, not its web page, or fetch the "
            "recording first"
        )
    is_playlist = ".m3u8" in address.location.lower()
    if address.kind == "http" and not is_playlist and getattr(error, "errno", None) == errno.EIO:
        return "the answer breaks off or leads to another address: name that of the video itself"
    return None


def _is_known(host: str | None) -> bool:
    """Return whether a host has an address."""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True
