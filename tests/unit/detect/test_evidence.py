"""What comparing a frame with the one before may claim."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from blurcam.detect.evidence import EvidenceGate
from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

_FACE = Box(100, 60, 148, 120)


def _frame(number: int, noise: float, contrast: float, shift: int = 0) -> Frame:
    """Return a dark frame with a face-sized pattern on it, and the camera's noise."""
    rng = np.random.default_rng(number)
    luma = np.full((180, 320), 30.0)
    yy, xx = np.mgrid[0:60, 0:48]
    pattern = np.sin(xx / 7.0) * np.cos(yy / 9.0)
    x0 = _FACE.x0 + shift
    luma[_FACE.y0 : _FACE.y1, x0 : x0 + 48] += contrast * pattern
    luma += rng.normal(0, noise, luma.shape)
    grey = np.clip(luma, 0, 255).astype(np.uint8)
    return Frame((grey,), PIXEL_FORMATS["gray"], number, number, Fraction(1, 25))


def _is_still(noise: float, contrast: float, shift: int) -> bool:
    gate = EvidenceGate()
    first = _frame(0, noise, contrast)
    gate.compare(first)
    gate.searched(None, 1.0)
    return gate.compare(_frame(1, noise, contrast, shift)).is_still(_FACE)


def test_a_face_that_stays_where_it_is_is_still() -> None:
    assert _is_still(noise=1, contrast=40, shift=0)


def test_a_face_that_moves_is_not_still() -> None:
    assert not _is_still(noise=1, contrast=40, shift=4)


def test_nothing_is_said_of_a_face_that_could_move_unseen_in_the_noise() -> None:
    assert not _is_still(noise=8, contrast=6, shift=4)
    assert not _is_still(noise=8, contrast=6, shift=0)
