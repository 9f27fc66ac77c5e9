"""The tracker follows the faces of a stream from frame to frame, and tells where they are.

A face is *seen* (the detector found it on this frame), *followed* (its own pixels were found where
the optical flow says that they went) or *lost*. A lost face is searched for on that very frame; the
tracker guesses no place. It associates greedily by distance, the nearest first. A detection of low
confidence is enough to keep a known track (Zhang et al., ByteTrack, ECCV 2022).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from blurcam.detect.detector import Detection
from blurcam.detect.evidence import Evidence
from blurcam.detect.template import Template
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

# A followed face is searched for within this many of its own sizes of where the flow takes it.
_REACH: Final = 0.3
# A detection belongs to a followed face if it is at most this many face sizes away. For a lost
# face, each second since it was lost adds this many more. People walk about two face sizes a
# second; runners seen from the side go eight to ten.
_GATE: Final = 0.7
_GATE_PER_SECOND: Final = 10.0
_GATE_MOST: Final = 3.5
_SIZE_RATIO: Final = 2.0
# A lost face is searched for on every frame for this many seconds and frames, then remembered.
_SEARCHED_SECONDS: Final = 0.5
_SEARCHED_FRAMES: Final = 12
_REMEMBERED_SECONDS: Final = 1.5
# A lost face is expected to keep its velocity, for at most this many of its own sizes.
_FARTHEST: Final = 1.5
# A box of less than this share of the width or height of a followed face is a part of that face.
_PART: Final = 0.75
# The weight of the newest position in the velocity.
_NEWEST: Final = 0.5


@dataclass(slots=True)
class _Known:
    """One face: its place at ``time``, and when the detector last saw it (``seen``).

    It ``is_missed`` if its place was searched since and the detector did not see it.
    """

    number: int
    box: Box
    time: float
    seen: float
    confidence: float
    template: Template | None
    velocity: tuple[float, float] = (0.0, 0.0)
    is_followed: bool = True
    is_missed: bool = False
    lost_frames: int = 0
    turned: int = 0

    def ahead(self, time: float) -> Box:
        """Return its place at a later time if it keeps its velocity."""
        most = _FARTHEST * max(self.box.width, self.box.height)
        dx, dy = (min(most, max(-most, v * (time - self.time))) for v in self.velocity)
        return _moved(self.box, dx, dy)

    def put(self, box: Box, time: float) -> None:
        """Note its place at a later time."""
        if time > self.time:
            (x0, y0), (x1, y1) = self.box.centre, box.centre
            passed = time - self.time
            vx, vy = self.velocity
            self.velocity = (
                vx + _NEWEST * ((x1 - x0) / passed - vx),
                vy + _NEWEST * ((y1 - y0) / passed - vy),
            )
        self.box, self.time = box, time


class Tracker:
    """The tracks of one session of a stream; their numbers go on for the whole stream."""

    def __init__(self, certain: float) -> None:
        """Begin with no face; ``certain`` is the confidence that renews a track."""
        self._certain = certain
        self._tracks: list[_Known] = []
        self._count = 0

    def forget(self) -> None:
        """Begin a new session: nothing is known of its faces."""
        self._tracks.clear()

    def expected(self, time: float) -> list[Box]:
        """Return where each face is expected at a time."""
        return [each.box if each.is_followed else each.ahead(time) for each in self._tracks]

    def turns(self) -> set[int]:
        """Return how the faces are turned that the detector saw last time, by degrees."""
        return {each.turned for each in self._tracks if each.turned and not each.is_missed}

    def advance(self, frame: Frame, evidence: Evidence) -> None:
        """Follow all faces to the next frame."""
        time = float(frame.time)
        self._tracks = [t for t in self._tracks if time - t.seen <= _REMEMBERED_SECONDS]
        for track in self._tracks:
            if track.is_followed:
                there = self._followed(track, frame, evidence)
                track.is_followed = there is not None
                track.lost_frames = 0
                if there is not None:
                    track.put(there, time)
            if not track.is_followed:
                track.lost_frames += 1

    @staticmethod
    def _followed(track: _Known, frame: Frame, evidence: Evidence) -> Box | None:
        """Return the face's place: unmoved, or where its pixels are found along the flow."""
        if evidence.is_still(track.box):
            return track.box
        if track.template is None:
            return None
        dx, dy = evidence.shift(track.box)
        return track.template.find(frame, _moved(track.box, dx, dy), _REACH)

    def lost(self, frame: Frame, searched: Sequence[Box]) -> list[Box]:
        """Return where to search for lost faces on this frame, outside of ``searched``."""
        time = float(frame.time)
        whole = Box(0, 0, frame.width, frame.height)
        boxes = [
            each.ahead(time)
            for each in self._tracks
            if not each.is_followed
            and each.lost_frames <= _SEARCHED_FRAMES
            and time - each.seen <= _SEARCHED_SECONDS
        ]
        return [
            box
            for box in boxes
            if whole.meets(box) and not any(area.contains(box) for area in searched)
        ]

    def follows(self, box: Box) -> bool:
        """Whether most of a box lies in a followed face."""
        for each in self._tracks:
            common = box.intersection(each.box) if each.is_followed else None
            if common is not None and 2 * common.area > box.area:
                return True
        return False

    def learn(
        self,
        frame: Frame,
        detections: Sequence[Detection],
        searched: Sequence[Box] | None,
        *,
        in_parts: bool = False,
    ) -> tuple[tuple[Detection, ...], tuple[Detection, ...]]:
        """Take in what was detected in the ``searched`` areas of this frame (``None``: all of it).

        Returns the detections with their tracks, and the followed faces: those that were not
        detected and whose pixels were found again. A followed face has the confidence of its last
        detection, or 0 once its place was searched and the detector did not see it. If the frame
        was searched ``in_parts``, a smaller box inside a followed face is a part of that face.
        """
        time = float(frame.time)
        linked = _link(self._tracks, detections, time)
        seen: dict[int, _Known] = {}
        numbered = []
        for detection, known in zip(detections, linked, strict=True):
            track = known or self._new(frame, detection)
            is_part = in_parts and track.is_followed and _is_part(detection.box, track.box)
            box = track.box if is_part else detection.box
            there = replace(detection, box=box, track=track.number)
            self._see(track, frame, there, is_close=searched is None)
            seen[track.number] = track
            if not track.is_missed:
                numbered.append(there)
        others = [each for each in self._tracks if each.number not in seen]
        for each in others:
            each.is_missed |= searched is None or any(a.contains(each.box) for a in searched)
        followed = tuple(
            Detection(each.box, 0.0 if each.is_missed else each.confidence, each.number)
            for each in self._tracks
            if each.is_followed and (each.is_missed or each.number not in seen)
        )
        return tuple(numbered), followed

    def rest(self, frame: Frame, searched: Sequence[Box]) -> tuple[Detection, ...]:
        """Return the faces whose place was not searched because nothing changed there."""
        time = float(frame.time)
        resting = []
        for each in self._tracks:
            is_at_rest = each.is_followed and not each.is_missed
            if is_at_rest and not any(each.box.meets(area) for area in searched):
                each.seen = time
                resting.append(Detection(each.box, each.confidence, each.number))
        return tuple(resting)

    def _new(self, frame: Frame, detection: Detection) -> _Known:
        self._count += 1
        time = float(frame.time)
        known = _Known(self._count, detection.box, time, time, detection.confidence, None)
        self._tracks.append(known)
        return known

    def _see(self, track: _Known, frame: Frame, detection: Detection, *, is_close: bool) -> None:
        """Note a detection; one of low confidence gives the face's place but does not renew it."""
        time = float(frame.time)
        track.put(detection.box, time)
        track.template = Template.of(frame, detection.box)
        track.is_followed, track.lost_frames = True, 0
        track.confidence, track.turned = detection.confidence, detection.turned
        track.is_missed = not is_close and detection.confidence < self._certain
        if not track.is_missed:
            track.seen = time


def _is_part(box: Box, face: Box) -> bool:
    """Whether a box is too small to be the whole of a known face."""
    return box.width < _PART * face.width or box.height < _PART * face.height


def _link(
    tracks: Sequence[_Known], detections: Sequence[Detection], time: float
) -> list[_Known | None]:
    """Return the track that each detection continues, ``None`` for a new face."""
    linked: list[_Known | None] = [None] * len(detections)
    if not tracks or not detections:
        return linked
    distance = _distances(tracks, detections, time)
    taken: set[int] = set()
    rows, columns = np.nonzero(np.isfinite(distance))
    for pair in np.argsort(distance[rows, columns], kind="stable"):
        track, detection = int(rows[pair]), int(columns[pair])
        if track not in taken and linked[detection] is None:
            linked[detection] = tracks[track]
            taken.add(track)
    return linked


def _distances(
    tracks: Sequence[_Known], detections: Sequence[Detection], time: float
) -> NDArray[np.float64]:
    """Return the distance of each detection from each track, in face sizes; infinite if too far."""
    expected = np.array([_spot(t.box if t.is_followed else t.ahead(time)) for t in tracks])
    found = np.array([_spot(d.box) for d in detections])[None]
    expected = expected[:, None]
    size = np.maximum(expected[..., 2], found[..., 2])
    apart = np.hypot(expected[..., 0] - found[..., 0], expected[..., 1] - found[..., 1]) / size
    gates = np.array([_gate(t, time) for t in tracks])[:, None]
    alike = size <= _SIZE_RATIO * np.minimum(expected[..., 2], found[..., 2])
    return np.where((apart <= gates) & alike, apart, np.inf)


def _gate(track: _Known, time: float) -> float:
    if track.is_followed:
        return _GATE
    return min(_GATE_MOST, _GATE + _GATE_PER_SECOND * (time - track.time))


def _spot(box: Box) -> tuple[float, float, float]:
    x, y = box.centre
    return x, y, float(max(box.width, box.height))


def _moved(box: Box, dx: float, dy: float) -> Box:
    if not (math.isfinite(dx) and math.isfinite(dy)):
        return box
    x, y = round(dx), round(dy)
    return Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)
