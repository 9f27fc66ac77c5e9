"""What the detector says when it is asked about every frame, kept with the scene.

It depends on the detector and on the scene, not on the frame loop, and takes longer than the run
that is judged by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from benchmarks.scenes import ROOT
from benchmarks.scenes.running import EVERY_FRAME


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that searched every frame: the faces it exposed, what it changed, and its CPU seconds.

    Faces are given by their numbers in the truth: for these the detector is blind.
    """

    unseen: frozenset[int]
    changed: float
    cpu: float


def kept(folder: Path, options: tuple[str, ...], ask: Callable[[], Asked], *, anew: bool) -> Asked:
    """Return what is kept in a scene's folder, from an earlier run with the same detector."""
    key = hashlib.sha256(_detector() + repr((options, EVERY_FRAME)).encode()).hexdigest()[:12]
    path = folder / f"asked-{key}.json"
    if path.exists() and not anew:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Asked(frozenset(values.pop("unseen")), **values)
    found = ask()
    values = asdict(found) | {"unseen": sorted(found.unseen)}
    path.write_text(json.dumps(values) + "\n", encoding="utf-8")
    return found


@cache
def _detector() -> bytes:
    """Return a digest of the detectors and of their models."""
    paths = sorted((ROOT / "blurcam" / "detect" / "detectors").glob("*.py"))
    paths += [ROOT / "blurcam" / "detect" / "profiles.py", *sorted(ROOT.glob("models/*.onnx"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).digest()
