"""Damaged streams through the whole chain: it ends, says why in a line, and shows nothing.

Everything is masked here, so that a frame which came out without having been redacted would show
other samples than the few that a mask and a covered frame are painted with. The control without a
mask shows that it would be seen.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from blurcam.detect.detector import Detector
from blurcam.errors import BlurcamError
from blurcam.runs import pipe
from blurcam.runs.perception import open_detector
from blurcam.runs.pipe import PipeRun
from blurcam.settings.pipe import FromName, PipeSettings, RawLayout
from blurcam.settings.redaction import Cover, Detect
from tests.support.clips import moving_clip
from tests.support.streams import INPUTS, as_stream
from tests.unit.sources.test_pipe import mutated

WIDTH, HEIGHT = 64, 48
EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
# Dark, without colour, where all is masked; grey and the text on it where it is fully covered.
PAINTED = frozenset({64, 128, 96, 200})
MUTATIONS = 200


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    opened = open_detector(Detect())
    yield opened
    opened.close()


class Kept:
    """The real detector, that a run's end does not close."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __getattr__(self, name: str) -> object:
        return getattr(self._detector, name)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    clip = moving_clip(
        tmp_path_factory.mktemp("fuzz") / "clip.mkv", "-qp", "0", "-bf", "0", seconds=0.4
    )
    return {kind: as_stream(clip, kind).read_bytes() for kind in INPUTS}


def through(
    data: bytes, kind: FromName | None, cover: Cover, tmp_path: Path
) -> tuple[bytes, str, PipeRun]:
    """Send bytes through the chain; return what came out, and what was said."""
    given = tmp_path / "given"
    given.write_bytes(data)
    reading, writing = os.pipe()
    received = bytearray()

    def receive() -> None:
        while part := os.read(reading, 1 << 16):
            received.extend(part)

    piping = PipeSettings(
        input=given, source=kind, to="raw", layout=RawLayout(f"{WIDTH}x{HEIGHT}"),
        when_slow="block",
        effect="solid", cover=cover,
    )  # fmt: skip
    reader = threading.Thread(target=receive)
    reader.start()
    said = ""
    run = PipeRun(piping, writing)
    try:
        with run:
            run.open()
            for _ in run.steps():
                pass
    except BlurcamError as exc:
        said = str(exc)
    finally:
        if not received and run.info is None:
            _close(writing)
        reader.join()
        os.close(reading)
    return bytes(received), said, run


def _close(descriptor: int) -> None:
    with suppress(OSError):  # the run had taken it over, and closed it
        os.close(descriptor)


def check(
    kind: FromName, data: bytes, detector: Detector, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.setattr(pipe, "open_detector", lambda detect: Kept(detector))
    out, said, run = through(data, kind, Cover(0.1, 0.1, 0.1, masks=(EVERYWHERE,)), path)
    assert set(out) <= PAINTED
    assert "\n" not in said
    counts = run.counts
    if said:
        assert out == b""
    else:
        whole = sum(counts.covered_whole.values())
        assert counts.frames_in == counts.redacted + whole > 0
        assert counts.dropped == 0


@pytest.mark.parametrize("kind", INPUTS)
def test_damaged_streams_show_nothing(
    kind: FromName, streams: dict[str, bytes], detector: Detector,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    for seed in range(4):
        check(kind, mutated(streams[kind], seed), detector, monkeypatch, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(MUTATIONS))
def test_every_mutation_shows_nothing(
    seed: int, streams: dict[str, bytes], detector: Detector, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    kind: FromName = random.Random(seed).choice(list(INPUTS))  # type: ignore[arg-type]
    check(kind, mutated(streams[kind], 1000 + seed), detector, monkeypatch, tmp_path)


def test_the_control_shows_it(
    streams: dict[str, bytes], detector: Detector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipe, "open_detector", lambda detect: Kept(detector))
    out, said, _ = through(streams["ts"], "ts", Cover(0.1, 0.1, 0.1), tmp_path)
    assert said == ""
    assert len(set(out) - PAINTED) > 20
