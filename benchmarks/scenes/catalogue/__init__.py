"""All drawn scenes, by name."""

from __future__ import annotations

from typing import Final

from benchmarks.scenes.catalogue import footage, light, motion, poses, storage, times
from benchmarks.scenes.values import Scene

SCENES: Final[dict[str, Scene]] = {
    scene.name: scene
    for module in (light, motion, poses, times, storage, footage)
    for scene in module.scenes()
}

# One for each way in which a loop goes wrong: what `make test` has time for.
SHORT: Final = ("night", "pan-400", "fast-20", "pop-3", "rate-5", "dense")
