"""When an attacker does better than one who guesses: a matter of people, pictures and luck."""

from __future__ import annotations

import numpy as np
import pytest

from blurcam.assess.attack.attackers import ATTACKERS, named
from blurcam.assess.attack.significance import NamedSplit, guessing_limit
from blurcam.assess.attack.trial import AttackRate, AttackReport


def attacked(people: int, pictures: int, told: float, seed: int) -> tuple[float, float]:
    """Return the best rate and the limit; ``told`` is how much the pictures say of the names."""
    drawn = np.random.default_rng(seed)
    who = [person for person in range(people) for _ in range(pictures)]
    own = drawn.normal(0, told / 3, (people, 120))
    splits = []
    for _ in range(2):  # ways to look at the same pictures
        seen = (own[who] + drawn.normal(0, 1, (len(who), 120))).astype(np.float32)
        splits += [named(make, seen, seen, who) for make in ATTACKERS.values()]
    best = max(float(np.mean([split.rate for split in each])) for each in splits)
    return best, guessing_limit(splits)


@pytest.mark.parametrize(("people", "pictures"), [(15, 11), (10, 6)])
def test_pictures_that_say_nothing_are_not_accused(people: int, pictures: int) -> None:
    outcomes = [attacked(people, pictures, 0.0, seed) for seed in range(4)]
    assert [best <= limit for best, limit in outcomes] == [True] * 4
    assert any(best > 1 / people + 0.02 for best, _ in outcomes)  # a fixed leeway accused them


@pytest.mark.parametrize(("people", "pictures"), [(15, 11), (10, 6), (40, 10)])
def test_pictures_that_say_who_it_is_are_accused(people: int, pictures: int) -> None:
    best, limit = attacked(people, pictures, 1.0, 1)
    assert best > limit


def test_more_pictures_bring_the_limit_nearer_to_chance() -> None:
    few, many = (attacked(10, pictures, 0.0, 3)[1] for pictures in (6, 30))
    assert 0.1 < many < few


def test_too_few_people_can_not_be_told() -> None:
    who = np.array([0, 0, 1, 1])
    limit = guessing_limit([[NamedSplit(who, who)] * 5])
    report = AttackReport("solid", 2, 8, limit, (AttackRate("one frame", "1-NN", 0.5),))
    assert (report.can_tell, report.holds) == (False, False)
    assert report.verdict == "too few people and pictures to tell"
