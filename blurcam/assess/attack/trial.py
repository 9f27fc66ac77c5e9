"""The trial of one effect: the program redacts scenes, and attackers name the people in them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from blurcam.api import run
from blurcam.assess.attack.attacker_views import VIEWS, AttackView, Shots, crop
from blurcam.assess.attack.attackers import ATTACKERS, named
from blurcam.assess.attack.faces import HEIGHT, MASK, WIDTH, People, jitter, scene
from blurcam.assess.attack.significance import NamedSplit, guessing_limit
from blurcam.errors import SourceReadError
from blurcam.media.regions import Region
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import sha256_of
from blurcam.settings.recording import Config
from blurcam.settings.redaction import EffectName
from blurcam.sources.recording import open_source
from blurcam.track.regions_file import Header

FRAMES: Final = 25
# If guessing gives half of the pictures the right name in one set of a hundred, there are too few.
_MOST_BY_CHANCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class AttackRate:
    """The rate of right names of one attacker with one view."""

    view: str
    attacker: str
    rate: float


@dataclass(frozen=True, slots=True)
class AttackReport:
    """The result of the attack on one effect; ``effect`` is "none" for clear faces.

    If every attacker guesses, 99 % of sets stay at or below ``limit``.
    """

    effect: str
    people: int
    pictures: int
    limit: float
    rates: tuple[AttackRate, ...]

    @property
    def chance(self) -> float:
        """The rate of right names by chance."""
        return 1 / self.people

    @property
    def can_tell(self) -> bool:
        """Whether there are enough people and pictures to tell an attacker from a guesser."""
        return self.limit < _MOST_BY_CHANCE

    @property
    def holds(self) -> bool:
        """Whether no attacker does better than by guessing, as far as that can be told."""
        return self.can_tell and all(each.rate <= self.limit for each in self.rates)

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        if not self.can_tell:
            return "too few people and pictures to tell"
        return "no better than chance" if self.holds else "people can be named"

    def values(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self) | {
            "chance": self.chance,
            "holds": self.holds,
            "verdict": self.verdict,
        }

    def lines(self) -> Iterator[str]:
        """Yield it as a table for people, in percent."""
        names = list(ATTACKERS)
        yield f"{self.effect}: right name in % of pictures, {self.people} people, " + (
            f"chance {100 * self.chance:.1f}, by guessing up to {100 * self.limit:.1f}"
        )
        yield f"{'the attacker sees':36}" + "".join(f"{name:>12}" for name in names)
        for view in dict.fromkeys(each.view for each in self.rates):
            row = {each.attacker: each.rate for each in self.rates if each.view == view}
            yield f"{view:36}" + "".join(f"{100 * row[name]:12.1f}" for name in names)


Redactor = Callable[[Path, Path, int], None]
"""Redacts a recording into another file: the input, the output, the number of frames."""


def attack(people: People, effect: EffectName, *, frames: int = FRAMES) -> AttackReport:
    """Redact scenes of all people with an effect, and run every attacker on them."""
    return attack_on(people, effect, _by_blurcam(effect, (MASK,), frames), frames=frames)


def attack_on(
    people: People, effect: str, redactor: Redactor, *, frames: int = FRAMES
) -> AttackReport:
    """Attack the output of ``redactor`` for the scenes; ``effect`` is its name."""
    # An attacker with only clear faces learns from one frame of each picture.
    clear = list(_through(people, _by_blurcam("blur", (), 1), 1))
    hidden = list(_through(people, redactor, frames))
    named_by: dict[tuple[str, str], list[NamedSplit]] = {}
    for view in VIEWS:
        learnt, seen = _features(view, clear, hidden)
        for name, make in ATTACKERS.items():
            named_by[view.name, name] = named(make, learnt, seen, people.who)
    rates = tuple(
        AttackRate(view, name, float(np.mean([split.rate for split in splits])))
        for (view, name), splits in named_by.items()
    )
    limit = guessing_limit(list(named_by.values()))
    return AttackReport(effect, people.count, len(people.pictures), limit, rates)


def _features(view: AttackView, clear: list[Shots], hidden: list[Shots]) -> tuple[Any, Any]:
    """Return the features to learn from, and those to name."""
    seen = _seen(view, hidden)
    return (_seen(view, clear) if view.trains_on_clear else seen), seen


def _seen(view: AttackView, shots: list[Shots]) -> Any:
    return np.stack(
        [view.see(each, jitter(number, len(each))) for number, each in enumerate(shots)]
    )


def _by_blurcam(effect: EffectName, regions: tuple[Region, ...], frames: int) -> Redactor:
    """Return blurcam, told where to cover every frame: in each scene another track."""

    def redact(given: Path, output: Path, count: int) -> None:
        table = given.with_name("regions.jsonl")
        _write_regions(table, given, count, regions, frames)
        run(Config(given, output, effect=effect, render_from=table))

    return redact


def _through(people: People, redactor: Redactor, frames: int) -> Iterator[Shots]:
    """Yield the crops of each picture's frames as they come out of the program and its encoder."""
    with tempfile.TemporaryDirectory(prefix="blurcam-attack-") as name:
        folder = Path(name)
        for person in range(people.count):
            own = [n for n, who in enumerate(people.who) if who == person]
            given, output = folder / "given.y4m", folder / "redacted.mkv"
            with given.open("wb") as file:
                file.write(b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 Cmono\n" % (WIDTH, HEIGHT))
                for shot in own:
                    for frame in scene(people.pictures[shot], shot, frames):
                        file.write(b"FRAME\n" + frame.tobytes())
            redactor(given, output, len(own) * frames)
            yield from _read(output, len(own), frames)
            output.unlink()


def _write_regions(
    path: Path, given: Path, count: int, regions: tuple[Region, ...], frames: int
) -> None:
    """Have every frame covered in the same place.

    A fill follows its track. Scenes of one person lie behind one another here; as one track, what
    surrounds a face in one scene would show a little in the next, and tell that they are a pair.
    """
    header = Header(sha256_of(given), WIDTH, HEIGHT, count, {}, "")
    box = [
        {"id": n, "x0": each.box.x0, "y0": each.box.y0, "x1": each.box.x1, "y1": each.box.y1}
        for n, each in enumerate(regions)
    ]
    with path.open("w", encoding="utf-8") as file:
        file.write(header.to_json() + "\n")
        for seq in range(count):
            own = [each | {"track": seq // frames} for each in box]
            file.write(json.dumps({"seq": seq, "regions": own}) + "\n")


def _read(path: Path, pictures: int, frames: int) -> Iterator[Shots]:
    with closing(open_source(path, FrameCounts())) as source:
        crops = [crop(frame.planes[0]) for frame in source.frames()]
    if len(crops) != pictures * frames:
        raise SourceReadError(f"{path}: {len(crops)} frames where {pictures * frames} were written")
    for start in range(0, len(crops), frames):
        yield np.stack(crops[start : start + frames])
