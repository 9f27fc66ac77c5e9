"""Makes docs/guide/effects.jpg: every effect on portraits before light and dark ground."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from blurcam import redact_frames
from blurcam.settings.redaction import Cover, EffectName

ROOT = Path(__file__).parent.parent
EFFECTS: tuple[EffectName, ...] = ("blur", "solid", "mosaic", "gaussian", "pixelate")
GROUNDS = {"hopper.png": 225, "collins.png": 40}
SIDE, HEAD = 240, 30

Picture = NDArray[np.uint8]


def scene(portrait: Path, ground: int) -> Picture:
    """Return a portrait before even ground, square."""
    cut = cv2.imread(str(portrait), cv2.IMREAD_UNCHANGED)
    assert cut is not None
    height = SIDE * 5 // 6
    width = round(cut.shape[1] * height / cut.shape[0])
    small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    made = np.full((SIDE, SIDE, 3), ground, np.float32)
    x = (SIDE - width) // 2
    share = small[..., 3:] / 255 if small.shape[2] == 4 else np.float32(1)
    place = made[SIDE - height :, x : x + width]
    place[:] = place * (1 - share) + small[..., :3] * share
    return made.astype(np.uint8)


def redacted(picture: Picture, effect: EffectName) -> Picture:
    """Return the picture as ``blurcam`` covers it."""
    cover = Cover(lead=0, hold=0, bridge=0)
    *_, last = redact_frames([picture] * 3, rate=5, effect=effect, cover=cover)
    return last


def column(effect: EffectName) -> Picture:
    """Return an effect's name above its pictures."""
    head = np.full((HEAD, SIDE, 3), 255, np.uint8)
    cv2.putText(head, effect, (8, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    folder = ROOT / "sample_videos" / "portraits"
    scenes = [redacted(scene(folder / name, level), effect) for name, level in GROUNDS.items()]
    return np.vstack([head, *scenes])


def main() -> None:
    """Write the picture."""
    made = np.hstack([column(effect) for effect in EFFECTS])
    path = ROOT / "docs" / "guide" / "effects.jpg"
    cv2.imwrite(str(path), made, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
