"""The process that publishes: MPEG-TS comes in on stdin, RTSP goes out to the server.

It never sees a picture that was not redacted: what comes in was encoded by blurcam's encoder.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

import av
import av.logging

from blurcam.sources.decoding import brief

_TIMEOUT_MICROSECONDS = "5000000"


def main() -> NoReturn:
    """Publish until stdin ends; exit code 1, with a line on stderr, where that fails."""
    av.logging.set_level(av.logging.FATAL)
    url = str(json.loads(_first_line())["url"])
    try:
        _relay(url)
    except (av.FFmpegError, OSError, ValueError) as exc:
        # Whoever reads this masks it: the text may hold the password.
        os.write(2, f"{brief(exc)}\n".encode())
        os._exit(1)
    os._exit(0)


def _first_line() -> bytes:
    """Return stdin's first line, and not a byte more: the rest is FFmpeg's."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return bytes(line)


def _relay(url: str) -> None:
    with av.open(
        "pipe:0", format="mpegts", options={"probesize": "200000", "fpsprobesize": "0"}
    ) as source:
        stream = source.streams.video[0]
        options = {"rtsp_transport": "tcp", "timeout": _TIMEOUT_MICROSECONDS}
        output: Any = av.open(url, "w", format="rtsp", options=options)
        sent = output.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None and packet.size:
                packet.stream = sent
                output.mux_one(packet)
        output.close()


if __name__ == "__main__":
    main()
