"""Frames of a program, redacted. Nothing here loads FFmpeg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from blurcam.errors import ConfigError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.media.frames import Frame
from blurcam.redact.effects import make_effect
from blurcam.runs.chain import redact_all
from blurcam.runs.perception import covered, open_detector, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.redaction import Cover, Detect, EffectName


def redact_arrays(
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction,
    effect: EffectName,
    detect: Detect,
    cover: Cover,
) -> Iterator[tuple[NDArray[np.uint8], list[tuple[int, int, int, int]]]]:
    """Yield BGR frames redacted, with the boxes of what is covered on each.

    See :func:`blurcam.redact_frames`.
    """
    if rate <= 0:
        raise ConfigError(f"rate: {rate} is not a number of frames a second")
    counts = FrameCounts()
    info: StreamInfo | None = None
    arrays = iter(frames)
    first = next(arrays, None)
    if first is None:
        return
    _check_array(first, np.shape(first))
    info = StreamInfo(
        "numpy", first.shape[1], first.shape[0], PIXEL_FORMATS["gbrp"], 1 / rate, rate
    )
    with closing(open_detector(detect)) as detector:
        decoded = _frames_of(first, arrays, info.time_base, counts)
        found = searched(decoded, info, detector, detect)
        for shown in redact_all(covered(found, cover, counts), make_effect(effect), counts):
            green, blue, red = shown.frame.planes
            boxes = [(b.x0, b.y0, b.x1, b.y1) for b in (r.box for r in shown.coverage.regions)]
            yield np.dstack((blue, green, red)).astype(np.uint8, copy=False), boxes


def _frames_of(
    first: NDArray[np.uint8],
    rest: Iterator[NDArray[np.uint8]],
    time_base: Fraction,
    counts: FrameCounts,
) -> Iterator[Frame]:
    seq = 0
    array: NDArray[np.uint8] | None = first
    while array is not None:
        _check_array(array, first.shape)
        planes = tuple(array[..., i].copy() for i in (1, 0, 2))
        counts.frames_in += 1
        yield Frame(planes, PIXEL_FORMATS["gbrp"], seq, seq, time_base)
        seq += 1
        array = next(rest, None)


def _check_array(array: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.shape != shape:
        raise ConfigError(
            f"frames: an array of {array.shape} {array.dtype}; blurcam takes uint8 arrays "
            f"(rows, columns, 3) of one size, channels in the order B, G, R"
        )
