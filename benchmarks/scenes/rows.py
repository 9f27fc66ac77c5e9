"""A row of the table: one scene, redacted and judged, and the targets that it has to meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.scenes.asked import Asked
from benchmarks.scenes.exposure import longest_run
from benchmarks.scenes.judging import Control, Output
from benchmarks.scenes.making import Made

Mode = Literal["file", "live"]

# Live, so many of the faces may be exposed, and none for longer than so many frames.
LIVE_SHARE, LIVE_FRAMES = 0.005, 2
# A scene judges nothing unless this share of its faces is exposed where nothing is redacted.
LEAST_JUDGED: Final = 0.25


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces on frames of one output: all, those that count, and those that are exposed.

    ``exposed`` is told of those that count: that can be made out where nothing is redacted.
    ``at_fault`` are those of them that the detector sees when it is asked about that very frame.
    """

    all: int
    counted: int
    exposed: int
    at_fault: int
    longest: int


@dataclass(frozen=True, slots=True)
class Row:
    """One scene in one mode: its figures, and in words what misses its target.

    ``asked`` is the same of a run that searches every frame, where there was one.
    """

    name: str
    kind: str
    mode: Mode
    frames: int
    faces: Faces
    asked_exposed: int | None
    changed: float
    outside: float
    times_asked: float | None
    fully_covered: int
    cpu: float
    cpu_asked: float | None
    misses: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """An output, the CPU seconds that it took, what is wrong with its frames, and a note."""

    output: Output
    cpu: float
    problem: str | None = None
    note: str = ""


def row_of(
    scene: Made, kind: str, mode: Mode, control: Control, run: Judged, asked: Asked | None
) -> Row:
    """Return the row of a run; ``asked`` is one that searched every frame, where there was one."""
    output = run.output
    blind = frozenset[int]() if asked is None else asked.unseen
    faces = count(scene, control, output, blind)
    missed = _misses(scene, kind, mode, faces, output)
    return Row(
        scene.name, kind, mode, output.frames, faces, None if asked is None else len(blind),
        output.fog.changed, output.fog.outside,
        output.fog.changed / asked.changed if asked and asked.changed else None,
        _fully_covered(mode, output), run.cpu, asked.cpu if asked else None,
        (*missed, run.problem) if run.problem else missed, run.note,
    )  # fmt: skip


def count(
    scene: Made, control: Control, output: Output, blind: frozenset[int] = frozenset()
) -> Faces:
    """Count the faces on an output; for those in ``blind`` the detector is blind when asked."""
    counted = [sight for sight in output.sights if control.counts(sight.face)]
    exposed = [sight for sight in counted if control.exposed(sight)]
    at_fault = [sight for sight in exposed if sight.face not in blind]
    runs: dict[int, list[int]] = {}
    for sight in at_fault:
        runs.setdefault(scene.truth.faces[sight.face].who, []).append(sight.frame)
    return Faces(
        len(output.sights), len(counted), len(exposed), len(at_fault),
        max(map(longest_run, runs.values()), default=0),
    )  # fmt: skip


def _fully_covered(mode: Mode, output: Output) -> int:
    """Return how many frames are; of a camera not those before the detector's first answer."""
    covered = output.fog.fully_covered
    if mode == "live":
        covered = tuple(at for place, at in enumerate(covered) if at != place)
    return len(covered)


def _misses(scene: Made, kind: str, mode: Mode, faces: Faces, output: Output) -> tuple[str, ...]:
    """Return in words which targets are missed."""
    found = []
    if mode == "file" and faces.at_fault:
        found.append(f"{faces.at_fault} exposed")
    if mode == "live":
        if faces.at_fault > LIVE_SHARE * faces.counted:
            found.append(f"{faces.at_fault} exposed")
        if faces.longest > LIVE_FRAMES:
            found.append(f"exposed for {faces.longest} frames")
    if kind == "times" and (covered := _fully_covered(mode, output)):
        found.append(f"{covered} frames fully covered")
    if output.size != scene.truth.size:
        found.append(f"is {output.size[0]} × {output.size[1]}")
    if not output.fog.is_same_scene:
        found.append("does not show the scene")
    if faces.counted < LEAST_JUDGED * faces.all or not faces.all:
        found.append("judges too few faces")
    return tuple(found)


def failed(name: str, kind: str, mode: Mode, why: str) -> Row:
    """Return the row of a run that did not end well, which misses every target."""
    nothing = Faces(0, 0, 0, 0, 0)
    return Row(name, kind, mode, 0, nothing, None, 0, 0, None, 0, 0, None, (why,))


def problems(rows: Sequence[Row]) -> list[str]:
    """Return a line for each row that misses a target."""
    return [f"{row.name} ({row.mode}): {', '.join(row.misses)}" for row in rows if row.misses]
