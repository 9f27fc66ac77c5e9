"""``make golden``: the share of labelled faces covered, which tests/system/test_recall.py holds.

Measured by the chain that ``blurcam run`` runs, with the default profile, on the sample clips and
on labelled pictures where there are any. Names of some of them renew those alone.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks import footage
from benchmarks.judged import Evaluated, Footage
from benchmarks.recall import some_of

GOLDEN: Final = footage.ROOT / "tests" / "golden" / "recall.json"
# So many labelled pictures; the few are what `make test` has time for.
PICTURES: Final = {"few pictures": 13, "pictures": 40}
# Fewer faces than this say nothing to a point.
ENOUGH: Final = 100

Shares = dict[str, float]
"""Covered faces in per cent: of all, and of each range of heights with enough of them."""


def samples() -> dict[str, Footage]:
    """Return the sample clips with their truth."""
    truths = sorted(footage.SAMPLES.glob("*.json"))
    return {path.stem: Footage(path.stem, path.with_suffix(".mp4"), path) for path in truths}


def pictures(name: str, folder: Path) -> Footage | None:
    """Return labelled pictures, their labels written into ``folder``; ``None`` without data."""
    data = footage.data()
    if data is None:
        return None
    wider = data / "wider-dev"
    return Footage(name, wider, some_of(wider / "faces.csv", PICTURES[name], folder))


def shares(of: Footage, cache: Path) -> Shares:
    """Return the covered shares with the default profile, searched anew into ``cache``."""
    heights: dict[str, dict[str, int]] = Evaluated("default", ()).judge(of, cache)["by_height"]
    total = sum(each["faces"] for each in heights.values())
    covered = sum(each["covered"] for each in heights.values())
    found = {"all": 100 * covered / total}
    for name, each in heights.items():
        if each["faces"] >= ENOUGH:
            found[name] = 100 * each["covered"] / each["faces"]
    return {name: round(share, 2) for name, share in found.items()}


def main() -> None:
    """Measure, and write each golden number as soon as it is known."""
    asked = sys.argv[1:] or [*samples(), *PICTURES]
    golden: dict[str, Any] = {"command": "make golden"}
    if GOLDEN.exists():
        golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    GOLDEN.parent.mkdir(exist_ok=True)
    for name in asked:
        with tempfile.TemporaryDirectory(prefix="blurcam-golden-") as folder:
            chosen = pictures(name, Path(folder)) if name in PICTURES else samples()[name]
            if chosen is None:
                print("BLURCAM_EVAL_DATA is not set: the pictures' numbers stay as they are")
                continue
            golden[name] = shares(chosen, Path(folder))
        GOLDEN.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
        print(name, golden[name], flush=True)


if __name__ == "__main__":
    main()
