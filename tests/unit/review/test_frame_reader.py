"""Any frame, in any order, is the one that decoding from the beginning gives."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from blurcam.errors import SourceError
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.review.frame_reader import RedactedReader
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source
from tests.support.clips import moving_clip

SIZE = (64, 48)


def frames_of(path: Path) -> list[tuple[int, bytes]]:
    with open_source(path, FrameCounts()) as source:
        return [(each.pts, each.planes[0].tobytes()) for each in source.frames()]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", ("-c:v", "libx264", "-g", "12", "-bf", "3")),
        ("stream.ts", ("-c:v", "libx264", "-g", "20", "-bf", "2")),
        ("unusual.avi", ("-c:v", "mpeg4", "-g", "10")),
    ],
)
def test_frames_in_any_order_are_those_of_decoding_from_the_beginning(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    path = moving_clip(tmp_path / name, *options, seconds=3.0)
    usual = frames_of(path)
    pts = [each for each, _ in usual]
    order = [*random.Random(5).sample(range(len(usual)), 24), 0, len(usual) - 1, 40, 41, 42, 41]
    with closing(RedactedReader(path, SIZE, len(usual), "solid", pts=pts)) as reader:
        for number in order:
            shown = reader.redacted(Coverage(number, ()))
            assert (shown.seq, shown.pts) == (number, pts[number])
            assert shown.planes[0].tobytes() == usual[number][1], number


def test_what_is_covered_is_covered_on_the_frame_that_was_asked_for(tmp_path: Path) -> None:
    path = moving_clip(tmp_path / "a.mp4", seconds=2.0)
    usual = frames_of(path)
    box = Region(Box(8, 8, 40, 40), Basis.DRAWN)
    with closing(RedactedReader(path, SIZE, len(usual), "solid")) as reader:
        shown = reader.redacted(Coverage(30, (box,))).planes[0]
    raw = np.frombuffer(usual[30][1], np.uint8).reshape(48, 64)
    assert (shown[20:28, 20:28] == 64).all()
    assert (shown[:, 48:] == raw[:, 48:]).all()


def test_a_recording_that_changed_or_is_another_one_is_not_shown(tmp_path: Path) -> None:
    path = moving_clip(tmp_path / "a.mp4", seconds=2.0)
    pts = [each for each, _ in frames_of(path)]
    with (
        closing(RedactedReader(path, SIZE, len(pts), "solid", pts=[n + 1 for n in pts])) as other,
        pytest.raises(SourceError, match="is not where it was"),
    ):
        other.redacted(Coverage(3, ()))
    with (
        closing(RedactedReader(path, (32, 48), len(pts), "solid", pts=pts)) as turned,
        pytest.raises(SourceError, match="stored another way"),
    ):
        turned.redacted(Coverage(3, ()))
    with closing(RedactedReader(path, SIZE, len(pts), "solid", pts=pts)) as reader:
        reader.redacted(Coverage(3, ()))
        moving_clip(path, "-vf", "hue=h=90", seconds=2.0)
        with pytest.raises(SourceError, match="has changed"):
            reader.redacted(Coverage(40, ()))
