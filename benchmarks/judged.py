"""Everybody judged by one rule: what share of each true face lies under the mask.

blurcam and its detectors go through ``blurcam evaluate``; deface says where its masks are, and
these are laid over the same labels by the same code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.contenders import PEERS
from benchmarks.processes import Failed
from blurcam.assess.labels import Labels, read_labels
from blurcam.assess.measure import Measure
from blurcam.detect.detector import Detection
from blurcam.media.regions import Basis, Box, Coverage, Region
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source

Values = dict[str, Any]
"""The report of ``blurcam evaluate`` under its stable keys."""


@dataclass(frozen=True, slots=True)
class Footage:
    """Labelled pictures (a folder) or a labelled recording; without labels it shows no face."""

    name: str
    path: Path
    labels: Path | None

    @property
    def is_pictures(self) -> bool:
        """Whether these are pictures."""
        return self.path.is_dir()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """blurcam, with options of ``blurcam evaluate``."""

    name: str
    options: tuple[str, ...]
    models: Path | None = None

    def judge(self, footage: Footage, cache: Path) -> Values:
        """Return what it covers; searches are kept in ``cache``, a new one for each bench.

        What is kept is known by its settings, not by the code that found it.
        """
        with tempfile.TemporaryDirectory(prefix="blurcam-recall-") as folder:
            report = Path(folder) / "report.json"
            labels = ["--labels", str(footage.labels)] if footage.labels else ["--no-faces"]
            _run(
                [sys.executable, "-m", "blurcam", "evaluate", str(footage.path), *labels,
                 *self.options, "--json", str(report)],
                environment=self._environment(cache),
            )  # fmt: skip
            said: Values = json.loads(report.read_text(encoding="utf-8"))
            return said

    def _environment(self, cache: Path) -> dict[str, str]:
        models = {} if self.models is None else {"BLURCAM_MODELS": str(self.models)}
        return os.environ | {"XDG_CACHE_HOME": str(cache)} | models


@dataclass(frozen=True, slots=True)
class Deface:
    """deface 1.5.0 at its defaults, in the peers' environment."""

    name: str
    backend: str

    def judge(self, footage: Footage, cache: Path) -> Values:
        """Return what its masks cover, under the keys of ``blurcam evaluate``."""
        del cache
        labels = read_labels(footage.labels) if footage.labels else Labels(Path(), {}, {})
        if footage.is_pictures:
            return self._pictures(footage, labels)
        return self._recording(footage, labels)

    def _pictures(self, footage: Footage, labels: Labels) -> Values:
        paths = [str(footage.path / name) for name in labels.pictures]
        lines = self._lines([], "\n".join(paths))
        measure = Measure()
        for line in lines:
            faces = labels.pictures[line["name"]]
            size = (line["width"], line["height"])
            measure.add(faces, _coverage(line), _detections(line), size, where=line["name"])
        return _values(measure, lines) | {
            "exposed_face_frames": len(measure.exposed),
            "false_per_picture": round(measure.false_per_frame, 4),
        }

    def _recording(self, footage: Footage, labels: Labels) -> Values:
        """Judge what is shown at the time of each labelled frame: deface makes rates constant."""
        first, *lines = self._lines([str(footage.path)], "")
        with open_source(footage.path, FrameCounts()) as source:
            times = [float(frame.time) for frame in source.frames()]
        labelled = sorted(labels.frames) if labels.frames else list(range(len(times)))
        steps = [times[b] - times[a] for a, b in pairwise(labelled)]
        steps.append(steps[-1] if steps else 0.0)
        measure = Measure()
        for seq, step in zip(labelled, steps, strict=True):
            shown = round((times[seq] - times[0]) * first["rate"])
            line = lines[min(shown, len(lines) - 1)]
            measure.add(
                labels.frames.get(seq, ()), _coverage(line), _detections(line),
                (line["width"], line["height"]), where=str(seq), time=times[seq], step=step,
            )  # fmt: skip
        per_minute = measure.false / (measure.seconds / 60 or 1)
        return (
            _values(measure, lines)
            | measure.video()
            | {"false_per_minute": round(per_minute, 2), "searched_share": 1.0}
        )

    def _lines(self, arguments: Sequence[str], given: str) -> list[Values]:
        script = Path(__file__).parent / "peers" / "deface_boxes.py"
        said = _run([str(PEERS), str(script), self.backend, *arguments], given=given)
        return [json.loads(line) for line in said.splitlines()]


def _run(
    command: Sequence[str], *, given: str = "", environment: dict[str, str] | None = None
) -> str:
    """Return what a command prints; raises Failed with the last line that it complained in."""
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        complaint = (done.stderr.strip().splitlines() or [""])[-1]
        raise Failed(f"{Path(command[0]).name} ended with {done.returncode}: {complaint}")
    return done.stdout


def _coverage(line: Values) -> Coverage:
    boxes = (Box(*mask) for mask in line["masks"] if mask[0] < mask[2] and mask[1] < mask[3])
    return Coverage(0, tuple(Region(box, Basis.DETECTED) for box in boxes))


def _detections(line: Values) -> list[Detection]:
    return [
        Detection(Box(*found[:4]), found[4])
        for found in line["found"]
        if found[0] < found[2] and found[1] < found[3]
    ]


def _values(measure: Measure, lines: list[Values]) -> Values:
    return {
        "faces": measure.faces,
        "by_height": measure.by_height(),
        "over_cover": round(measure.over_cover, 6),
        "seconds_per_frame": round(sum(line["seconds"] for line in lines) / len(lines), 4),
    }
