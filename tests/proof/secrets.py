"""Addresses with credentials in every shape that cameras and servers have, and the search for them.

Point it at whatever prints: ``for url in URLS: assert shown(url, text) == []``.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and what of it nobody may read."""

    url: str
    secrets: tuple[str, ...]


URLS = (
    Address("rtsp://admin:hunter2x@127.0.0.1/h264", ("hunter2x",)),
    Address("rtsp://admin:hunter2x@127.0.0.1:554/ch1?profile=2", ("hunter2x",)),
    Address("rtsps://admin:p%40ss%2Fw0rd@127.0.0.1/a", ("p@ss/w0rd",)),
    Address("rtsp://admin:p@ss:w0rd@127.0.0.1/a", ("p@ss:w0rd", "ss:w0rd")),
    Address("rtsp://:only-password@127.0.0.1/a", ("only-password",)),
    Address("rtsp://us%40er:hunter2x@[::1]:8554/a", ("hunter2x",)),
    Address("rtsp://127.0.0.1/user=admin&password=hunter2x&channel=1", ("hunter2x",)),
    Address("rtsp://127.0.0.1/user=admin_password=hunter2x_channel=1", ("hunter2x",)),
    Address("http://127.0.0.1/mjpg?user=admin&pwd=hunter2x", ("hunter2x",)),
    Address("http://127.0.0.1/mjpg?usr=admin&PASSWORD=hunter2x", ("hunter2x",)),
    Address("http://127.0.0.1/flv?token=tok-5f2d9a7c", ("tok-5f2d9a7c",)),
    Address("https://127.0.0.1/a.m3u8?auth=tok-5f2d9a7c#t=1", ("tok-5f2d9a7c",)),
    Address("https://127.0.0.1/a?access_token=tok-5f2d9a7c&x=1", ("tok-5f2d9a7c",)),
    Address("https://127.0.0.1/a?api_key=tok-5f2d9a7c", ("tok-5f2d9a7c",)),
    Address("https://127.0.0.1/a?X-Amz-Signature=tok-5f2d9a7c", ("tok-5f2d9a7c",)),
    Address("rtmp://127.0.0.1/live/key-5f2d9a7c?user=a&pass=hunter2x", ("hunter2x",)),
    Address("srt://127.0.0.1:9000?passphrase=hunter2xhunter2x", ("hunter2xhunter2x",)),
    Address("RTSP://Admin:Hunter2X@CAM.LOCAL/a", ("Hunter2X",)),
    Address("rtsp://admin:pässwörd@127.0.0.1/a", ("pässwörd",)),
    Address("rtsp://admin:pass word@127.0.0.1/a", ("pass word",)),
    Address("rtsp://admin:100%25sure@127.0.0.1/a", ("100%sure",)),
    Address("http://127.0.0.1/cgi?loginuse=admin&loginpas=hunter2x", ("hunter2x",)),
)


def shown(address: Address, text: str | bytes) -> list[str]:
    """Return what of an address's secrets can be read in a text, in any common coding."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    found = []
    for secret in address.secrets:
        codings = {secret, quote(secret), quote(secret, safe=""), unquote(secret)}
        for user in ("admin", "Admin", "", "us@er"):
            codings.add(base64.b64encode(f"{user}:{secret}".encode()).decode())
        found += [coding for coding in sorted(codings) if coding.lower() in said.lower()]
    return found
