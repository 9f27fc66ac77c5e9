"""Where faces were seen of late, and where they are to be expected now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.detect.detector import Detection
from blurcam.detect.template import STEP, TemplateTracker
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

# A face that was lost is looked for, where it was, for so many seconds.
_MEMORY: Final = 1.0
# What is further away than this many of its own sizes is another face.
_FARTHEST: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face at a time in seconds, and its trail since."""

    time: float
    face: Detection
    trail: TemplateTracker

    def at(self, time: float) -> Box:
        """Return where it is then: where it was followed to, and as it went from there on."""
        return self.trail.at(min(time, self.trail.time + _MEMORY))


class ExpectedFaces:
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

    def follow(self, frame: Frame) -> None:
        """Follow the faces to a later frame."""
        for each in self._seen:
            if float(frame.time) - each.trail.time >= STEP:
                each.trail.advance(frame)

    def learn(self, faces: tuple[Detection, ...], frames: Sequence[Frame]) -> None:
        """Take note of all faces that are on the first of these frames, and follow them."""
        time = float(frames[0].time)
        new = [self._known_again(frames[0], face) for face in faces]
        lost = [
            each
            for each in self._seen
            if time - each.time < _MEMORY
            and not any(each.at(time).iou(face.box) > 0.3 for face in faces)
        ]
        self._seen = new
        for frame in frames[1:]:
            self.follow(frame)
        self._seen = new + lost
        self.now = faces

    def _known_again(self, frame: Frame, face: Detection) -> _Seen:
        """Return the face with the velocity that the nearest one seen before gives it."""
        time = float(frame.time)
        near = min(self._seen, key=lambda each: _apart(each.face.box, face.box), default=None)
        velocity = 0.0, 0.0
        if near is not None and time > near.time and _apart(near.face.box, face.box) < _FARTHEST:
            (x0, y0), (x1, y1) = near.face.box.centre, face.box.centre
            velocity = (x1 - x0) / (time - near.time), (y1 - y0) / (time - near.time)
        return _Seen(time, face, TemplateTracker(frame, face.box, velocity))


def _apart(before: Box, after: Box) -> float:
    """Return how far the centres are apart, in heights of the later box."""
    (x0, y0), (x1, y1) = before.centre, after.centre
    return max(abs(x1 - x0), abs(y1 - y0)) / after.height
