"""A scene through ``blurcam run in out``: as asked for, and with every frame searched."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Failed
from benchmarks.scenes import BUILD
from benchmarks.scenes.asked import Asked, kept
from benchmarks.scenes.decoding import Unreadable
from benchmarks.scenes.judging import Control, judge, judge_control
from benchmarks.scenes.making import Made
from benchmarks.scenes.matching import in_order
from benchmarks.scenes.rows import Judged, Row, failed, row_of
from benchmarks.scenes.running import COMMAND, EVERY_FRAME, INCOMPLETE, redact
from benchmarks.scenes.sheets import sheet


@dataclass(frozen=True, slots=True)
class How:
    """How rows are made: the command, whether it is told from what the detector does not see.

    That is asked once, or ``anew``. Outputs are kept in ``clips``; ``looks`` makes contact sheets.
    """

    command: tuple[str, ...] = COMMAND
    asks: bool = True
    anew: bool = False
    clips: Path | None = None
    looks: bool = False


def file_row(scene: Made, kind: str, options: Sequence[str], how: How) -> Row:
    """Return the row of a scene as a file."""
    try:
        with tempfile.TemporaryDirectory(prefix="blurcam-scenes-") as folder:
            return _row(scene, kind, options, how, how.clips or Path(folder))
    except (Failed, Unreadable) as exc:
        return failed(scene.name, kind, "file", str(exc))


def _row(scene: Made, kind: str, options: Sequence[str], how: How, folder: Path) -> Row:
    control = judge_control(scene)
    run = judged_file(scene, options, how, folder, control, "file")
    return row_of(scene, kind, "file", control, run, asked_of(scene, options, how, folder, control))


def asked_of(
    scene: Made, options: Sequence[str], how: How, folder: Path, control: Control
) -> Asked | None:
    """Return what a run that searches every frame exposes, where that is wanted."""

    def ask() -> Asked:
        every = (*options, *EVERY_FRAME)
        found = judged_file(scene, every, How(), folder, control, "every")
        return Asked(found.output.exposed(control), found.output.fog.changed, found.cpu)

    if not how.asks:
        return None
    return kept(scene.video.parent, tuple(options), ask, anew=how.anew)


def judged_file(
    scene: Made, options: Sequence[str], how: How, folder: Path, control: Control, stem: str
) -> Judged:
    """Redact a scene as a file and judge the output."""
    target = folder / f"{scene.name}-{stem}.mp4"
    spent = redact(scene.video, target, options, how.command)
    sources, problem = in_order(scene.truth.frames, scene.video, target)
    output = judge(scene, target, control, sources)
    if how.looks:
        page = BUILD / "look" / f"{scene.name}-{stem}.png"
        sheet(scene, target, output, control, sources, page)
    note = "ended with 3: incomplete" if spent.code == INCOMPLETE else ""
    return Judged(output, spent.cpu, problem, note)
