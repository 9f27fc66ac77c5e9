"""The classifiers that try to name people; the only importer of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from blurcam.assess.attack.significance import NamedSplit
from blurcam.errors import ConfigError

if find_spec("sklearn") is None:
    raise ConfigError("attack: needs scikit-learn; install blurcam[attack]")

SPLITS: Final = 5


def _scaled(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), *steps)


def _eigenfaces(count: int) -> Any:
    from sklearn.decomposition import PCA

    return PCA(min(100, count - 1), random_state=0)


def _nearest(count: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return _scaled(_eigenfaces(count), KNeighborsClassifier(1))


def _discriminant(count: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return _scaled(_eigenfaces(count), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def _vectors(count: int) -> Any:
    del count
    from sklearn.svm import SVC

    return _scaled(SVC(kernel="linear"))


ATTACKERS: Final[dict[str, Callable[[int], Any]]] = {
    "1-NN": _nearest,
    "PCA+LDA": _discriminant,
    "linear SVM": _vectors,
}
"""The maker of each attacker, which gets the number of pictures to learn from."""


def named(
    make: Callable[[int], Any],
    learnt: NDArray[np.float32],
    seen: NDArray[np.float32],
    who: Sequence[int],
) -> list[NamedSplit]:
    """Return the names given in each of five fixed splits.

    Row ``i`` of ``learnt`` and of ``seen`` shows person ``who[i]``. The attacker learns from half
    of each person's pictures, and names the other half.
    """
    from threadpoolctl import threadpool_limits

    people = np.array(who)
    # On matrices of a few hundred rows several threads wait for each other, and take twice the CPU.
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
