"""The pipe, between real processes: what goes in, what comes out, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from tests.support.streams import (
    HEIGHT,
    INPUTS,
    OUTPUTS,
    SIZE,
    WIDTH,
    as_stream,
    face_clip,
    pipe,
    planes,
)

# Lossless, and with the coverage that a recording gets.
LIKE_A_FILE = ("--when-slow", "block", "--lead", 0.5, "--hold", 0.5, "--bridge", 1)
LOSSLESS = ("--crf", 0)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_clip(tmp_path_factory.mktemp("pipes") / "clip.mkv", 3)


@pytest.fixture(scope="session")
def streams(clip: Path) -> dict[str, Path]:
    return {kind: as_stream(clip, kind) for kind in INPUTS}


@pytest.fixture(scope="session")
def expected(streams: dict[str, Path]) -> Callable[[str], list[bytes]]:
    """What ``blurcam run`` makes of the same stream as a file, without loss."""

    @cache
    def made(kind: str) -> list[bytes]:
        source = streams["y4m" if kind == "raw" else kind]
        out = source.with_name(f"{kind}.redacted.mkv")
        done = pipe(b"", source, out, *LOSSLESS, "--quiet", name="run")
        assert done.code == 0, done.said
        stream = as_stream(out, "y4m", f"{kind}.redacted.y4m")
        return planes(stream.read_bytes(), "y4m")

    return made


def check_pair(streams: dict[str, Path], source: str, to: str, wanted: list[bytes]) -> None:
    lossy = () if to in ("mjpeg", "nut", "y4m", "raw") else LOSSLESS
    size = SIZE if source == "raw" else ()
    done = pipe(streams[source], "--to", to, *size, *lossy, *LIKE_A_FILE)
    assert done.code == 0, done.said
    assert "75 frames in: 75 redacted" in done.said
    found = planes(done.out, to)
    assert len(found) == len(wanted) == 75
    if to != "mjpeg" and source not in ("mjpeg", "multipart"):
        assert [n for n in range(75) if found[n] != wanted[n]] == []
    else:
        luma = WIDTH * HEIGHT
        scale = to == "mjpeg" and source not in ("mjpeg", "multipart")  # JPEG is full range
        for one, other in zip(found, wanted, strict=True):
            a = np.frombuffer(one[:luma], np.uint8).astype(float)
            b = np.frombuffer(other[:luma], np.uint8).astype(float)
            assert np.abs(a - ((b - 16) * 255 / 219 if scale else b)).mean() < 3


# Each kind in and each kind out once; the rest of the table is slow.
DIAGONAL = list(zip(INPUTS, islice(cycle([*OUTPUTS[3:], *OUTPUTS[:3]]), len(INPUTS)), strict=True))


@pytest.mark.parametrize(("source", "to"), DIAGONAL)
def test_what_goes_out_is_what_the_file_path_makes_of_it(
    streams: dict[str, Path], expected: Callable[[str], list[bytes]], source: str, to: str
) -> None:
    check_pair(streams, source, to, expected(source))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "to"), [(a, b) for a in INPUTS for b in OUTPUTS if (a, b) not in DIAGONAL]
)
def test_every_other_pair_too(
    streams: dict[str, Path], expected: Callable[[str], list[bytes]], source: str, to: str
) -> None:
    check_pair(streams, source, to, expected(source))
