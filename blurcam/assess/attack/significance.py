"""The significance of an attack: what guessing would score, by permutations of the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# An effect that carries nothing is accused in at most this share of sets of pictures.
ACCUSED: Final = 0.01
# Number of permutations of each split.
_PERMUTATIONS: Final = 400

Names = NDArray[np.int_]


@dataclass(frozen=True, slots=True, eq=False)
class NamedSplit:
    """One split: the true names of the pictures, and the names that the attacker gave."""

    who: Names
    named: Names

    @property
    def rate(self) -> float:
        """The share of right names."""
        return float((self.who == self.named).mean())


def guessing_limit(attacks: Sequence[Sequence[NamedSplit]]) -> float:
    """Return the rate below which the best of all attackers stays by guessing, in 99 % of sets.

    ``attacks`` has the splits of each attacker, the same splits for all. If the redacted pictures
    carry nothing, their true names can be exchanged: each permutation gives the best rate by
    chance. (Permutation test with the maximum statistic, Westfall and Young, 1993.)

    The permutations are of single splits. Their rates vary more than the mean over the splits that
    they judge, so that the limit favours the effect.
    """
    drawn = np.random.default_rng(17)
    best: list[NDArray[np.float64]] = []
    for split in range(len(attacks[0])):
        who = attacks[0][split].who
        named = np.stack([splits[split].named for splits in attacks])
        order = drawn.permuted(np.tile(who, (_PERMUTATIONS, 1)), axis=1)
        best.append((order[:, None, :] == named[None]).mean(2).max(1))
    return float(np.quantile(np.concatenate(best), 1 - ACCUSED, method="higher"))
