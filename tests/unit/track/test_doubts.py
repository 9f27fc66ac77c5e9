"""A run lists where it was in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from blurcam.media.formats import PIXEL_FORMATS
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.track.doubts import DoubtfulPlaces

LARGE = Region(Box(10, 10, 50, 60), Basis.DETECTED, track=1, confidence=0.9)


def passing(*regions: Region | None) -> DoubtfulPlaces:
    """Coverage of one region on each frame, 25 a second."""

    def covered() -> Iterator[tuple[Frame, Coverage]]:
        for seq, region in enumerate(regions):
            plane = np.zeros((80, 80), np.uint8)
            frame = Frame((plane,), PIXEL_FORMATS["gray"], seq, seq, Fraction(1, 25))
            yield frame, Coverage(seq, () if region is None else (region,))

    doubts = DoubtfulPlaces()
    assert [frame.seq for frame, _ in doubts.watch(covered())] == list(range(len(regions)))
    return doubts


def test_a_track_that_is_detected_all_along_is_not_in_doubt() -> None:
    assert passing(*[LARGE] * 30).told() == ()


def test_a_gap_is_told_from_detection_to_detection() -> None:
    bridged = replace(LARGE, basis=Basis.BRIDGED)
    (place,) = passing(LARGE, *[bridged] * 19, LARGE).told()
    assert (place.why, place.track, place.frame, place.until_frame) == ("gap", 1, 0, 20)
    assert (place.time, place.until) == (0.0, 0.8)
    assert passing(LARGE, *[bridged] * 5, LARGE).told() == ()


def test_a_track_near_the_threshold_and_one_of_a_small_face_are_told() -> None:
    unsure = replace(LARGE, confidence=0.3)
    small = Region(Box(5, 5, 17, 20), Basis.DETECTED, track=2, confidence=0.9)
    assert [each.why for each in passing(unsure, unsure).told()] == ["near the threshold"]
    assert [each.why for each in passing(None, small).told()] == ["small face"]
