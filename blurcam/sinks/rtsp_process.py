"""The RTSP process: it reads coded frames from standard input, and sends them to the server.

It never has a frame that was not redacted: blurcam's encoder made all that comes in.
"""

from __future__ import annotations

import json
import os
from typing import NoReturn

import av
import av.logging

from blurcam.runtime.parent import Parent
from blurcam.sinks.muxer import Muxer
from blurcam.sinks.rtsp_protocol import read_packets
from blurcam.sources.open import brief, open_bytes

_TIMEOUT_MICROSECONDS = "5000000"


def main(parent: Parent) -> NoReturn:
    """Publish until standard input ends; exit with code 1 if that fails.

    It tells the parent ``up`` when the server has taken the first frame, or why it ``failed``.
    """
    av.logging.set_level(av.logging.FATAL)
    try:
        _publish(parent)
    except (av.FFmpegError, OSError, ValueError) as exc:
        # The text may have the password; the parent masks it.
        parent.tell("failed", json.dumps(brief(exc)))
        os._exit(1)
    os._exit(0)


def _publish(parent: Parent) -> None:
    line = parent.input.readline()
    if not line:
        return
    start, pictures = read_packets(line, parent.input.read)
    with open_bytes(start.sample, "mpegts") as sample:
        options = {"rtsp_transport": "tcp", "timeout": _TIMEOUT_MICROSECONDS}
        template = sample.streams.video[0]
        muxer = Muxer(start.url, "rtsp", template, start.time_base, options=options)
    has_taken = False
    for picture in pictures:
        muxer.write(picture)
        if not has_taken:
            parent.tell("up")
            has_taken = True
    muxer.end()
