"""Light and weather: a fixed camera, and people who walk by it or stand."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.scenes.catalogue.parts import DAY, crossing, lit, passers, standing, street
from benchmarks.scenes.effects import (
    Dim,
    Effect,
    Flicker,
    Haze,
    InfraRed,
    Noise,
    Rain,
    Snow,
)
from benchmarks.scenes.values import Scene, Shot

_LIGHT: tuple[tuple[str, tuple[Effect, ...]], ...] = (
    ("day", DAY),
    ("dusk", (Dim(0.35, 3.0),)),
    ("ir-switch", (*DAY, InfraRed(1.6, 3.2))),
    ("flicker", (Flicker(0.35, 6.3), *DAY)),
    ("flicker-bands", (Flicker(0.25, 4.1, 3.0), *DAY)),
    ("haze", (Haze(0.65), *DAY)),
    ("rain", (Rain(320), *DAY)),
    ("snow", (Snow(260), *DAY)),
)


def scenes() -> Iterator[Scene]:
    """Yield the scenes of this kind."""
    for name, effects in _LIGHT:
        yield Scene(name, "light", (street(4, passers(4)),), effects=effects)
    dark = (Dim(0.12, 5.0),)
    # The smallest faces cannot be made out in so little light.
    yield Scene("night", "light", (street(4, lit(passers(4, 1.5))),), effects=dark)
    yield Scene("night-standing", "light", (street(4, lit(standing(4, 1.5))),), effects=dark)
    yield Scene("still", "light", (street(6, standing(6)),), effects=(Noise(1.0),))
    people = (
        crossing(0, 24, 460, 3, start=0.1, end=0.5, wide=1920),
        crossing(1, 34, 500, 3, start=0.9, end=0.5, wide=1920),
        crossing(2, 48, 540, 3, start=0.2, end=0.8, wide=1920),
        crossing(3, 70, 600, 3, start=0.7, end=0.1, wide=1920),
    )
    for name, light in (("day-1080p", DAY), ("night-1080p", dark)):
        lighted = people if light == DAY else lit(people)
        shot = Shot(3, lighted, world=(1920, 1080))
        yield Scene(name, "light", (shot,), size=(1920, 1080), effects=light)
