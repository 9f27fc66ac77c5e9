"""What scenes are put together from: people who walk across a street of our own drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from benchmarks.scenes.effects import Noise
from benchmarks.scenes.values import Camera, Keys, Person, Portrait, Shot, line, still

DAY: Final = (Noise(2.0),)
WIDE, HIGH = 640, 360


def portrait(number: int) -> Portrait:
    """Return one of the two, by turns."""
    return "hopper" if number % 2 == 0 else "collins"


def crossing(
    number: int,
    height: float,
    y: float,
    seconds: float,
    *,
    start: float = -0.05,
    end: float = 1.05,
    wide: int = WIDE,
) -> Person:
    """Return somebody who walks from one share of the width to another, looking about."""
    swing = tuple((0.9 * k, (0.0, 30.0, 0.0, -30.0)[k % 4]) for k in range(int(seconds / 0.9) + 2))
    path = line(seconds, (start * wide, y, height), (end * wide, y + 6, height))
    return Person(
        portrait(number), path, yaw=Keys(swing), is_mirrored=number % 3 == 2,
        tone=(1.0, 0.92, 1.06)[number % 3],
    )  # fmt: skip


def passers(seconds: float, larger: float = 1.0) -> tuple[Person, ...]:
    """Return three people of 22, 32 and 44 px who cross the street within so many seconds."""
    return (
        crossing(0, 22 * larger, 150, seconds, start=0.1, end=0.7),
        crossing(1, 32 * larger, 165, seconds, start=0.95, end=0.2),
        crossing(2, 44 * larger, 190, seconds, start=-0.02, end=0.9),
    )


def standing(seconds: float, larger: float = 1.0) -> tuple[Person, ...]:
    """Return three people of 24, 34 and 46 px who hardly move."""
    places = ((140, 150, 24.0), (330, 165, 34.0), (520, 185, 46.0))
    return tuple(
        Person(portrait(n), line(seconds, (x, y, size * larger), (x + 9, y + 2, size * larger)))
        for n, (x, y, size) in enumerate(places)
    )


def lit(people: Sequence[Person]) -> tuple[Person, ...]:
    """Return people by lamp light: the paler portrait needs more of it to be seen at night."""
    return tuple(
        replace(each, tone=1.35) if each.portrait == "collins" else each for each in people
    )


def bystanders(wide: int, every: int, *, seed: int = 5, y: float = 170) -> tuple[Person, ...]:
    """Return people who stand along a street so wide, one every so many pixels."""
    rng = np.random.default_rng(seed)
    return tuple(
        Person(
            portrait(n), still(x + int(rng.integers(-20, 20)), y + 0.8 * size, size),
            yaw=still(float(rng.choice((-25, 0, 25)))), is_mirrored=bool(n % 3 == 1),
        )
        for n, x in enumerate(range(every // 2, wide, every))
        for size in (float(rng.integers(22, 46)),)
    )  # fmt: skip


def street(seconds: float, people: Sequence[Person]) -> Shot:
    """Return a fixed camera before the street."""
    return Shot(seconds, tuple(people))


def moving(
    seconds: float,
    world: tuple[int, int],
    people: Sequence[Person],
    path: Keys,
    *,
    shake: float = 0.0,
) -> Shot:
    """Return a camera that moves before a street so large."""
    return Shot(seconds, tuple(people), world=world, camera=Camera(path, shake))
