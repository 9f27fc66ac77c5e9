"""Where faces were seen of late, and where they are to be expected now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blurcam.detection import Detection
from blurcam.regions import Box

# A face that was lost is looked for, where it was, for so many seconds.
_MEMORY: Final = 1.0
# A face that moves by more than this many of its own sizes between two looks asks for more looks;
# what is further away is another face.
_FAR: Final = 0.8
_FARTHEST: Final = 3.0
_CLEAR: Final = 0.3
# A fast face is looked for this many of its own sizes, and pixels, to every side.
_CHASE: Final = 3.5
_CHASE_PIXELS: Final = 16
_MOVING: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face at a time in seconds, and how many pixels a second it moves."""

    time: float
    face: Detection
    velocity: tuple[float, float] = (0.0, 0.0)
    is_fast: bool = False

    @property
    def is_moving(self) -> bool:
        """Whether it moves by more than half its height a second."""
        return max(map(abs, self.velocity)) > _MOVING * self.face.box.height

    def at(self, time: float) -> Box:
        """Return where it is then if it goes on so, for at most a second."""
        ahead = min(_MEMORY, time - self.time)
        dx, dy = round(self.velocity[0] * ahead), round(self.velocity[1] * ahead)
        box = self.face.box
        return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


class Sightings:
    """What was seen within the last second, by the newest look at each face."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._seen: list[_Seen] = []
        self.now: tuple[Detection, ...] = ()

    def forget(self) -> None:
        """Take nothing for known."""
        self._seen, self.now = [], ()

    def expected(self, time: float) -> list[Box]:
        """Return where the faces are to be looked for."""
        return [each.at(time) for each in self._seen]

    def moving(self, time: float) -> list[Box]:
        """Return where those are that do not stand still, or may not."""
        return [each.at(time) for each in self._seen if each.is_fast or each.is_moving]

    def fast(self, time: float) -> list[Box]:
        """Return where to look for the faces that move fast or may do so, with much around each."""
        return [_around(each.at(time)) for each in self._seen if each.is_fast]

    def learn(self, time: float, faces: tuple[Detection, ...]) -> None:
        """Take note of all faces that are there at a time."""
        new = [self._followed(time, face) for face in faces]
        lost = [
            each
            for each in self._seen
            if time - each.time < _MEMORY
            and not any(each.at(time).iou(face.box) > 0.3 for face in faces)
        ]
        self._seen = new + lost
        self.now = faces

    def _followed(self, time: float, face: Detection) -> _Seen:
        """Return the face with the velocity that the nearest one seen before gives it."""
        near = min(self._seen, key=lambda each: _apart(each.face.box, face.box), default=None)
        far = _FARTHEST if near is None else _apart(near.face.box, face.box)
        if near is None or time <= near.time or far >= _FARTHEST:
            # A new face: nobody knows how fast it is.
            return _Seen(time, face, is_fast=face.confidence > _CLEAR)
        (x0, y0), (x1, y1) = near.face.box.centre, face.box.centre
        step = time - near.time
        return _Seen(time, face, ((x1 - x0) / step, (y1 - y0) / step), far > _FAR)


def _around(box: Box) -> Box:
    x, y = box.centre
    reach = _CHASE * max(box.width, box.height) + _CHASE_PIXELS
    return Box.around(x - reach, y - reach, x + reach, y + reach)


def _apart(before: Box, after: Box) -> float:
    """Return how far the centres are apart, in heights of the later box."""
    (x0, y0), (x1, y1) = before.centre, after.centre
    return max(abs(x1 - x0), abs(y1 - y0)) / after.height
