"""How faces are seen: turned, rolled, large, cut by the edge, many, and behind one another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.scenes.catalogue.parts import (
    DAY,
    HIGH,
    WIDE,
    crossing,
    passers,
    portrait,
    standing,
    street,
)
from benchmarks.scenes.effects import Caption, Letterbox
from benchmarks.scenes.values import Keys, Person, Post, Scene, Shot, line, still


def scenes() -> Iterator[Scene]:
    """Yield the scenes of this kind."""
    yield from _turned()
    yield from _framed()
    yield from _among_others()
    yield from _behind_letters()


def _turned() -> Iterator[Scene]:
    swing = Keys(((0, -70), (2, 70), (4, -70)))
    people: tuple[Person, ...] = (
        Person("hopper", line(4, (80, 130, 36), (420, 130, 36)), yaw=still(60)),
        Person("collins", line(4, (600, 150, 40), (240, 150, 40)), yaw=still(-60)),
        Person("collins", line(4, (300, 210, 54), (330, 212, 54)), yaw=swing),
    )  # fmt: skip
    yield Scene("profile", "pose", (street(4, people),), effects=DAY)
    people = (
        Person("hopper", line(4, (140, 230, 38), (150, 231, 38)), roll=still(90)),
        Person("collins", line(4, (500, 270, 44), (490, 272, 44)), roll=still(-90)),
        Person("collins", line(4, (330, 130, 30), (350, 130, 30))),
    )
    yield Scene("lying", "pose", (street(4, people),), effects=DAY)
    for roll in (45, 90, 135, 180):
        people = (
            Person("hopper", line(4, (120, 80, 34), (240, 80, 34)), roll=still(roll)),
            Person("collins", line(4, (330, 170, 44), (300, 190, 44)), roll=still(roll)),
            Person("hopper", line(4, (530, 180, 56), (480, 180, 56)), roll=still(-roll)),
        )
        yield Scene(f"rolled-{roll}", "pose", (street(4, people),), effects=DAY)
    people = (
        Person("hopper", still(200, 170, 44.0), roll=line(4, (0.0,), (360.0,))),
        Person("collins", still(450, 170, 44.0), roll=line(4, (0.0,), (-720.0,))),
    )
    yield Scene("spinning", "pose", (street(4, people),), effects=DAY)


def _framed() -> Iterator[Scene]:
    people = (
        Person("hopper", line(4, (0, 120, 60), (8, 160, 60))),
        Person("collins", line(4, (WIDE, 150, 50), (WIDE - 6, 110, 50))),
        Person("collins", line(4, (180, 4, 56), (420, 0, 56))),
        Person("hopper", line(4, (460, HIGH - 2, 64), (250, HIGH + 2, 64))),
    )
    yield Scene("half-out", "pose", (street(4, people),), effects=DAY)
    huge = (
        Person(
            "collins",
            line(4, (300, 190, 280), (360, 200, 330)),
            yaw=Keys(((0, 0), (2, 20), (4, -20))),
        ),
    )
    yield Scene("huge", "pose", (Shot(4, huge, backdrop="hall"),), effects=DAY)
    nearing = (
        Person("hopper", line(3, (200, 150, 18), (330, 200, 210))),
        Person("collins", line(3, (520, 190, 150), (600, 150, 20))),
    )
    yield Scene("nearing", "pose", (Shot(3, nearing, backdrop="hall"),), effects=DAY)


def _among_others() -> Iterator[Scene]:
    rng = np.random.default_rng(21)
    crowd = []
    for number in range(16):
        height = float(20 + 3 * (number % 9))
        start = float(rng.uniform(0.02, 0.98))
        end = min(1.0, max(0.0, start + float(rng.uniform(-0.35, 0.35))))
        crowd.append(crossing(number, height, 70 + 4.6 * height, 4, start=start, end=end))
    yield Scene("crowd", "many", (street(4, crowd),), effects=DAY)
    pairs = (
        Person("hopper", line(4, (120, 160, 36), (520, 160, 36))),
        Person("collins", line(4, (520, 166, 40), (120, 166, 40))),
        Person("collins", line(4, (80, 290, 34), (560, 290, 34)), is_mirrored=True),
        Person("hopper", line(4, (300, 292, 36), (340, 292, 36)), is_mirrored=True),
    )
    yield Scene("passing", "many", (street(4, pairs),), effects=DAY)
    posts = (Post(200, 40, 26, 320, 60.0), Post(420, 40, 40, 320, 60.0))
    yield Scene("behind-posts", "many", (Shot(4, passers(3.2), posts=posts),), effects=DAY)


def _behind_letters() -> Iterator[Scene]:
    mark = Caption("SAMPLE", 150, 190, 3.2, opacity=0.45)
    yield Scene("watermark", "letters", (street(4, passers(4)),), effects=(*DAY, mark))
    people: tuple[Person, ...] = (
        Person("hopper", line(4, (40, 60, 44), (600, 60, 44))),
        Person("collins", line(4, (610, 316, 40), (60, 316, 40)), is_mirrored=True),
        Person("collins", line(2, (30, 180, 36), (600, 180, 36)), enters=1),
    )
    clocks = (
        Caption("CAM 1 2026-03-14 09:26:%", 60, 62, 0.9),
        Caption("ENTRANCE NORTH", 140, 330, 1.1),
    )
    yield Scene("clock", "letters", (street(4, people),), effects=(*DAY, *clocks))
    bars = Letterbox(44)
    yield Scene("letterbox", "letters", (street(4, passers(4)),), effects=(*DAY, bars))
    pillars = Letterbox(0, 90)
    people = (*standing(4), portrait_walker())
    yield Scene("pillarbox", "letters", (street(4, people),), effects=(*DAY, pillars))


def portrait_walker() -> Person:
    """Return somebody who walks from one dark pillar to the other."""
    return Person(portrait(1), line(3.5, (60, 250, 40), (580, 250, 40)))
