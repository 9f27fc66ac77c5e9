"""The findings on labelled pictures, cached on disk by content and settings."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Final

from blurcam import __version__, detect
from blurcam.assess.labels import Labels
from blurcam.detect.detector import Answered, Detection, Detector
from blurcam.detect.profiles import passes_for
from blurcam.errors import ConfigError
from blurcam.media.frames import Frame
from blurcam.media.regions import Box
from blurcam.models.manifest import models
from blurcam.runs.perception import open_detector, searched
from blurcam.runtime.counts import FrameCounts
from blurcam.runtime.files import sha256_of
from blurcam.settings.evaluation import Evaluation
from blurcam.sources.recording import RecordingSource, open_source

# Findings are kept from this confidence on, so that any higher threshold can be tried without
# another search.
LOWEST: Final = 0.1


class PictureFindings:
    """The findings on each picture, cached on disk by content and settings."""

    def __init__(self, trial: Evaluation, labels: Labels) -> None:
        """Locate the labelled pictures; raises ConfigError for one that is missing."""
        folder = trial.input if trial.input.is_dir() else trial.input.parent
        self.paths = {name: folder / name for name in labels.pictures}
        for name, path in self.paths.items():
            if not path.is_file():
                row = labels.pictures[name][0].row if labels.pictures[name] else 0
                raise ConfigError(f"{labels.path}: row {row}: there is no picture {path}")
        lowest = min(LOWEST, trial.detect.threshold or LOWEST)
        self._detect = replace(trial.detect, threshold=lowest)
        self.seconds: dict[str, float] = {}
        self.detections: dict[str, tuple[Detection, ...]] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self._last = (0, 0)

    def search(self) -> Iterator[float]:
        """Search the pictures that are not cached; yield the progress."""
        # Pictures of one size come together: a network is prepared for each size of picture.
        order = sorted(self.paths, key=lambda name: _size(self.paths[name]))
        detector: Detector | None = None
        try:
            for number, name in enumerate(order):
                kept = _cache(self._key(name))
                if not self._recall(name, kept):
                    detector = detector or open_detector(self._detect)
                    self._see(name, detector)
                    self._keep(name, kept)
                yield (number + 1) / len(order)
        finally:
            if detector is not None:
                detector.close()

    def _see(self, name: str, detector: Detector) -> None:
        counts = FrameCounts()
        with open_source(self.paths[name], counts) as source:
            (frame,) = only_frame(source, self.paths[name])
            size = (frame.width, frame.height)
            for _ in range(1 if size == self._last else 2):  # the first of a size compiles
                started = time.perf_counter()
                ((_, finding),) = searched([frame], source.info, detector, self._detect)
                self.seconds[name] = time.perf_counter() - started
        if not isinstance(finding, Answered):
            raise ConfigError(f"{self.paths[name]}: could not be searched")
        self.detections[name] = finding.detections
        self.sizes[name] = self._last = size

    def _key(self, name: str) -> str:
        pinned = {each.name: each.sha256 for each in models().values()}
        settings = [sha256_of(self.paths[name]), asdict(self._detect), pinned, _code()]
        settings.append(repr(passes_for(self._detect, LOWEST, 1000, 1000)))
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def _keep(self, name: str, path: Path) -> None:
        boxes = [
            (d.box.x0, d.box.y0, d.box.x1, d.box.y1, d.confidence) for d in self.detections[name]
        ]
        with suppress(OSError):  # without a cache the next run searches again
            path.parent.mkdir(parents=True, exist_ok=True)
            content = {"size": self.sizes[name], "seconds": self.seconds[name], "boxes": boxes}
            path.write_text(json.dumps(content), encoding="utf-8")

    def _recall(self, name: str, path: Path) -> bool:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            boxes = tuple(Detection(Box(*map(int, b[:4])), float(b[4])) for b in kept["boxes"])
            self.sizes[name] = (int(kept["size"][0]), int(kept["size"][1]))
            self.seconds[name] = float(kept["seconds"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return False
        self.detections[name] = boxes
        return True


@cache
def _code() -> str:
    """Return a hash of the search's code: findings of another version are not used."""
    digest = hashlib.sha256(__version__.encode())
    for module in sorted(Path(detect.__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _size(path: Path) -> tuple[int, int]:
    counts = FrameCounts()
    with open_source(path, counts) as source:
        return source.info.width, source.info.height


def only_frame(source: RecordingSource, path: Path) -> list[Frame]:
    """Return the frame of a picture; raises ConfigError if there are several."""
    frames = list(source.frames())
    if len(frames) != 1:
        raise ConfigError(f"{path}: holds {len(frames)} pictures where one is labelled")
    return frames


def _cache(key: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "blurcam" / "evaluate" / key[:2] / f"{key}.json"
