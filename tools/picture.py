"""Makes docs/before-after.jpg from the street sample: one frame, before and after."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from blurcam import Config, run

ROOT = Path(__file__).parent.parent
SECOND = 6.0
ROWS, COLUMNS = slice(340, 1060), slice(420, 1380)


def frame_at(path: Path, second: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the picture shown at a time, ``(rows, columns, 3)`` B, G, R."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= second:
                return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    raise SystemExit(f"{path}: ends before {second} s")


def main() -> None:
    """Redact the sample and write the two frames, side by side."""
    before = ROOT / "sample_videos" / "street.mp4"
    with tempfile.TemporaryDirectory() as folder:
        after = Path(folder) / "after.mp4"
        run(Config(before, after))
        pair = [frame_at(path, SECOND) for path in (before, after)]
    picture = np.hstack([each[ROWS, COLUMNS] for each in pair])
    small = cv2.resize(picture, None, fx=2 / 3, fy=2 / 3, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(ROOT / "docs" / "before-after.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
