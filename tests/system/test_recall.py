"""Recall does not drop: covered faces against the golden numbers, in percentage points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from benchmarks import golden

_POINT: Final = 1.0
KNOWN: Final[dict[str, dict[str, float]]] = json.loads(golden.GOLDEN.read_text(encoding="utf-8"))


def known(name: str) -> dict[str, float]:
    if name not in KNOWN:
        pytest.skip(f"there is no golden number of {name} yet; run: make golden")
    return KNOWN[name]


def refuse_drop(found: dict[str, float], before: dict[str, float]) -> None:
    assert set(found) == set(before), "other faces than the golden ones; run: make golden"
    dropped = {
        height: (share, before[height])
        for height, share in found.items()
        if share < before[height] - _POINT
    }
    assert not dropped, f"covered now and before, in per cent: {dropped}"


@pytest.mark.parametrize("name", golden.samples())
def test_as_many_faces_of_the_samples_are_covered_as_ever(name: str, tmp_path: Path) -> None:
    before = known(name)
    refuse_drop(golden.shares(golden.samples()[name], tmp_path), before)


@pytest.mark.parametrize("name", ["few pictures", pytest.param("pictures", marks=pytest.mark.slow)])
def test_as_many_faces_in_pictures_are_covered_as_ever(name: str, tmp_path: Path) -> None:
    chosen = golden.pictures(name, tmp_path)
    if chosen is None:
        pytest.skip("BLURCAM_EVAL_DATA is not set: no labelled pictures")
    before = known(name)
    refuse_drop(golden.shares(chosen, tmp_path), before)


def test_a_drop_by_more_than_a_point_is_refused() -> None:
    with pytest.raises(AssertionError, match="16-24"):
        refuse_drop({"all": 90.0, "16-24": 88.9}, {"all": 90.9, "16-24": 90.0})
    refuse_drop({"all": 95.0}, {"all": 90.0})
