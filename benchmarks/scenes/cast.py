"""The people of the sample videos, with heads that turn as heads do."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Final

import cv2
import numpy as np
from people import Edges, Figure, everyone

from benchmarks.scenes.values import Portrait

# A head with its hair is so much wider than the face from cheek to cheek.
_HEAD: Final = 1.3
# Heads are turned in steps of so many degrees: each step is drawn once.
_STEP: Final = 5


@cache
def _cast() -> dict[str, Figure]:
    return everyone()


@lru_cache(maxsize=256)
def figure(portrait: Portrait, yaw: int, halvings: int, *, is_mirrored: bool) -> Figure:
    """Return somebody (BGRA, and where the face is), made smaller by half so many times."""
    if halvings:
        whole = figure(portrait, yaw, halvings - 1, is_mirrored=is_mirrored)
        size = (whole.picture.shape[1] // 2, whole.picture.shape[0] // 2)
        half = cv2.resize(whole.picture, size, interpolation=cv2.INTER_AREA)
        sx, sy = size[0] / whole.picture.shape[1], size[1] / whole.picture.shape[0]
        x0, y0, x1, y1 = whole.face
        return Figure(np.asarray(half, np.uint8), (x0 * sx, y0 * sy, x1 * sx, y1 * sy))
    made = _turned(_cast()[portrait], yaw)
    if not is_mirrored:
        return made
    wide = made.picture.shape[1]
    x0, y0, x1, y1 = made.face
    picture = np.ascontiguousarray(made.picture[:, ::-1])
    return Figure(picture, (wide - x1, y0, wide - x0, y1))


def nearest_yaw(degrees: float) -> int:
    """Return the turn of the head, of those that are drawn, that comes nearest."""
    return _STEP * round(degrees / _STEP)


def _turned(person: Figure, yaw: int) -> Figure:
    """Turn the head about its own axis: the portrait lies on a cylinder as wide as the head."""
    if yaw == 0:
        return person
    x0, y0, x1, y1 = person.face
    middle, radius = (x0 + x1) / 2, (x1 - x0) / 2 * _HEAD
    high, wide = person.picture.shape[:2]
    chin = min(high, round(y1 + 0.08 * (y1 - y0)))
    columns = np.arange(wide, dtype=np.float64)
    across = (columns - middle) / radius
    angle = np.degrees(np.arcsin(np.clip(across, -1, 1))) - yaw
    source = middle + radius * np.sin(np.radians(np.clip(angle, -75, 75)))
    source = np.where(np.abs(across) <= 1, source, columns)
    map_x = np.repeat(source[None].astype(np.float32), chin, axis=0)
    map_y = np.repeat(np.arange(chin, dtype=np.float32)[:, None], wide, axis=1)
    moved = cv2.remap(person.picture[:chin], map_x, map_y, cv2.INTER_LINEAR)
    # The outline stays, and what turns into view behind it is hair.
    opaque = person.picture[: round(y0)][person.picture[: round(y0), :, 3] > 127]
    moved[moved[..., 3] < 200] = np.median(opaque, axis=0)
    picture = person.picture.copy()
    picture[:chin, :, :3] = moved[..., :3]
    return Figure(picture, (*_sides(middle, radius, yaw, y0, y1),))


def _sides(middle: float, radius: float, yaw: int, top: float, bottom: float) -> Edges:
    """Return where a turned face is: its cheeks, as far as they are on this side of the head."""
    cheek = math.degrees(math.asin(1 / _HEAD))
    left, right = (
        middle + radius * math.sin(math.radians(max(-90.0, min(90.0, side + yaw))))
        for side in (-cheek, cheek)
    )
    return left, top, right, bottom
