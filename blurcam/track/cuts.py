"""Cuts: whether a frame surely shows another scene than the one before it.

Nothing that is known of a scene's faces may cover the next one. But a cut that is none takes cover
away. So all of the evidence has to agree: hardly any part of either picture is found again
on the other, not even moved, brighter or darker; both show enough to tell; and the known faces are
gone. A flash, a change of light, a shake, a pan and a lorry that passes are none of that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam.detect.detector import Finding, Unanswered
from blurcam.detect.template import Template, leads_back
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

# Frames are compared at this width, of samples this many times as dense.
_WIDTH: Final = 160
_DENSER: Final = 2
# Where samples differ by less than so many levels on average, there is no cut.
_LEAST_CHANGE: Final = 4.0
# Where more of these squares are alike on the spot than this share, there is no cut.
_SQUARE: Final = 10
_ALIKE: Final = 0.6
_MOST_ALIKE: Final = 0.25
# Of squares of this size no more than this share may be found again, within so many samples.
_LARGE: Final = 20
_FAR: Final = 24
_FOUND: Final = 0.8
_MOST_FOUND: Final = 0.3
# A square whose samples differ by less than so many levels shows nothing; so many must show some.
_EVEN: Final = 4.0
_FEWEST: Final = 10
# Of the known faces no more than this share may be found again, within so many of their sizes.
_FACES_FOUND: Final = 0.15
_FACE_REACH: Final = 0.7

_Levels = NDArray[np.float32]


class CutFinder:
    """Compares each frame of a stream with the one before it."""

    def __init__(self) -> None:
        """Begin with no frame."""
        self._before: tuple[Frame, _Levels] | None = None
        self._faces: tuple[Box, ...] = ()

    def is_cut(self, frame: Frame, finding: Finding) -> bool:
        """Whether a frame surely shows another scene than the one before it.

        ``finding`` says where its faces are, for the next frame to be compared with.
        """
        before, faces = self._before, self._faces
        self._before = None
        if frame.is_corrupt:
            return False
        small = _small(frame)
        self._before, self._faces = (frame, small), _faces(finding)
        return (
            before is not None
            and before[1].shape == small.shape
            and float(cv2.absdiff(before[1], small).mean()) >= _LEAST_CHANGE
            and _share_alike(before[1], small) <= _MOST_ALIKE
            and _is_other(before[1], small)
            and _is_other(small, before[1])
            and _are_gone(faces, before[0], frame)
        )


def _faces(finding: Finding) -> tuple[Box, ...]:
    if isinstance(finding, Unanswered):
        return ()
    return tuple(each.box for each in (*finding.detections, *finding.followed))


def _small(frame: Frame) -> _Levels:
    """Return a small picture of the frame's luma, in levels of 256."""
    plane = frame.planes[0]
    rows, columns = plane.shape
    step = max(1, columns // (_DENSER * _WIDTH))
    size = (_WIDTH, max(_LARGE, round(rows * _WIDTH / columns)))
    small = cv2.resize(plane[::step, ::step], size, interpolation=cv2.INTER_AREA)
    return cast(_Levels, small * np.float32(1 / (1 << (frame.pixel_format.depth - 8))))


def _squares(small: _Levels) -> _Levels:
    """Return the small picture cut into squares, each without its mean: (squares, samples)."""
    rows, columns = (length // _SQUARE for length in small.shape)
    cut = small[: rows * _SQUARE, : columns * _SQUARE].reshape(rows, _SQUARE, columns, _SQUARE)
    samples = cut.swapaxes(1, 2).reshape(rows * columns, _SQUARE * _SQUARE)
    return cast(_Levels, samples - samples.mean(1, keepdims=True))


def _share_alike(before: _Levels, now: _Levels) -> float:
    """Return the share of squares that show the same on the spot, of those that show anything."""
    was, here = _squares(before), _squares(now)
    powers = np.einsum("ij,ij->i", was, was), np.einsum("ij,ij->i", here, here)
    shows = np.maximum(*powers) > (_EVEN / 2) ** 2 * _SQUARE * _SQUARE
    if np.count_nonzero(shows) < _FEWEST:
        return 1.0
    alike = np.einsum("ij,ij->i", was, here) > _ALIKE * np.sqrt(powers[0] * powers[1])
    return float(np.count_nonzero(alike & shows) / np.count_nonzero(shows))


def _is_other(one: _Levels, other: _Levels) -> bool:
    """Whether hardly any large square of one picture is found again anywhere near on the other."""
    rows, columns = (length // _LARGE for length in one.shape)
    most = _MOST_FOUND * rows * columns
    shown = found = 0
    for y in range(0, rows * _LARGE, _LARGE):
        for x in range(0, columns * _LARGE, _LARGE):
            square = one[y : y + _LARGE, x : x + _LARGE]
            if float(square.std()) < _EVEN:
                continue
            top, left = max(0, y - _FAR), max(0, x - _FAR)
            near = other[top : y + _LARGE + _FAR, left : x + _LARGE + _FAR]
            scores = cv2.matchTemplate(near, square, cv2.TM_CCOEFF_NORMED)
            shown, found = shown + 1, found + bool(scores.max() >= _FOUND)
            if found > most:
                return False
    return shown >= _FEWEST and found <= _MOST_FOUND * shown


def _are_gone(faces: Iterable[Box], before: Frame, now: Frame) -> bool:
    """Whether hardly any known face is found again by its own pixels."""
    known = found = 0
    for face in faces:
        template = Template.of(before, face)
        if template is None:
            continue
        there = template.find(now, face, _FACE_REACH)
        again = None if there is None else Template.of(now, there)
        known += 1
        found += again is not None and leads_back(template, before, again, _FACE_REACH)
    return found <= _FACES_FOUND * known
