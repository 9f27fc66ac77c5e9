"""The process that publishes: coded pictures come in on stdin, RTSP goes out to the server.

It never sees a picture that was not redacted: what comes in was encoded by blurcam's encoder.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, NoReturn

import av
import av.logging

from blurcam.sinks.rtsp_protocol import fed
from blurcam.sources.decoding import brief

_TIMEOUT_MICROSECONDS = "5000000"


def main() -> NoReturn:
    """Publish until stdin ends; exit code 1, with a line on stderr, where that fails.

    A byte on stdout says that the server has taken the first picture.
    """
    av.logging.set_level(av.logging.FATAL)
    try:
        _relay()
    except (av.FFmpegError, OSError, ValueError) as exc:
        # Whoever reads this masks it: the text may hold the password.
        os.write(2, f"{brief(exc)}\n".encode())
        os._exit(1)
    os._exit(0)


def _relay() -> None:
    line = sys.stdin.buffer.readline()
    if not line:
        return
    start, pictures = fed(line, sys.stdin.buffer.read)
    with av.open(io.BytesIO(start.sample), format="mpegts") as sample:
        options = {"rtsp_transport": "tcp", "timeout": _TIMEOUT_MICROSECONDS}
        output: Any = av.open(start.url, "w", format="rtsp", options=options)
        stream = output.add_stream_from_template(sample.streams.video[0])
    has_taken = False
    for picture in pictures:
        packet = av.Packet(picture.data)
        packet.pts, packet.dts, packet.duration = picture.pts, picture.dts, picture.duration
        packet.time_base, packet.is_keyframe = start.time_base, picture.is_key
        packet.stream = stream
        output.mux_one(packet)
        if not has_taken:
            os.write(1, b"+")
            has_taken = True
    output.close()


if __name__ == "__main__":
    main()
