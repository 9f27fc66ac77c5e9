"""Redacted packets of a live encoder, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder import Encoder, RedactedPacket
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.media.regions import Coverage
from blurcam.redact.effects import make_effect
from blurcam.redact.gate import redact
from blurcam.runtime.counts import FrameCounts

TIME_BASE = Fraction(1, 90000)
RATE = 10
START = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC, as tests.support.clocks has it


def live_encoder() -> Encoder:
    """Return an encoder of small frames; a key frame comes every second."""
    info = StreamInfo("cam", 64, 48, PIXEL_FORMATS["yuv420p"], TIME_BASE, Fraction(RATE))
    return open_encoder(info, EncoderOptions("h264", reorder=False, live=True), FrameCounts())


def packets(encoder: Encoder, seconds: float) -> Iterator[tuple[RedactedPacket, float]]:
    """Yield the packets of so much grey noise, each with its time of day."""
    rng = np.random.default_rng(1)
    for seq in range(round(seconds * RATE)):
        planes = tuple(
            rng.integers(0, 255, shape, np.uint8) for shape in ((48, 64), (24, 32), (24, 32))
        )
        pts = seq * 90000 // RATE
        frame = Frame(planes, PIXEL_FORMATS["yuv420p"], seq, pts, TIME_BASE)
        redacted = redact(frame, Coverage(seq, ()), make_effect("blur"))
        for packet in encoder.encode(redacted):
            yield packet, START + seq / RATE
