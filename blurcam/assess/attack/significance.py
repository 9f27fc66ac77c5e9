"""What an attacker who guesses would score: a permutation of the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# The share of sets of pictures in which an effect that carries nothing is accused, at most.
ACCUSED: Final = 0.01
# Number of permutations of each split.
_PERMUTATIONS: Final = 400

Names = NDArray[np.int_]


@dataclass(frozen=True, slots=True, eq=False)
class NamedSplit:
    """One split: who is on the pictures that were to be named, and who was named."""

    who: Names
    named: Names

    @property
    def rate(self) -> float:
        """The share that was named rightly."""
        return float((self.who == self.named).mean())


def guessing_limit(attacks: Sequence[Sequence[NamedSplit]]) -> float:
    """Return the rate that the best of all attackers stays under by guessing, in 99 % of sets.

    ``attacks`` has the splits of each attacker, the same splits for all. Where the redacted
    pictures say nothing of the names, the names of the pictures that were to be named can be
    exchanged: each permutation gives the best of the attackers by chance. (Permutation test with
    the maximum statistic, Westfall and Young, 1993.)

    The permutations are of single splits, and their rates vary more than the mean over the splits
    that they judge: the limit errs on the side of the effect.
    """
    drawn = np.random.default_rng(17)
    best: list[NDArray[np.float64]] = []
    for split in range(len(attacks[0])):
        who = attacks[0][split].who
        named = np.stack([splits[split].named for splits in attacks])
        order = drawn.permuted(np.tile(who, (_PERMUTATIONS, 1)), axis=1)
        best.append((order[:, None, :] == named[None]).mean(2).max(1))
    return float(np.quantile(np.concatenate(best), 1 - ACCUSED, method="higher"))
