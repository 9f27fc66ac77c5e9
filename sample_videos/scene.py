"""Fixed backgrounds, and what people walk behind: all drawn, from fixed seeds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def _grain(
    rng: np.random.Generator, high: int, wide: int, sizes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return noise on several scales, ``(rows, columns, 1)`` around 0."""
    total = np.zeros((high, wide), np.float32)
    for size in sizes:
        coarse = rng.normal(0, 1, (high // size + 2, wide // size + 2)).astype(np.float32)
        total += cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)
    return total[..., None]


def _pixels(values: NDArray[np.float32]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _bricks(rng: np.random.Generator, high: int, wide: int, row: int) -> Picture:
    wall = np.full((high, wide, 3), (118, 126, 134), np.float32)
    for number, y in enumerate(range(0, high, row)):
        for x in range(-(number % 2) * row, wide, 2 * row):
            tone = rng.normal(0, 9)
            colour = (74 + tone, 86 + tone, 128 + 1.4 * tone)
            cv2.rectangle(wall, (x + 1, y + 1), (x + 2 * row - 2, y + row - 2), colour, -1)
    return _pixels(wall + 5 * _grain(rng, high, wide, (2, 9)))


def _paving(rng: np.random.Generator, high: int, wide: int, row: int) -> Picture:
    ground = np.full((high, wide, 3), (126, 130, 132), np.float32)
    y, step = 0.0, float(row)
    while y < high:
        cv2.line(ground, (0, int(y)), (wide, int(y)), (98, 102, 104), 2)
        y, step = y + step, step * 1.16
    for x in range(-wide, 2 * wide, row * 4):
        cv2.line(ground, (wide // 2 + (x - wide // 2) // 2, 0), (x, high), (98, 102, 104), 2)
    return _pixels(ground + 6 * _grain(rng, high, wide, (2, 23)))


def street(wide: int, high: int) -> Picture:
    """Return a brick house with windows and a door, and the pavement before it."""
    rng = np.random.default_rng(1)
    edge = high * 11 // 24
    wall, ground = _bricks(rng, edge, wide, 18), _paving(rng, high - edge, wide, 26)
    for x in range(wide // 12, wide, wide // 5):
        cv2.rectangle(wall, (x, edge // 6), (x + wide // 12, edge // 2), (196, 200, 204), -1)
        cv2.rectangle(
            wall, (x + 6, edge // 6 + 6), (x + wide // 12 - 6, edge // 2 - 6), (66, 58, 48), -1
        )
        cv2.line(wall, (x + wide // 24, edge // 6), (x + wide // 24, edge // 2), (196, 200, 204), 5)
    door = wide * 7 // 10
    cv2.rectangle(wall, (door, edge // 3), (door + wide // 16, edge), (50, 74, 40), -1)
    cv2.circle(wall, (door + 12, edge * 2 // 3), 5, (60, 170, 200), -1)
    return _lit(np.vstack((wall, ground)))


def hall(wide: int, high: int) -> Picture:
    """Return an entrance hall: a plain wall with a picture frame, a plant and a mat."""
    rng = np.random.default_rng(2)
    edge = high * 3 // 4
    wall = np.full((edge, wide, 3), (176, 190, 198), np.float32) + 4 * _grain(
        rng, edge, wide, (3, 60)
    )
    wall = np.clip(wall, 0, 255).astype(np.uint8)
    cv2.rectangle(wall, (wide // 12, edge // 5), (wide // 4, edge // 2), (60, 90, 120), -1)
    cv2.rectangle(
        wall, (wide // 12 + 8, edge // 5 + 8), (wide // 4 - 8, edge // 2 - 8), (190, 170, 110), -1
    )
    for _ in range(60):
        x, y = wide * 9 // 10 + int(rng.normal(0, 26)), edge * 3 // 5 + int(rng.normal(0, 60))
        axes = (int(rng.integers(4, 9)), int(rng.integers(16, 34)))
        cv2.ellipse(
            wall,
            (x, y),
            axes,
            float(rng.uniform(0, 180)),
            0,
            360,
            (50, int(rng.integers(80, 140)), 60),
            -1,
        )
    return _lit(np.vstack((np.asarray(wall, np.uint8), _paving(rng, high - edge, wide, 40))))


def _lit(scene: Picture) -> Picture:
    """Let the light fall off to one side, as from one lamp or a low sun."""
    high, wide = scene.shape[:2]
    light = (
        np.linspace(1.08, 0.82, wide)[None, :, None] * np.linspace(1.04, 0.94, high)[:, None, None]
    )
    return np.clip(scene * light, 0, 255).astype(np.uint8)


def pole(high: int, wide: int) -> Picture:
    """Return a lamp post, BGRA, that people pass behind."""
    post = np.zeros((high, wide, 4), np.uint8)
    post[..., 3] = 255
    post[..., :3] = (np.linspace(96, 44, wide)[None, :, None]).astype(np.uint8)
    return post


def van(high: int, wide: int) -> Picture:
    """Return the side of a parked van, BGRA, that hides people who go behind it."""
    side = np.zeros((high, wide, 4), np.uint8)
    cv2.rectangle(side, (0, high // 8), (wide, high * 9 // 10), (208, 206, 200, 255), -1)
    cv2.rectangle(side, (0, high // 2), (wide, high // 2 + 10), (60, 60, 170, 255), -1)
    cv2.rectangle(
        side, (wide // 10, high // 5), (wide * 9 // 10, high * 9 // 20), (70, 62, 54, 255), -1
    )
    for x in (wide // 5, wide * 4 // 5):
        cv2.circle(side, (x, high * 9 // 10), high // 10, (30, 30, 30, 255), -1)
    return side
