"""How many bytes of frames a run may hold."""

from __future__ import annotations

from fractions import Fraction

import pytest

from blurcam.errors import SourceOpenError
from blurcam.media.formats import PIXEL_FORMATS, StreamInfo
from blurcam.runs import frame_budget
from blurcam.runs.frame_budget import frame_bytes, look_ahead_bytes
from blurcam.runtime.memory import GIGABYTE


def stream(width: int, height: int, form: str = "yuv420p") -> StreamInfo:
    return StreamInfo(
        "a.mp4", width, height, PIXEL_FORMATS[form], Fraction(1, 25), rate=Fraction(25)
    )


@pytest.fixture(autouse=True)
def _eight_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_budget, "available_bytes", lambda: 8 * GIGABYTE)


@pytest.mark.parametrize(
    ("form", "size"),
    [("yuv420p", 96), ("yuv444p", 192), ("gray", 64), ("yuv420p10le", 192), ("gbrp", 192)],
)
def test_a_frame_takes_what_its_planes_take(form: str, size: int) -> None:
    assert frame_bytes(stream(8, 8, form)) == size


def test_one_and_a_half_seconds_of_usual_frames_are_held() -> None:
    info = stream(1920, 1080)
    assert look_ahead_bytes(info, None) > 60 * frame_bytes(info)


def test_more_may_be_allowed_and_less() -> None:
    info = stream(1920, 1080)
    assert look_ahead_bytes(info, 32) > look_ahead_bytes(info, None) > look_ahead_bytes(info, 1)


@pytest.mark.parametrize(
    ("size", "memory", "said"),
    [
        ((1920, 1080), 0.5, "0.7 GB of memory, and there are 0.5 GB"),
        ((8192, 8192), None, "5.5 GB of memory, and there are 4.0 GB"),
        ((8192, 8192), 4, "5.5 GB of memory, and there are 4.0 GB"),
    ],
)
def test_frames_that_do_not_fit_are_refused(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], memory: float | None, said: str
) -> None:
    monkeypatch.setattr(frame_budget, "available_bytes", lambda: 5 * GIGABYTE)
    with pytest.raises(SourceOpenError, match=said):
        look_ahead_bytes(stream(*size), memory)


def test_frames_of_8k_fit_into_a_usual_machine() -> None:
    info = stream(7680, 4320, "yuv420p10le")
    assert look_ahead_bytes(info, None) >= 6 * frame_bytes(info)
