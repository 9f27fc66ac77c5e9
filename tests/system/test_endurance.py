"""Small frames through the whole chain, more than two hours of a camera: memory stays level.

A million of them take 25 to 45 minutes (1.5 to 2.7 ms of CPU a frame), so that the test takes a
fifth, and looks at the slope: ``slope(1_000_000)`` is the whole of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from blurcam.encode.choice import open_encoder
from blurcam.encode.encoder import RedactedPacket
from blurcam.encode.encoder_options import EncoderOptions
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.redact.effects import make_effect
from blurcam.runs.chain import deliver, redact_all
from blurcam.runs.outputs import EncodedOutput, output_to
from blurcam.runs.perception import covered, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.threads import prefetch
from blurcam.settings.redaction import Cover, Detect
from tests.proof.oracle import Oracle

# 25 frames a second: an hour of a camera.
HOUR = 90_000
MANY = 200_000


class Nowhere:
    """A sink that keeps nothing but a count."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, packet: RedactedPacket) -> None:
        self.count += 1

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


def feed(count: int, counts: FrameCounts) -> Iterator[Frame]:
    """Yield small frames, with a face that comes and goes."""
    grey, pixel_format = np.full((48, 64), 110, np.uint8), PIXEL_FORMATS["yuv420p"]
    for seq in range(count):
        luma, red = grey.copy(), np.full((24, 32), 128, np.uint8)
        if seq // 50 % 3:
            x = seq % 24 + 4
            luma[16:32, x : x + 16] = seq % 200
            red[8:16, x // 2 : x // 2 + 8] = 230
        planes = (luma, np.full((24, 32), 128, np.uint8), red)
        counts.frames_in += 1
        yield Frame(planes, pixel_format, seq, seq, Fraction(1, 25))


def resident() -> int:
    """Return the memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def slope(count: int, hoard: list[object] | None = None) -> float:
    """Return by how many bytes an hour's worth of frames makes the process grow, warmed up."""
    counts, sink = FrameCounts(), Nowhere()
    info = StreamInfo("test", 64, 48, PIXEL_FORMATS["yuv420p"], Fraction(1, 25), Fraction(25))
    cover = Cover(lead=0.4, bridge=0.4)
    samples = []
    encoder = open_encoder(info, EncoderOptions("h264", preset="ultrafast"), counts)
    with closing(encoder), closing(prefetch(feed(count, counts), 4)) as frames:
        found = searched(frames, info, Oracle(), Detect())
        redacted = redact_all(covered(found, cover, counts), make_effect("blur"), counts)
        output = EncodedOutput(encoder, (output_to(sink, counts),))
        for seq, at in enumerate(deliver(redacted, (output,), counts)):
            if hoard is not None:
                hoard.append(bytearray(200_000 + int(at) % 2))
            if seq > count // 4 and seq % (count // 100) == 0:
                samples.append((seq, resident()))
    assert sink.count == counts.frames_in == count
    assert counts.redacted == count
    seqs, sizes = np.array(samples, float).T
    return float(np.polyfit(seqs, sizes, 1)[0]) * HOUR


def test_a_hoard_is_noticed() -> None:
    """The break: so that the slope of memory can fail. What earlier tests freed could hide less."""
    assert slope(2_000, []) > 1e8


@pytest.mark.slow
def test_two_hours_of_frames_take_no_more_memory_than_the_first(
    record_property: Callable[[str, object], None],
) -> None:
    grown = slope(MANY)
    record_property(f"kB an hour in {MANY:,} frames", round(grown / 1000))
    assert grown < 1e6
