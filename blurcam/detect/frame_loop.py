"""The frame loop: which frames are searched, where, how closely, and what came of it.

A fixed camera shows the same picture again almost everywhere. So a frame is searched closely, and
whole, at the start and after a cut; between, every ``rhythm`` seconds, only where something has
changed since it was last looked at and around the faces that are known there; and every
``refresh`` seconds everywhere (of a live stream part by part, since one look at everything would
hold its frames back). Where nothing has changed, the last answer still holds. The frames in between
are not searched: their neighbours answer for them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from blurcam.detect.detector import Answered, Detection, Finding, Skipped, Unanswered, merge
from blurcam.detect.expected_faces import ExpectedFaces
from blurcam.detect.motion import MotionGate, areas_of
from blurcam.detect.overload import OverloadControl
from blurcam.detect.refresh_parts import PartRefresh
from blurcam.detect.search import RunningSearch, box_around
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.media.frames import Frame
from blurcam.media.regions import Box, Reason
from blurcam.runtime.counts import RepeatedTrouble

logger = logging.getLogger(__name__)

# Where a face was just seen, so much less confidence is enough to see it again.
_AGAIN: Final = 0.6
_MICROSECOND: Final = 1e-6
# A look at a recording takes its second step after so much of the time to the next look, when it is
# over: fixed, so that a run can be repeated, and late enough that the network has answered by then.
_SECOND_STEP: Final = 0.6


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How a stream is searched.

    Where something changed every ``rhythm`` seconds (0: on every frame); everywhere every
    ``refresh`` seconds, ``closely`` or at a glance. ``certain`` is the confidence from which a
    face counts that was seen at a glance. ``timeout`` seconds without an answer cover a frame
    whole, and after ``patience`` such or failed frames in a row the run ends. A ``live`` stream is
    never searched closely, nothing is known of its end, and answers are taken when they come.
    Under pressure it is looked at less often, but no looks are more than ``longest`` apart.
    """

    refresh: float = 2.0
    rhythm: float = 0.4
    longest: float = 0.0
    certain: float = 0.25
    closely: bool = False
    timeout: float = 10.0
    patience: int = 25
    live: bool = False


class Searcher(Protocol):
    """Searches frames: a :class:`~blurcam.detect.search.Search`, or one under pressure."""

    def start(self, frame: Frame) -> RunningSearch:
        """Begin to search all of a frame, closely."""

    def glance(self, frame: Frame, areas: Sequence[Box], faces: Sequence[Box]) -> RunningSearch:
        """Begin to search parts of a frame."""


def scan(
    frames: Iterable[Frame | None],
    search: Searcher,
    plan: SearchPlan,
    pressure: OverloadControl | None = None,
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame with what the detector says of it, in order.

    A live stream has a ``None`` between its frames wherever there is time to see to the answers.

    Inference goes on while the caller works on what was yielded. Raises :class:`DetectorError`
    once the detector has failed ``plan.patience`` frames in a row. The first frame of a session
    is searched and, of a recording, the last.
    """
    watch = _Watch(search, plan, pressure)
    try:
        for frame, is_last in _with_last(frames, plan):
            if frame is not None:
                watch.take(frame, is_last=is_last)
            yield from watch.ready()
        watch.settle()
    except DetectorError:
        yield from watch.rest()  # the frames before are none the worse for it
        raise
    yield from watch.rest()


def _with_last(
    frames: Iterable[Frame | None], plan: SearchPlan
) -> Iterator[tuple[Frame | None, bool]]:
    """Yield every frame, and whether it is the last of its session, as far as can be known."""
    if plan.live:
        for frame in frames:
            yield frame, False
        return
    held: Frame | None = None  # a frame is judged when it is known what follows
    for frame in frames:
        if held is not None and frame is not None:
            yield held, frame.session != held.session
        held = frame or held
    if held is not None:
        yield held, True


@dataclass(slots=True)
class _Look:
    """A frame and what is known of it, or the search of it that is under way.

    ``areas`` are those that were searched, ``None`` for everything.
    """

    frame: Frame
    finding: Finding | None
    searching: RunningSearch | None = None
    areas: tuple[Box, ...] | None = None


class _Watch:
    """Decides for each frame whether and where it is searched, and learns from the answers."""

    def __init__(
        self, search: Searcher, plan: SearchPlan, pressure: OverloadControl | None
    ) -> None:
        self._search = search
        self._plan = plan
        self._pressure = pressure
        self._gate = MotionGate()
        self._rounds = PartRefresh(plan.refresh)
        self._session: int | None = None
        self._whole_at = self._looked_at = self._taken_at = float("-inf")
        self._known = ExpectedFaces()
        self._waiting: deque[_Look] = deque()
        self._settled: deque[tuple[Frame, Finding]] = deque()
        self._failures = 0
        self._trouble = RepeatedTrouble(logger, "frames not searched and covered whole")

    def take(self, frame: Frame, *, is_last: bool) -> None:
        """Begin to search a frame, all before it being settled, or pass it on."""
        is_due = self._is_due(frame, is_last=is_last)
        if is_due:
            self.settle()
        self._follow(frame)
        if is_due:
            self._begin(frame)
        else:
            self._skip(frame)

    def _follow(self, frame: Frame) -> None:
        """Follow the known faces to one more frame."""
        if frame.session == self._session and not frame.is_corrupt:
            self._known.follow(frame)

    def _is_due(self, frame: Frame, *, is_last: bool) -> bool:
        """Whether the frame is to be searched."""
        if frame.is_corrupt:
            return False
        now = float(frame.time) + _MICROSECOND
        step, self._taken_at = now - self._taken_at, now
        return (
            frame.session != self._session
            or is_last
            or now - self._looked_at >= self._interval(step)
        )

    def _interval(self, step: float) -> float:
        """Return the seconds from look to look, where the next frame is ``step`` away."""
        own = self._plan.rhythm
        if self._pressure is None:
            return own
        return self._pressure.interval(own, self._plan.longest - step)

    def _skip(self, frame: Frame) -> None:
        """Pass a frame on; its neighbours in time answer for it, unless it is damaged."""
        if frame.is_corrupt:
            self._session = None  # look closely at the next
            self._waiting.append(_Look(frame, Unanswered(Reason.CORRUPT)))
        else:
            self._waiting.append(_Look(frame, Skipped()))

    def _begin(self, frame: Frame) -> None:
        """Begin to search a frame."""
        now = float(frame.time)
        is_new = frame.session != self._session
        if is_new:
            self._known.forget()
        self._session = frame.session
        self._looked_at = now
        try:
            self._waiting.append(self._look(frame, now, is_new=is_new))
        except DetectorError as exc:
            self._waiting.append(_Look(frame, self._failed(frame, exc)))

    def _look(self, frame: Frame, now: float, *, is_new: bool) -> _Look:
        change = self._gate.change(frame)
        is_other = is_new or change.is_cut
        if is_other or self._is_stale(now):
            self._whole_at = now
            self._rounds.begin(now)
            self._gate.searched(frame)
            if (is_other or self._plan.closely) and not self._plan.live:
                return _Look(frame, None, self._search.start(frame))
            return self._glance(frame, now, [Box(0, 0, frame.width, frame.height)])
        areas = areas_of(change.tiles, frame.width, frame.height)
        self._gate.searched(frame, change)
        self._gate.rest(self._known.expected(now), frame.width)
        emptied = areas_of(change.emptied, frame.width, frame.height)
        if self._plan.live:
            areas += self._rounds.due(now + _MICROSECOND, frame.width, frame.height)
        return self._glance(frame, now, areas, emptied)

    def _is_stale(self, now: float) -> bool:
        """Whether all of a recording has to be looked at once more."""
        return not self._plan.live and now - self._whole_at >= self._plan.refresh - _MICROSECOND

    def _glance(
        self, frame: Frame, now: float, areas: list[Box], emptied: Sequence[Box] = ()
    ) -> _Look:
        """Look at areas, and at the known faces that are in these or in ``emptied`` ones."""
        faces = [
            box
            for box in self._known.expected(now)
            if any(box.meets(area) for area in (*areas, *emptied))
        ]
        if not areas and not faces:
            return _Look(frame, Answered(self._known.now))
        looked = (*areas, *(box_around(box) for box in faces))
        return _Look(frame, None, self._search.glance(frame, areas, faces), looked)

    def ready(self) -> Iterator[tuple[Frame, Finding]]:
        """Yield what may go: of a live stream all whose answers are there.

        Of a recording one settled frame for each that comes, so that the caller's work on the
        frames before a look, and the look itself, go on at the same time.
        """
        for look in self._waiting:
            if look.searching is not None:
                self._advance(look, look.searching)
        if not self._plan.live:
            if self._settled:
                yield self._settled.popleft()
            return
        yield from self.rest()
        while self._waiting and self._waiting[0].finding is not None:
            yield self._waiting[0].frame, self._waiting.popleft().finding  # type: ignore[misc]

    def _advance(self, look: _Look, searching: RunningSearch) -> None:
        """Take the next step of a search: when it is ready, or of a recording when it is time."""
        if self._plan.live:
            searching.proceed(self._plan.timeout, patient=False)
            if searching.is_ready:
                self._conclude(look, searching)
        elif self._taken_at - float(look.frame.time) >= _SECOND_STEP * self._plan.rhythm:
            searching.proceed(self._plan.timeout, patient=True)

    def settle(self) -> None:
        """Wait for the answers to all frames; raises DetectorError."""
        while self._waiting:
            look = self._waiting.popleft()
            if look.searching is not None:
                self._conclude(look, look.searching)
            assert look.finding is not None
            self._settled.append((look.frame, look.finding))

    def rest(self) -> Iterator[tuple[Frame, Finding]]:
        """Yield all settled frames."""
        while self._settled:
            yield self._settled.popleft()

    def _conclude(self, look: _Look, searching: RunningSearch) -> None:
        """Wait for the answer, and learn from it what is on the frame."""
        look.searching = None
        try:
            seen = searching.wait(self._plan.timeout)
        except DetectorError as exc:
            look.finding = self._failed(look.frame, exc)
            return
        self._failures = 0
        now = float(look.frame.time)
        if look.areas is not None:
            seen = self._with_what_is_known(look.areas, seen, now)
        self._known.learn(seen, self._from(look.frame))
        look.finding = Answered(seen)

    def _from(self, frame: Frame) -> list[Frame]:
        """Return this frame and those after it that are known."""
        return [frame, *(each.frame for each in self._waiting if each.frame.seq > frame.seq)]

    def _with_what_is_known(
        self, areas: tuple[Box, ...], seen: tuple[Detection, ...], now: float
    ) -> tuple[Detection, ...]:
        """Return what a glance has seen, and what it had no reason to look at again."""
        expected = self._known.expected(now)
        counts = tuple(each for each in seen if self._counts(each, expected))
        still = tuple(
            each for each in self._known.now if not any(each.box.meets(area) for area in areas)
        )
        return merge(counts + still)

    def _counts(self, each: Detection, expected: list[Box]) -> bool:
        if each.confidence >= self._plan.certain:
            return True
        near = any(box.grown(2).meets(each.box) for box in expected)
        return near and each.confidence >= _AGAIN * self._plan.certain

    def _failed(self, frame: Frame, error: DetectorError) -> Unanswered:
        """Take nothing for known, look closely at the next frame, and lose patience."""
        self._session = None
        self._gate.forget()
        self._failures += 1
        self._trouble.add(f"frame {frame.seq} at {float(frame.time):.3f} s: {error}")
        if self._failures >= self._plan.patience:
            raise DetectorError(
                f"the detector failed {self._failures} frames in a row, last: {error}"
            ) from error
        silent = isinstance(error, DetectorTimeout)
        return Unanswered(Reason.DETECTOR_SILENT if silent else Reason.DETECTOR_FAILED)
