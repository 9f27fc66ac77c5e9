"""The usual OpenCV loop, with faces covered: python examples/opencv_loop.py IN OUT.avi."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam import Cover, redact_frames


def pictures(capture: cv2.VideoCapture) -> Iterator[NDArray[np.uint8]]:
    """Yield what the capture reads: a file, a camera's number, an address."""
    while True:
        is_read, picture = capture.read()
        if not is_read:
            return
        yield picture.astype(np.uint8, copy=False)


def main(source: str, target: str) -> int:
    """Redact all that ``source`` shows, and return how many pictures that was."""
    capture = cv2.VideoCapture(source)
    rate = capture.get(cv2.CAP_PROP_FPS) or 25
    writer: cv2.VideoWriter | None = None
    count = 0
    # What comes out is as many pictures, in order, 0.4 s of them later.
    for picture in redact_frames(pictures(capture), rate=rate, cover=Cover(lead=0.4, bridge=0.4)):
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(target, cv2.VideoWriter.fourcc(*"MJPG"), rate, size)
        writer.write(picture)
        count += 1
    if writer is not None:
        writer.release()
    capture.release()
    return count


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2]), "pictures")
