"""How surely the network sees the faces of scenes if the frame is turned.

    python -m benchmarks.turned [SCENE …]

For each scene, by how many degrees each tenth frame was turned: the share of its faces to which one
pass at full scale gives a confidence of at least 0.25, and of at least 0.5.
"""

from __future__ import annotations

import sys
from contextlib import closing

from benchmarks.scenes.catalogue import SCENES
from benchmarks.scenes.making import made
from benchmarks.scenes.truth import by_frame
from blurcam.detect.turned import TURNS
from blurcam.detect.views import Viewpoint
from blurcam.media.regions import Box
from blurcam.runs.perception import open_detector
from blurcam.runtime.counts import FrameCounts
from blurcam.settings.redaction import Detect
from blurcam.sources.recording import open_source

EVERY = 10
LEAST = (0.25, 0.5)
SAME = 0.25


def main() -> None:
    """Print a line for each scene."""
    for name in sys.argv[1:] or ["lying", "rolled-135", "shake"]:
        turns = confidences(name).values()
        cells = [" / ".join(f"{share(each, least):.2f}" for least in LEAST) for each in turns]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def share(confidences: list[float], least: float) -> float:
    """Return the share of these that are at least so high."""
    return sum(each >= least for each in confidences) / max(1, len(confidences))


def confidences(name: str) -> dict[int, list[float]]:
    """Return the confidence in every face, 0 for none, by how the frame was turned."""
    scene = made(SCENES[name])
    faces = by_frame(scene.truth.faces)
    seen: dict[int, list[float]] = {turn: [] for turn in (0, *TURNS)}
    with (
        open_source(scene.video, FrameCounts()) as source,
        closing(open_detector(Detect())) as detector,
    ):
        for number, frame in enumerate(source.frames()):
            for turn in seen if number % EVERY == 0 else ():
                found = detector.start([Viewpoint().view(frame, turned=turn)]).wait(10)
                for _, face in faces.get(number, []):
                    box = Box(face.box.x0, face.box.y0, face.box.x1, face.box.y1)
                    alike = [each.confidence for each in found if each.box.iou(box) > SAME]
                    seen[turn].append(max(alike, default=0.0))
    return seen


if __name__ == "__main__":
    main()
