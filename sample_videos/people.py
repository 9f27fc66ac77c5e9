"""People to walk through a scene: cut-out portraits with a body, turned, scaled and placed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Edges = tuple[float, float, float, float]

_PORTRAITS = Path(__file__).parent / "portraits"
_TALL = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A standing person: BGRA, and where in it the face is (brow to chin, cheek to cheek)."""

    picture: Picture
    face: Edges


def figure(
    name: str, face: Edges, coat: tuple[int, int, int], legs: tuple[int, int, int]
) -> Figure:
    """Return a portrait on a body of our own."""
    bust = cv2.imread(str(_PORTRAITS / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    assert bust is not None
    high, wide = bust.shape[:2]
    whole = np.zeros((_TALL, wide, 4), np.uint8)
    torso = np.array([(8, high - 25), (wide - 40, high - 25), (wide - 55, 640), (30, 640)])
    cv2.fillPoly(whole, [torso], (*coat, 255))
    for x in (45, wide // 2 + 5):
        cv2.rectangle(whole, (x, 630), (x + wide // 3, _TALL - 10), (*legs, 255), -1)
    shade = np.linspace(0.75, 1.1, wide)[None, :, None]
    whole[..., :3] = np.clip(whole[..., :3] * shade, 0, 255).astype(np.uint8)
    over = bust[..., 3:] / 255.0
    top = whole[:high] * (1 - over) + np.dstack((bust[..., :3], np.full((high, wide), 255))) * over
    whole[:high] = top.astype(np.uint8)
    return Figure(whole, face)


def everyone() -> dict[str, Figure]:
    """Return the cast: Grace Hopper and Eileen Collins, both in public-domain portraits."""
    return {
        "hopper": figure("hopper", (80, 87, 207, 236), (60, 42, 36), (52, 38, 34)),
        "collins": figure("collins", (91, 49, 176, 165), (58, 105, 226), (46, 88, 196)),
    }


@dataclass(frozen=True, slots=True)
class Pose:
    """Where an actor is: centre of the face, its height in pixels, and the turn of the head."""

    x: float
    y: float
    face_height: float
    yaw: float


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with a part: from ``enters`` to ``leaves``, in seconds, on a path."""

    track: int
    figure: str
    enters: float
    leaves: float
    path: Callable[[float], Pose]


def walk(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    seconds: float,
    turn: Callable[[float], float],
) -> Callable[[float], Pose]:
    """Return a straight path between two ``(x, y, face height)``, with the bob of a step."""

    def pose(t: float) -> Pose:
        share = t / seconds
        x, y, size = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        return Pose(x, y + 0.05 * size * math.sin(2 * math.pi * 1.8 * t), size, turn(t))

    return pose


def looking_about(period: float, most: float = 45.0) -> Callable[[float], float]:
    """Return a turn of the head that swings to both sides, resting at each and in the middle."""

    def yaw(t: float) -> float:
        swing = 1.6 * math.sin(2 * math.pi * t / period)
        return most * max(-1.0, min(1.0, swing))

    return yaw


def posed(person: Figure, pose: Pose) -> tuple[Picture, Edges, tuple[int, int]]:
    """Return the figure in its pose (BGRA), the face in it, and where its corner goes."""
    high, wide = person.picture.shape[:2]
    scale = pose.face_height / (person.face[3] - person.face[1])
    narrow = math.cos(math.radians(pose.yaw))
    # The side that turns away is farther off: it shrinks towards the middle of the face.
    far = 0.12 * math.sin(math.radians(pose.yaw))
    out_wide, out_high = wide * scale * narrow, high * scale
    left, right = max(0.0, far) * out_high * 0.3, max(0.0, -far) * out_high * 0.3
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    target = np.array(
        [[0, left], [out_wide, right], [out_wide, out_high - right], [0, out_high - left]],
        np.float32,
    )
    turn = cv2.getPerspectiveTransform(corners, target)
    x0, y0, x1, y1 = person.face
    points = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32)
    face = cv2.perspectiveTransform(points, turn)[0]
    fx0, fy0 = face.min(axis=0)
    fx1, fy1 = face.max(axis=0)
    corner_x, corner_y = pose.x - (fx0 + fx1) / 2, pose.y - (fy0 + fy1) / 2
    whole = (math.floor(corner_x), math.floor(corner_y))
    shift = np.array([[1, 0, corner_x - whole[0]], [0, 1, corner_y - whole[1]], [0, 0, 1]])
    size = (math.ceil(out_wide) + 2, math.ceil(out_high) + 2)
    # Shrinking by warping alone would alias: halve first as often as it takes.
    picture, reduced = person.picture, 1.0
    while scale * reduced < 0.5:
        picture = np.asarray(
            cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        )
        reduced *= 2
    grow = np.diag([reduced, reduced, 1.0])
    made = cv2.warpPerspective(picture, shift @ turn @ grow, size, flags=cv2.INTER_LINEAR)
    dx, dy = corner_x, corner_y
    return np.asarray(made, np.uint8), (fx0 + dx, fy0 + dy, fx1 + dx, fy1 + dy), whole
