"""The frame loop: which frames are searched, where, how closely, and what came of it.

A fixed camera shows the same picture again almost everywhere. So a frame is searched closely, and
whole, at the start, after a cut and every ``refresh`` seconds; between these every ``rhythm``
seconds, and only where something has changed since it was last looked at. Where nothing has, the
last answer still holds. The frames in between are not searched: their neighbours answer for them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from blurcam.detection import Answer, Answered, Detection, Finding, Skipped, Unanswered, merge
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.frames import Frame
from blurcam.motion import Gate, areas_of
from blurcam.regions import Box, Reason
from blurcam.search import Search
from blurcam.stats import Trouble

logger = logging.getLogger(__name__)

# Where a face was just seen, so much less confidence is enough to see it again.
_AGAIN: Final = 0.6
# A face that was lost is looked for, where it was, for so many seconds.
_MEMORY: Final = 1.0
_MICROSECOND: Final = 1e-6
# A face that moved by more than this many of its own sizes between two looks asks for more looks.
_FAR: Final = 0.8


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stream is searched.

    Closely and whole every ``refresh`` seconds, where something changed every ``rhythm`` seconds;
    with a rhythm of 0 every frame is searched closely. ``certain`` is the confidence from which a
    face counts that was seen in one look. ``in_flight`` searches may be under way at once.
    ``timeout`` seconds without an answer cover a frame whole, and after ``patience`` such or failed
    frames in a row the run ends.
    """

    refresh: float = 2.0
    rhythm: float = 0.2
    certain: float = 0.25
    in_flight: int = 2
    timeout: float = 10.0
    patience: int = 25


def scan(frames: Iterable[Frame], search: Search, plan: Plan) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame with what the detector says of it, in order.

    Inference of the next frames runs while the caller works on this one. Raises
    :class:`DetectorError` once the detector has failed ``plan.patience`` frames in a row. The
    first and the last frame, and those on both sides of a change of session, are searched.
    """
    waiting: deque[_Look] = deque()
    rhythm, verdict = _Rhythm(search, plan), _Verdict(plan)
    held: Frame | None = None  # a frame is judged when it is known what follows
    for frame in frames:
        if held is not None:
            waiting.append(rhythm.look(held, is_last=frame.session != held.session))
            while sum(each.is_under_way for each in waiting) > plan.in_flight:
                yield verdict.of(waiting.popleft(), rhythm)
        held = frame
    if held is not None:
        waiting.append(rhythm.look(held, is_last=True))
    while waiting:
        yield verdict.of(waiting.popleft(), rhythm)


@dataclass(frozen=True, slots=True)
class _Look:
    """A frame, and the search of it: ``areas`` of it, or ``None`` for closely and whole.

    Where nothing was searched there is a finding in place of an answer.
    """

    frame: Frame
    answer: Answer | Finding
    areas: tuple[Box, ...] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether an answer has to be waited for."""
        return not isinstance(self.answer, Finding)


class _Rhythm:
    """Decides for each frame whether and where it is searched, and begins the search."""

    def __init__(self, search: Search, plan: Plan) -> None:
        self._search = search
        self._plan = plan
        self._gate = Gate()
        self._session: int | None = None
        self._whole_at = self._looked_at = float("-inf")
        self._interval = plan.rhythm
        self._faces: list[Box] = []

    def look(self, frame: Frame, *, is_last: bool) -> _Look:
        """Begin what is to be done for a frame."""
        if frame.is_corrupt:
            self._session = None  # look closely at the next
            return _Look(frame, Unanswered(Reason.CORRUPT))
        now = float(frame.time)
        is_new = frame.session != self._session
        if not (is_new or is_last or now - self._looked_at >= self._interval - _MICROSECOND):
            return _Look(frame, Skipped())
        self._session = frame.session
        self._looked_at = now
        try:
            return (
                self._closely(frame, now)
                if self._is_due(frame, now, is_new)
                else self._changed(frame)
            )
        except DetectorError as exc:
            return _Look(frame, _Failed(exc))

    def _is_due(self, frame: Frame, now: float, is_new: bool) -> bool:
        return (
            is_new
            or self._plan.rhythm == 0
            or now - self._whole_at >= self._plan.refresh - _MICROSECOND
            or self._gate.change(frame).is_cut
        )

    def _closely(self, frame: Frame, now: float) -> _Look:
        self._whole_at = now
        self._gate.searched(frame)
        return _Look(frame, self._search.start(frame))

    def _changed(self, frame: Frame) -> _Look:
        tiles = self._gate.change(frame).tiles
        areas = tuple(areas_of(tiles, frame.width, frame.height))
        self._gate.searched(frame, tiles)
        if not areas:
            return _Look(frame, _Nothing(), ())
        faces = [box for box in self._faces if any(box.intersection(area) for area in areas)]
        return _Look(frame, self._search.glance(frame, areas, faces), areas)

    def learn(self, faces: list[Box], *, is_fast: bool) -> None:
        """Learn where faces were of late; look twice as often while one is fast."""
        self._faces = faces
        self._interval = self._plan.rhythm / 2 if is_fast else self._plan.rhythm

    def distrust(self) -> None:
        """Take nothing for known, and look closely at the next frame."""
        self._session = None
        self._gate.forget()


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The answer where nothing has to be looked at."""

    def wait(self, timeout: float) -> tuple[()]:
        del timeout
        return ()


@dataclass(frozen=True, slots=True)
class _Failed:
    """The answer of a detector that could not even begin."""

    error: DetectorError

    def wait(self, timeout: float) -> tuple[()]:
        del timeout
        raise self.error


class _Verdict:
    """Turns answers into findings, and loses patience."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._failures = 0
        self._known: tuple[Detection, ...] = ()
        self._sightings: list[tuple[float, Box]] = []
        self._trouble = Trouble(logger, "frames not searched and covered whole")

    def of(self, look: _Look, rhythm: _Rhythm) -> tuple[Frame, Finding]:
        """Return the frame with what is now known of it."""
        if isinstance(look.answer, Finding):
            return look.frame, look.answer
        try:
            seen = look.answer.wait(self._plan.timeout)
        except DetectorError as exc:
            rhythm.distrust()
            return look.frame, self._failed(look.frame, exc)
        self._failures = 0
        if look.areas is not None:
            seen = self._with_what_is_known(look.areas, seen)
        is_fast = self._is_fast(seen)
        self._known = seen
        self._remember(float(look.frame.time))
        rhythm.learn(self._recent, is_fast=is_fast)
        return look.frame, Answered(seen)

    def _remember(self, now: float) -> None:
        """Keep where faces were within the last second: they were lost, but not for good."""
        self._sightings = [
            (at, box)
            for at, box in self._sightings
            if now - at < _MEMORY and not any(box.iou(new.box) > 0.3 for new in self._known)
        ]
        self._sightings += [(now, each.box) for each in self._known]

    @property
    def _recent(self) -> list[Box]:
        return [box for _, box in self._sightings]

    def _with_what_is_known(
        self, areas: tuple[Box, ...], seen: tuple[Detection, ...]
    ) -> tuple[Detection, ...]:
        """Return what one look has seen, and what it had no reason to look at again."""
        counts = tuple(each for each in seen if self._counts(each))
        still = tuple(
            each for each in self._known if not any(each.box.intersection(area) for area in areas)
        )
        return merge(counts + still)

    def _counts(self, each: Detection) -> bool:
        if each.confidence >= self._plan.certain:
            return True
        known = (box.grown(2).intersection(each.box) for box in self._recent)
        return each.confidence >= _AGAIN * self._plan.certain and any(known)

    def _is_fast(self, seen: tuple[Detection, ...]) -> bool:
        """Whether a face has moved far since the last look, or none of the known is near it."""
        for each in seen:
            x, y = each.box.centre
            far = min(
                (
                    max(abs(x - old.box.centre[0]), abs(y - old.box.centre[1])) / each.box.height
                    for old in self._known
                ),
                default=0.0,
            )
            if _FAR < far < 3:
                return True
        return False

    def _failed(self, frame: Frame, error: DetectorError) -> Unanswered:
        self._failures += 1
        self._trouble.add(f"frame {frame.seq} at {float(frame.time):.3f} s: {error}")
        if self._failures >= self._plan.patience:
            raise DetectorError(
                f"the detector failed {self._failures} frames in a row, last: {error}"
            ) from error
        silent = isinstance(error, DetectorTimeout)
        return Unanswered(Reason.DETECTOR_SILENT if silent else Reason.DETECTOR_FAILED)
