"""A late answer of the detector: the producer of a pipe waits for it, unless frames are dropped."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from blurcam.errors import DetectorTimeout
from blurcam.runs import pipe
from blurcam.runs.pipe import PipeRun
from blurcam.settings.pipe import PipeSettings, RawLayout, WhenSlow
from blurcam.settings.redaction import Cover

WIDTH, HEIGHT, FRAMES = 64, 48, 10


class LateDetector:
    """Answers after two seconds, as it says: a caller who waits for less gets no answer."""

    name, threshold, smallest_face, is_ready = "late", 0.5, 1, False

    def start(self, views: object) -> LateDetector:
        del views
        return self

    def wait(self, timeout: float) -> tuple[Any, ...]:
        if timeout < 2:
            raise DetectorTimeout("no answer")
        return ()

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("when_slow", "covered"), [(None, False), ("block", False), ("drop", True)]
)
def test_a_late_answer_is_waited_for_unless_frames_are_dropped(
    when_slow: WhenSlow | None, covered: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipe, "open_detector", lambda detect: LateDetector())
    fifo = tmp_path / "in"
    os.mkfifo(fifo)
    frame = bytes(WIDTH * HEIGHT * 3 // 2)
    writer = threading.Thread(target=fifo.write_bytes, args=(frame * FRAMES,))
    writer.start()
    settings = PipeSettings(
        input=fifo, output=tmp_path / "out.mkv", source="raw", when_slow=when_slow,
        layout=RawLayout(f"{WIDTH}x{HEIGHT}"), cover=Cover(0, 0, 0),
    )  # fmt: skip
    with PipeRun(settings, None) as run:
        run.open()
        for _ in run.steps():
            pass
    writer.join()
    assert (sum(run.counts.covered_whole.values()) > 0) == covered
    assert run.counts.frames_in == FRAMES
