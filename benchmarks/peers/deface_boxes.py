"""Says where deface 1.5.0 would put its masks: run by the peers' Python, prints JSON lines.

Detector, threshold, scaling and clipping are deface's own, at its defaults; nothing is written but
boxes. A line for each picture: its name, width, height, ``boxes`` (x0, y0, x1, y1 of the ellipses)
and the seconds that searching and drawing took. A recording's lines are named by frame number,
after a first one that has its ``rate``, as deface reads it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import imageio
import imageio.v2
from deface.centerface import CenterFace
from deface.deface import anonymize_frame, scale_bb

THRESHOLD, MASK_SCALE = 0.2, 1.3


def main() -> None:
    """Search the pictures named on standard input, or the recording named as an argument."""
    backend = sys.argv[1]
    out = sys.stdout
    sys.stdout = sys.stderr  # deface prints what it runs on
    network = CenterFace(in_shape=None, backend=backend)
    if len(sys.argv) > 2:
        reader = imageio.get_reader(sys.argv[2])
        print(json.dumps({"rate": reader.get_meta_data()["fps"]}), file=out)
        pictures = ((str(number), picture) for number, picture in enumerate(reader.iter_data()))
    else:
        paths = [line.strip() for line in sys.stdin if line.strip()]
        pictures = ((Path(path).name, imageio.v2.imread(path)) for path in paths)
    last = None
    for name, picture in pictures:
        for _ in range(1 if picture.shape == last else 2):  # the first of a size sets up
            began = time.perf_counter()
            found, _ = network(picture, threshold=THRESHOLD)
            searched = time.perf_counter() - began
        last = picture.shape
        began = time.perf_counter()
        shown = picture.copy()
        anonymize_frame(found, shown, MASK_SCALE, "blur", True, False, None, 20)
        line = {
            "name": name,
            "width": picture.shape[1],
            "height": picture.shape[0],
            "masks": [_mask(face, picture.shape) for face in found],
            "found": [[int(v) for v in face[:4]] + [float(face[4])] for face in found],
            "seconds": searched + time.perf_counter() - began,
        }
        print(json.dumps(line), file=out, flush=True)


def _mask(face: Any, shape: tuple[int, ...]) -> list[int]:
    """Return the box of the ellipse that deface blurs: scaled and clipped as it does."""
    x0, y0, x1, y1 = scale_bb(*face[:4].astype(int), MASK_SCALE)
    x0, x1 = max(0, x0), min(shape[1] - 1, x1)
    y0, y1 = max(0, y0), min(shape[0] - 1, y1)
    return [int(x0), int(y0), int(x1), int(y1)]


if __name__ == "__main__":
    main()
