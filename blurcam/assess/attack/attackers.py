"""The classifiers that try to name people; the only importer of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from blurcam.assess.attack.significance import NamedSplit
from blurcam.errors import ConfigError

try:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from threadpoolctl import threadpool_limits
except ImportError as exc:
    raise ConfigError("attack: needs scikit-learn; install blurcam[attack]") from exc

SPLITS: Final = 5


def _eigenfaces(count: int) -> Any:
    return PCA(min(100, count - 1), random_state=0)


ATTACKERS: Final[dict[str, Callable[[int], Any]]] = {
    "1-NN": lambda count: make_pipeline(
        StandardScaler(), _eigenfaces(count), KNeighborsClassifier(1)
    ),
    "PCA+LDA": lambda count: make_pipeline(
        StandardScaler(), _eigenfaces(count),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    ),
    "linear SVM": lambda count: make_pipeline(StandardScaler(), SVC(kernel="linear")),
}  # fmt: skip
"""Each attacker, made for a number of pictures to learn from."""


def named(
    make: Callable[[int], Any],
    learnt: NDArray[np.float32],
    seen: NDArray[np.float32],
    who: Sequence[int],
) -> list[NamedSplit]:
    """Return who is named, for each of five fixed splits.

    Row ``i`` of ``learnt`` and of ``seen`` shows person ``who[i]``. Half of everybody's pictures
    is learnt from, and the other half named.
    """
    people = np.array(who)
    # Matrices of a few hundred rows: more threads than one wait for each other, at twice the CPU.
    with threadpool_limits(1):
        return [_named(make, learnt, seen, people, split) for split in range(SPLITS)]


def _named(
    make: Callable[[int], Any],
    learnt: NDArray[np.float32],
    seen: NDArray[np.float32],
    people: NDArray[np.int_],
    split: int,
) -> NamedSplit:
    rng = np.random.default_rng((13, split))
    train: list[int] = []
    test: list[int] = []
    for person in np.unique(people):
        own = rng.permutation(np.nonzero(people == person)[0])
        train += list(own[: len(own) // 2])
        test += list(own[len(own) // 2 :])
    model = make(len(train)).fit(learnt[train], people[train])
    return NamedSplit(people[test], np.asarray(model.predict(seen[test])))
