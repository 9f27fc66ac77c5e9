"""Draws people and what they walk in front of, and says where each face is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import scene as backdrops
from numpy.typing import NDArray

from benchmarks.scenes.cast import figure, nearest_yaw
from benchmarks.scenes.effects import Moment
from benchmarks.scenes.layers import Layer, Matrix, Placed, view
from benchmarks.scenes.truth import Picture, Rect
from benchmarks.scenes.values import Backdrop, Person, Post, Shot


@dataclass(frozen=True, slots=True)
class Drawing:
    """A shot that is drawn; combed, every second line is half a frame later."""

    shot: Shot
    half_a_frame: float

    def layer(self, time: float, size: tuple[int, int], moment: Moment) -> Layer:
        """Return what it shows so many seconds after its beginning."""
        made = _field(self.shot, time, size, moment)
        if not self.shot.is_combed:
            return made
        return _woven(made, _field(self.shot, time + self.half_a_frame, size, moment))


def _woven(made: Layer, later: Layer) -> Layer:
    """Return every second line of one, and the others of the other; faces are between."""
    picture, owners = made.picture.copy(), made.owners.copy()
    picture[1::2], owners[1::2] = later.picture[1::2], later.owners[1::2]
    faces = {}
    for who, placed in made.faces.items():
        other = later.faces.get(who, placed).box
        a = placed.box
        mean = ((a.x0 + other.x0) // 2, (a.y0 + other.y0) // 2)
        box = Rect(*mean, mean[0] + a.width, mean[1] + a.height)
        faces[who] = Placed(box, placed.owner)
    return Layer(picture, owners, faces)


def _field(shot: Shot, time: float, size: tuple[int, int], moment: Moment) -> Layer:
    seen_as = view(shot.camera, time, size, moment)
    picture = _background(shot, seen_as, size)
    owners = np.zeros(picture.shape[:2], np.int16)
    faces: dict[int, Placed] = {}
    things: list[tuple[float, int, Person | Post]] = []
    for number, person in enumerate(shot.people):
        if person.enters <= time < person.leaves:
            depth = person.path.at(time - person.enters)[2]
            things.append((depth if person.depth is None else person.depth, number, person))
    things += [(post.hides_under, -1, post) for post in shot.posts]
    for owner, (_, number, thing) in enumerate(sorted(things, key=lambda each: each[:2]), 1):
        if isinstance(thing, Post):
            _stand(picture, owners, thing, seen_as, owner)
        else:
            box = _walk_on(picture, owners, thing, time - thing.enters, seen_as, owner)
            faces[number] = Placed(box, owner)
    return Layer(picture, owners, faces)


@lru_cache(maxsize=8)
def _backdrop(name: Backdrop, wide: int, high: int) -> Picture:
    return backdrops.street(wide, high) if name == "street" else backdrops.hall(wide, high)


def _background(shot: Shot, view: Matrix, size: tuple[int, int]) -> Picture:
    world = _backdrop(shot.backdrop, *shot.world)
    if shot.camera is None and shot.world == size:
        return world.copy()
    shown = cv2.warpAffine(
        world, view[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(shown, np.uint8)


def _stand(
    picture: Picture, owners: NDArray[np.int16], post: Post, view: Matrix, owner: int
) -> None:
    things = backdrops.pole(post.height, post.width)
    _lay(picture, owners, things, view @ _shift(post.x, post.y), owner, 1.0)


def _walk_on(
    picture: Picture,
    owners: NDArray[np.int16],
    person: Person,
    time: float,
    view: Matrix,
    owner: int,
) -> Rect:
    """Draw somebody, and return where the face is."""
    x, y, height = person.path.at(time)
    roll = person.roll.at(time)[0]
    yaw = nearest_yaw(person.yaw.at(time)[0])
    scale = math.hypot(view[0, 0], view[1, 0])
    whole = figure(person.portrait, yaw, 0, is_mirrored=person.is_mirrored)
    ratio = scale * height / (whole.face[3] - whole.face[1])
    halvings = max(0, math.ceil(math.log2(0.5 / ratio))) if ratio < 0.5 else 0
    own = figure(person.portrait, yaw, halvings, is_mirrored=person.is_mirrored)
    x0, y0, x1, y1 = own.face
    size = height / (y1 - y0)
    c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    turn = np.array([[c * size, -s * size, x], [s * size, c * size, y], [0, 0, 1]])
    place = view @ turn @ _shift(-(x0 + x1) / 2, -(y0 + y1) / 2)
    _lay(picture, owners, own.picture, place, owner, person.tone)
    middle = view @ np.array([x, y, 1.0])
    angle = math.atan2(view[1, 0], view[0, 0]) + math.radians(roll)
    wide, high = scale * size * (x1 - x0), scale * size * (y1 - y0)
    across, upright = math.sin(angle) ** 2, math.cos(angle) ** 2
    half_x = (upright * wide + across * high) / 2
    half_y = (across * wide + upright * high) / 2
    return Rect(
        round(middle[0] - half_x), round(middle[1] - half_y),
        round(middle[0] + half_x), round(middle[1] + half_y),
    )  # fmt: skip


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def _lay(
    picture: Picture,
    owners: NDArray[np.int16],
    over: Picture,
    place: Matrix,
    owner: int,
    tone: float,
) -> None:
    """Lay a BGRA picture over the frame where ``place`` maps it to."""
    high, wide = picture.shape[:2]
    rows, columns = over.shape[:2]
    corners = place @ np.array([[0, columns, columns, 0], [0, 0, rows, rows], [1, 1, 1, 1.0]])
    x0, y0 = (max(0, math.floor(v)) for v in corners[:2].min(axis=1))
    x1, y1 = (
        min(e, math.ceil(v)) for e, v in zip((wide, high), corners[:2].max(axis=1), strict=True)
    )
    if x0 >= x1 or y0 >= y1:
        return
    warped = cv2.warpAffine(
        over, (_shift(-x0, -y0) @ place)[:2], (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR
    ).astype(np.float32)
    alpha = warped[..., 3:] / 255
    under = picture[y0:y1, x0:x1]
    under[:] = np.clip(under * (1 - alpha) + warped[..., :3] * tone * alpha, 0, 255)
    owners[y0:y1, x0:x1][alpha[..., 0] > 0.5] = owner
