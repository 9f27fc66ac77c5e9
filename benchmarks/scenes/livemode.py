"""A scene as a camera: a real RTSP server plays it in its own time, and blurcam records it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.processes import Failed
from benchmarks.scenes import BUILD
from benchmarks.scenes.decoding import Unreadable
from benchmarks.scenes.effects import Number
from benchmarks.scenes.filemode import How, asked_of
from benchmarks.scenes.judging import judge, judge_control
from benchmarks.scenes.making import Made
from benchmarks.scenes.matching import by_number, times
from benchmarks.scenes.rows import Judged, Row, failed, row_of
from benchmarks.scenes.running import redact_camera
from benchmarks.scenes.sheets import sheet
from benchmarks.scenes.values import Scene
from tests.support.fakecam import Clip, FakeCam
from tests.support.fakecam.clip import CLOCK, AccessUnit

# What blurcam holds back for its look-ahead has gone by so many seconds after the last frame.
_AFTER: Final = 1.5
# A camera is watched at least for so long.
_LEAST_SECONDS: Final = 10.0


def numbered(scene: Scene) -> Scene:
    """Return a scene with its number in each frame."""
    return replace(scene, effects=(*scene.effects, Number()))


class _Played(Clip):
    """A clip that knows since when it has been sent so many times; it is sent again after that.

    The first time a camera is watched from its beginning, with the models still to be loaded.
    """

    def __init__(self, path: Path) -> None:
        """Read the clip."""
        super().__init__(path)
        seconds = self.length / CLOCK
        self.passes = max(2, math.ceil(_LEAST_SECONDS / seconds))
        self._sent = 0
        self._played_at: float | None = None

    def payloads(self, unit: AccessUnit) -> Iterator[tuple[bool, bytes]]:
        """Yield the RTP payloads of a picture."""
        yield from super().payloads(unit)
        self._sent += 1
        if self._sent == self.passes * len(self.units):
            self._played_at = time.monotonic()

    def is_over(self) -> bool:
        """Whether all of it was sent some while ago."""
        return self._played_at is not None and time.monotonic() - self._played_at > _AFTER


def live_row(scene: Made, kind: str, options: Sequence[str], how: How) -> Row:
    """Return the row of a scene, which has numbers in its frames, as a camera."""
    try:
        with tempfile.TemporaryDirectory(prefix="blurcam-scenes-") as folder:
            return _row(scene, kind, options, how, how.clips or Path(folder))
    except (Failed, Unreadable) as exc:
        return failed(scene.name, kind, "live", str(exc))


def _row(scene: Made, kind: str, options: Sequence[str], how: How, folder: Path) -> Row:
    control = judge_control(scene)
    target = folder / f"{scene.name}-live.mkv"
    clip = _Played(scene.video)
    with FakeCam({scene.name: clip}) as camera:
        spent = redact_camera(
            camera.url(scene.name), target, options, how.command, clip.is_over
        )  # fmt: skip
    sources = by_number(times(scene.video), target)
    output = judge(scene, target, control, sources)
    if how.looks:
        sheet(scene, target, output, control, sources, BUILD / "look" / f"{scene.name}-live.png")
    asked = asked_of(scene, options, how, folder, control)
    row = row_of(scene, kind, "live", control, Judged(output, spent.cpu), asked)
    sent = clip.passes * scene.truth.frames
    left_out = f"{sent - output.frames} of {sent} frames left out"
    return replace(row, note=left_out if output.frames < sent else "")
