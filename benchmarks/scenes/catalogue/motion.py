"""Cameras that move, and people who move fast or are in view for a moment only."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.scenes.catalogue.parts import (
    DAY,
    HIGH,
    WIDE,
    bystanders,
    moving,
    passers,
    portrait,
    street,
)
from benchmarks.scenes.effects import Dim
from benchmarks.scenes.values import Clock, Keys, Person, Scene, Shot, line, still


def scenes() -> Iterator[Scene]:
    """Yield the scenes of this kind."""
    yield from _cameras()
    yield from _fast()
    yield from _pops()
    yield from _sped_up()


def _cameras() -> Iterator[Scene]:
    middle = HIGH / 2
    for speed in (300, 400, 800):
        wide = WIDE + speed * 4
        people = bystanders(wide, 160)
        path = line(4, (WIDE / 2, middle, 1, 0), (wide - WIDE / 2, middle, 1, 0))
        shot = moving(4, (wide, HIGH), people, path)
        yield Scene(f"pan-{speed}", "camera", (shot,), effects=DAY)
    swing = Keys(tuple((0.8 * k, 400 + (0, 380)[k % 2], middle, 1.0, 0.0) for k in range(6)))
    shot = moving(4, (1200, HIGH), bystanders(1200, 150, seed=9), swing)
    yield Scene("pan-night", "camera", (shot,), effects=(Dim(0.25, 4.0),))
    zoom = Keys(
        (
            (0, 320, 180, 1, 0),
            (1.6, 300, 170, 2.2, 0),
            (3.2, 320, 180, 0.9, 0),
            (4, 320, 180, 1.6, 0),
        )
    )
    people = bystanders(WIDE, 125, seed=3)
    yield Scene("zoom", "camera", (moving(4, (WIDE, HIGH), people, zoom),), effects=DAY)
    fixed = still(360, 200, 1, 0)
    shot = moving(4, (720, 400), bystanders(720, 180, seed=2), fixed, shake=15)
    yield Scene("shake", "camera", (shot,), effects=DAY)
    turning = Keys(
        (
            (0, 320, 190, 1, 0),
            (1.5, 900, 190, 1.2, 3),
            (3, 2000, 185, 1.5, -2),
            (4, 2500, 185, 1.1, 0),
        )
    )
    shot = moving(4, (2900, 380), bystanders(2900, 120, seed=4), turning, shake=3)
    yield Scene("vehicle", "camera", (shot,), effects=DAY)
    body = Keys(
        tuple(
            (
                0.4 * k,
                360 + (-60, 50)[k % 2],
                200 + (12, -14, 5)[k % 3],
                1 + 0.05 * (k % 4),
                (-7, 6, 2)[k % 3],
            )
            for k in range(12)
        )
    )
    shot = moving(4, (760, 420), bystanders(760, 150, seed=6), body, shake=4)
    yield Scene("body-worn", "camera", (shot,), effects=DAY)


def _fast() -> Iterator[Scene]:
    """Faces of 32 px that cross at so many of their widths a second, one after another."""
    for widths in (7, 20, 40):
        speed = widths * 27.0
        takes = (WIDE + 80) / speed
        pause = 0.35
        people = []
        at = 0.5
        for number in range(max(2, min(8, round(4.5 / (takes + pause))))):
            ends = [
                (-40.0, 120.0 + 25 * (number % 4), 32.0),
                (WIDE + 40.0, 140.0 + 20 * (number % 3), 32.0),
            ]
            if number % 2:
                ends.reverse()
            path = line(takes, ends[0], ends[1])
            people.append(
                Person(portrait(number), path, enters=round(at, 3), leaves=round(at + takes, 3))
            )
            at += takes + pause
        yield Scene(f"fast-{widths}", "fast", (street(round(at, 2), people),), effects=DAY)
    yield Scene(
        "fast-profile", "fast",
        (street(3, [
            Person("hopper", line(3, (-20, 150, 34), (660, 150, 34)), yaw=still(55)),
            Person("collins", line(3, (690, 175, 36), (10, 175, 36)), yaw=still(-55)),
        ]),),
        effects=DAY,
    )  # fmt: skip


def _pops() -> Iterator[Scene]:
    """Twelve faces, each in view for so many frames at 25 a second, in the empty street."""
    places = ((100, 140), (500, 180), (300, 120), (560, 250), (60, 260), (400, 160))
    for frames in (1, 3, 6):
        people = []
        at = 0.6
        for number in range(12):
            x, y = places[number % len(places)]
            path = still(x + 7 * number, y, 30.0 + 2 * (number % 5))
            people.append(
                Person(
                    portrait(number),
                    path,
                    enters=round(at - 0.005, 3),
                    leaves=round(at + frames / 25 - 0.005, 3),
                )
            )
            at += frames / 25 + 0.28 + 0.04 * (number % 3)
        yield Scene(f"pop-{frames}", "pop", (street(round(at, 2), people),), effects=DAY)


def _sped_up() -> Iterator[Scene]:
    """People who walk across in 14 to 20 s, shown ten and twenty-five times too fast."""
    for speed in (10.0, 25.0):
        seconds = 4 * speed
        people = []
        for number in range(int(seconds / 4)):
            height = 26.0 + 5 * (number % 4)
            ends = [(-30.0, 130 + 1.2 * height, height), (WIDE + 30.0, 136 + 1.2 * height, height)]
            if number % 2:
                ends.reverse()
            takes = 14.0 + 2 * (number % 4)
            path = line(takes, ends[0], ends[1])
            people.append(
                Person(
                    portrait(number), path, enters=4.0 * number - 8, leaves=4.0 * number - 8 + takes
                )
            )
        yield Scene(
            f"sped-up-{speed:g}", "fast", (street(seconds, people),), clock=Clock(speed=speed),
            effects=DAY,
        )  # fmt: skip
    yield Scene(
        "comb", "fast", (Shot(4, passers(1.6) + passers(4)[:1], is_combed=True),), effects=DAY
    )
