"""The views of an attacker: what an attacker computes from redacted frames before naming people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.assess.attack.faces import MASK

Shots = NDArray[np.uint8]
"""Crops of one picture's frames, ``(frames, rows, columns)``."""

_SIZE: Final = (32, 40)
# The sigma of the blur that is undone: that of `gaussian` and its like on a face of this size.
_SIGMA: Final = 0.3 * min(MASK.box.width, MASK.box.height) / 1.4
_NOISE_TO_SIGNAL: Final = 1e-3
_FUSED: Final = 5


@dataclass(frozen=True, slots=True)
class AttackView:
    """A view of a picture's frames. ``trains_on_clear`` if the attacker has only clear faces."""

    name: str
    see: Callable[[Shots, NDArray[np.float32]], NDArray[np.float32]]
    trains_on_clear: bool = False


def crop(frame: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return a copy of what is under the mask and just beside it."""
    box = MASK.box
    return np.array(frame[box.y0 : box.y1, box.x0 : box.x1], np.uint8)


def _one(shots: Shots, shifts: NDArray[np.float32]) -> NDArray[np.float32]:
    del shifts
    return _small(shots[0].astype(np.float32))


def _fused(shots: Shots, shifts: NDArray[np.float32]) -> NDArray[np.float32]:
    return _small(_aligned(shots[:_FUSED], shifts, 1))


def _deblurred(shots: Shots, shifts: NDArray[np.float32]) -> NDArray[np.float32]:
    del shifts
    return _small(_wiener(shots[0].astype(np.float32), _SIGMA))


def _super_resolved(shots: Shots, shifts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shift and add on a grid twice as fine, then sharpen by what the interpolation blurs."""
    return _small(_wiener(_aligned(shots, shifts, 2), 1.0))


VIEWS: Final = (
    AttackView("one frame", _one),
    AttackView("one frame, trained on clear faces", _one, trains_on_clear=True),
    AttackView("5 fused frames", _fused),
    AttackView("one frame, deblurred (Wiener)", _deblurred),
    AttackView("25 frames, super-resolved", _super_resolved),
)


def _aligned(shots: Shots, shifts: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Return the mean of the frames, each moved back by its shift, which the attacker knows."""
    rows, columns = shots.shape[1:]
    total = np.zeros((rows * scale, columns * scale), np.float32)
    for shot, (dx, dy) in zip(shots, shifts, strict=False):
        back = np.array([[scale, 0, -dx * scale], [0, scale, -dy * scale]], np.float32)
        total += cv2.warpAffine(
            shot.astype(np.float32), back, (columns * scale, rows * scale), flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
    return np.asarray(total / len(shots), np.float32)


def _wiener(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Undo a Gaussian blur as far as the noise allows (Wiener, 1949)."""
    rows, columns = picture.shape
    pad = int(2 * sigma) + 2
    padded = np.pad(picture, pad, mode="reflect" if pad < min(rows, columns) else "edge")
    fy = np.fft.fftfreq(padded.shape[0])[:, None]
    fx = np.fft.rfftfreq(padded.shape[1])[None, :]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    spectrum = np.fft.rfft2(padded) * transfer / (transfer**2 + _NOISE_TO_SIGNAL)
    restored = np.fft.irfft2(spectrum, s=padded.shape)
    return restored[pad : pad + rows, pad : pad + columns].astype(np.float32)


def _small(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture as features: small, with light and contrast normalised."""
    small = np.asarray(cv2.resize(picture, _SIZE, interpolation=cv2.INTER_AREA), np.float32)
    even = (small - small.mean()).ravel() / max(1.0, float(small.std()))
    return np.asarray(even, np.float32)
