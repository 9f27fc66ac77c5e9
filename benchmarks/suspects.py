"""Whether a smaller network could look first, and CenterFace only where it suspects a face.

``python -m benchmarks.suspects`` (needs ``blurcam models pull yunet``): on every fourth frame of
the moving street, whole, what YuNet costs beside CenterFace, how many of the places that CenterFace
calls a face it suspects from which confidence on, and how many places it suspects in all: each
would then cost a second search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from benchmarks import footage
from blurcam.detect.detector import Detection, Detector
from blurcam.detect.detectors.centerface import open_centerface
from blurcam.detect.detectors.yunet import open_yunet
from blurcam.detect.views import Viewpoint
from blurcam.media.frames import Frame
from blurcam.models.load import load
from blurcam.runtime.counts import FrameCounts
from blurcam.sources.recording import open_source

_EVERY = 4
_COUNTS = 0.25
_SUSPECTED = (0.02, 0.05, 0.08, 0.12, 0.2)
_SCALES = (0.7, 1.0)


def spent(work: Callable[[], Sequence[Detection]]) -> tuple[Sequence[Detection], float]:
    """Return what some work found, and the CPU seconds that it took."""
    began = time.process_time()
    return work(), time.process_time() - began


def look(detector: Detector, frame: Frame, scale: float) -> Callable[[], Sequence[Detection]]:
    """Return the work of looking at all of a frame once."""
    return lambda: detector.start([Viewpoint().view(frame, scale)]).wait(60)


def is_there(face: Detection, suspect: Detection) -> bool:
    """Whether a suspicion is of that face: its middle is on it, or just beside."""
    (x, y), box = suspect.box.centre, face.box.grown(1.2)
    return box.x0 <= x < box.x1 and box.y0 <= y < box.y1


def main() -> None:
    """Print for each scale and confidence what is lost, and the places suspected in a frame."""
    street = footage.recording("towncentre.mp4")
    if street is None:
        raise SystemExit("set BLURCAM_EVAL_DATA: the street is not here")
    close, first = open_centerface(load("centerface")), open_yunet(load("yunet"), threshold=0.02)
    cost = dict.fromkeys(_SCALES, 0.0)
    reference = 0.0
    frames = known = 0
    suspected = {(scale, least): [0, 0] for scale in _SCALES for least in _SUSPECTED}
    with open_source(street, FrameCounts()) as source, closing(close), closing(first):
        for frame in source.frames():
            if frame.seq % _EVERY:
                continue
            frames += 1
            found, seconds = spent(look(close, frame, 1.0))
            faces = [each for each in found if each.confidence >= _COUNTS]
            reference += seconds
            known += len(faces)
            for scale in _SCALES:
                found, seconds = spent(look(first, frame, scale))
                cost[scale] += seconds
                for least in _SUSPECTED:
                    sure = [each for each in found if each.confidence >= least]
                    seen = sum(any(is_there(face, each) for each in sure) for face in faces)
                    suspected[scale, least][0] += len(faces) - seen
                    suspected[scale, least][1] += len(sure)
    for scale in _SCALES:
        print(f"yunet at {scale:g}: {cost[scale] / reference:.2f} of the CPU of centerface at 1")
        for least in _SUSPECTED:
            lost, places = suspected[scale, least]
            print(f"  from {least:g}: {lost} of {known} faces lost, {places / frames:.0f} places")


if __name__ == "__main__":
    main()
