"""How scenes are stored and cut: turned and mirrored, upside down, with cuts and dissolves."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.scenes.catalogue.parts import DAY, HIGH, WIDE, bystanders, moving, passers, street
from benchmarks.scenes.values import Person, Scene, Shot, Stored, line, still

_STORED: tuple[tuple[str, Stored], ...] = (
    ("turned-90", Stored(rotation=90)),
    ("turned-180", Stored(rotation=180)),
    ("mirrored", Stored(is_mirrored=True)),
    ("turned-180-mirrored", Stored(rotation=180, is_mirrored=True)),
    ("turned-90-mirrored", Stored(rotation=90, is_mirrored=True)),
    ("matroska-turned-180", Stored("mkv", rotation=180)),
)


def scenes() -> Iterator[Scene]:
    """Yield the scenes of this kind."""
    for name, stored in _STORED:
        yield Scene(
            name, "stored", (street(3, passers(4)),), effects=DAY, stored=stored, is_live=False
        )
    hung = moving(4, (WIDE, HIGH), passers(4), still(WIDE / 2, HIGH / 2, 1, 180))
    yield Scene("upside-down", "stored", (hung,), effects=DAY)
    yield from _edited()


def _edited() -> Iterator[Scene]:
    shots = []
    for number in range(7):
        people = bystanders(
            WIDE, 130 + 20 * (number % 3), seed=30 + number, y=120 + 15 * (number % 4)
        )
        shots.append(
            Shot((0.6, 0.32, 0.8, 0.4)[number % 4], people, backdrop=("street", "hall")[number % 2])
        )
    yield Scene("cuts", "edited", tuple(shots), effects=DAY)
    faces = [
        Person("hopper", line(1.6, (150, 160, 40), (250, 160, 40))),
        Person("collins", line(1.6, (460, 180, 52), (400, 180, 52))),
        Person("collins", line(1.6, (250, 200, 46), (330, 200, 46))),
    ]
    rooms = (
        Shot(1.6, tuple(faces[:2])),
        Shot(1.6, (faces[2],), backdrop="hall"),
        Shot(1.6, tuple(faces[1:])),
    )
    yield Scene("dissolves", "edited", rooms, effects=DAY, dissolve=0.5)
