"""The frames of a scene: when they are taken, what they show, and where each face is on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np

from benchmarks.scenes.drawing import Drawing
from benchmarks.scenes.effects import Moment
from benchmarks.scenes.filmed import Showing
from benchmarks.scenes.layers import Layer
from benchmarks.scenes.truth import Face, Picture
from benchmarks.scenes.values import Clock, Filmed, Scene, Shot

TIME_BASE: Final = 90_000


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A frame of a scene: when it is shown, in 1/90000 s, and the faces on it."""

    pts: int
    picture: Picture
    faces: tuple[Face, ...]


class Stage(Protocol):
    """Shows a shot."""

    def layer(self, time: float, size: tuple[int, int], moment: Moment) -> Layer:
        """Return what it shows so many seconds after its beginning."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A shot in its scene: when it begins and ends, and the number of its first person."""

    begins: float
    ends: float
    first: int
    stage: Stage


def moments(scene: Scene) -> Iterator[tuple[float, int]]:
    """Yield the second of the scene and the time stamp of every frame."""
    clock, length = scene.clock, _length(scene)
    rng = np.random.default_rng(11)
    shown, number, last = 0.0, 0, -1
    frames = _count(clock, length)
    while shown * clock.speed < length - 1e-6:
        jumped = clock.jump if clock.jump and number >= frames // 2 else 0.0
        pts = max(last + 1, round((shown / clock.dense + jumped) * TIME_BASE))
        yield shown * clock.speed, pts
        last, number = pts, number + 1
        step = 1 / clock.rate
        if clock.jitter:
            step *= 1 + clock.jitter * float(rng.uniform(-1, 1))
        if clock.burst and number % clock.burst == 0:
            step = clock.pause
        if clock.gap and number == frames // 2:
            step += clock.gap
        shown += step


def _length(scene: Scene) -> float:
    return sum(shot.seconds for shot in scene.shots) - scene.dissolve * (len(scene.shots) - 1)


def _count(clock: Clock, length: float) -> int:
    """Return about how many frames there will be."""
    return int((length / clock.speed - clock.gap) * clock.rate)


def draw(scene: Scene) -> Iterator[Drawn]:
    """Yield every frame of a scene."""
    parts = _parts(scene)
    shape = (scene.size[1], scene.size[0])
    for number, (time, pts) in enumerate(moments(scene)):
        moment = Moment(number, time)
        on = [part for part in parts if part.begins <= time + 1e-9 and time < part.ends - 1e-9]
        layers = [part.stage.layer(time - part.begins, scene.size, moment) for part in on]
        picture = layers[0].picture
        if len(layers) > 1:
            share = (time - on[1].begins) / scene.dissolve
            mixed = cv2.addWeighted(picture, 1 - share, layers[1].picture, share, 0)
            picture = np.asarray(mixed, np.uint8)
        faces = [
            face
            for part, layer in zip(on, layers, strict=True)
            for face in layer.seen(part.first, number)
        ]
        for effect in scene.effects:
            picture = effect.apply(picture, moment)
            hidden = effect.hidden(shape, moment)
            if hidden is not None:
                _hide(faces, np.asarray(hidden, np.uint8))
        yield Drawn(pts, picture, tuple(faces))


def _hide(faces: list[Face], hidden: Picture) -> None:
    for face in faces:
        face.own[face.box.cut(hidden) > 0] = False


def _parts(scene: Scene) -> list[_Part]:
    half_a_frame = 0.5 / scene.clock.rate * scene.clock.speed
    parts: list[_Part] = []
    begins, first = 0.0, 0
    for shot in scene.shots:
        stage = Drawing(shot, half_a_frame) if isinstance(shot, Shot) else Showing(shot)
        parts.append(_Part(begins, begins + shot.seconds, first, stage))
        begins += shot.seconds - scene.dissolve
        first += len(shot.people) if isinstance(shot, Shot) else Filmed.MOST_PEOPLE
    return parts
