"""The frame loop has each frame searched as far as it must be, and tells what the search found.

Each frame is searched, or evidence accounts for it, or it is fully covered. A fixed camera shows
the same view again almost everywhere. So the loop searches the whole frame closely at the start
and after a cut. Every ``rhythm`` seconds, and at least every few frames, it searches where
something has changed since the last search, and around the known faces. Every ``refresh`` seconds
it searches everywhere; a live stream part by part, since one search of everything would hold its
frames back. It compares every frame in between with what was searched. Content that only moved is
known. New content is searched on that very frame, and so is the place of a face that can no longer
be followed.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blurcam.detect.crops import box_around
from blurcam.detect.detector import Accounted, Answered, Detection, Finding, Unanswered, merge
from blurcam.detect.fusion import SURE
from blurcam.detect.overload import OverloadControl
from blurcam.detect.running_search import RunningSearch
from blurcam.detect.search_chooser import Comparison, SearchChooser, SearchedFrame
from blurcam.detect.search_plan import Searcher, SearchPlan
from blurcam.detect.tracker import Tracker
from blurcam.detect.turned import TurnedCamera
from blurcam.errors import DetectorError, DetectorTimeout
from blurcam.media.frames import Frame
from blurcam.media.regions import Box, Reason
from blurcam.runtime.counts import RepeatedTrouble, counted

logger = logging.getLogger(__name__)

# At a known face this share of the usual confidence is enough.
_AGAIN: Final = 0.6
# A search of a recording takes its second step after this share of the time to the next search.
# The share is fixed, so that a run can be repeated. By then the network has usually answered.
_SECOND_STEP: Final = 0.6
# A face this many pixels or less from the edge of a searched area may go on beyond it.
_RIM: Final = 3


def scan(
    frames: Iterable[Frame | None],
    search: Searcher,
    plan: SearchPlan,
    control: OverloadControl | None = None,
) -> Iterator[tuple[Frame, Finding]]:
    """Yield every frame with what the search says of it, in order.

    A live stream has a ``None`` between its frames wherever there is time to collect answers.

    Inference goes on while the caller works on what was yielded. Raises :class:`DetectorError`
    once the detector has failed ``plan.patience`` frames in a row. The first frame of a session
    is searched, and the last frame of a recording.
    """
    loop = _FrameLoop(search, plan, control)
    try:
        for frame, is_last in _with_last(frames, plan):
            if frame is not None:
                loop.take(frame, is_last=is_last)
            yield from loop.ready()
        loop.settle()
    except DetectorError:
        yield from loop.settled()  # the frames before the failure are sound
        raise
    yield from loop.settled()


def _with_last(
    frames: Iterable[Frame | None], plan: SearchPlan
) -> Iterator[tuple[Frame | None, bool]]:
    """Yield every frame and whether it is the last of its session; of a live one nobody knows."""
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


class _FrameLoop:
    """Has each frame searched as far as it must be, and tells the tracker what was found."""

    def __init__(self, search: Searcher, plan: SearchPlan, control: OverloadControl | None) -> None:
        self._search = search
        self._plan = plan
        self._tracker = Tracker(plan.certain)
        self._chooser = SearchChooser(search, plan, self._tracker, control)
        self._taken_at = float("-inf")
        self._waiting: deque[SearchedFrame] = deque()
        self._settled: deque[tuple[Frame, Finding]] = deque()
        self._failures = 0
        self._turned_camera = TurnedCamera()
        self._trouble = RepeatedTrouble(logger, "frames not searched and fully covered")

    def take(self, frame: Frame, *, is_last: bool) -> None:
        """Begin to search a frame; evidence may show that only parts of it must be searched."""
        self._taken_at = float(frame.time)
        if frame.is_corrupt:
            self._chooser.distrust()  # the next frame is searched closely
            finding = Unanswered(Reason.CORRUPT)
            self._waiting.append(SearchedFrame(frame, False, finding=finding))
            return
        compared = self._chooser.compare(frame)
        if compared.is_due or is_last:
            self.settle()  # this search needs the places of the faces
        self._begin(frame, compared, is_last=is_last)

    def _begin(self, frame: Frame, compared: Comparison, *, is_last: bool) -> None:
        try:
            self._waiting.append(self._chooser.begin(frame, compared, is_last=is_last))
        except DetectorError as exc:
            finding = self._failed(frame, exc)
            self._waiting.append(SearchedFrame(frame, True, finding=finding))

    def ready(self) -> Iterator[tuple[Frame, Finding]]:
        """Yield the frames that may go on.

        Of a live stream these are all that have their answers. Of a recording it is one settled
        frame for each that comes, so that the caller works on the frames before a search while
        the search goes on.
        """
        if not self._plan.live:
            for entry in self._waiting:
                late = self._taken_at - float(entry.frame.time)
                if entry.searching is not None and late >= _SECOND_STEP * self._plan.rhythm:
                    entry.searching.proceed(self._plan.timeout, patient=True)
            if self._settled:
                yield self._settled.popleft()
            return
        for entry in self._waiting:
            if entry.searching is not None:
                entry.searching.proceed(self._plan.timeout, patient=False)
        while self._waiting and self._is_ready(self._waiting[0]):
            self._conclude(self._waiting.popleft())
        yield from self.settled()

    @staticmethod
    def _is_ready(entry: SearchedFrame) -> bool:
        return entry.searching is None or entry.searching.is_ready

    def settle(self) -> None:
        """Wait for the answers to all frames that wait; raises DetectorError."""
        while self._waiting:
            self._conclude(self._waiting.popleft())

    def settled(self) -> Iterator[tuple[Frame, Finding]]:
        """Yield all settled frames."""
        while self._settled:
            yield self._settled.popleft()

    def _conclude(self, entry: SearchedFrame) -> None:
        """Wait for the answers to a frame, and settle what is known of it."""
        if entry.finding is None:
            try:
                entry.finding = self._found(entry)
            except DetectorError as exc:
                entry.finding = self._failed(entry.frame, exc)
                self._settled.append((entry.frame, entry.finding))
                return self._fail_waiting(exc)
        self._settled.append((entry.frame, entry.finding))

    def _fail_waiting(self, error: DetectorError) -> None:
        """Trust no evidence that rests on a failed search: the frames behind it fail with it.

        They were compared with what that search was going to see, and searched for the rest alone.
        """
        for entry in self._waiting:
            if entry.finding is None:
                entry.searching, entry.finding = None, self._failed(entry.frame, error)

    def _found(self, entry: SearchedFrame) -> Finding:
        frame = entry.frame
        if entry.evidence is not None:
            self._tracker.advance(frame, entry.evidence)
        seen, searched = self._counted(entry, entry.searching), entry.areas
        if not entry.is_due and searched is not None:
            seen, doubtful = _doubtful(seen, searched, frame)
            lost = self._tracker.lost(frame, searched)
            lost += [box for box in doubtful if not self._tracker.follows(box)]
            if lost:
                areas = tuple(box_around(box) for box in lost)
                again = self._search.start_quick(
                    frame, [], lost, turned=self._chooser.turned(frame, lost)
                )
                seen = merge(seen + self._counted(SearchedFrame(frame, False, areas=areas), again))
                searched += areas
        self._failures = 0
        numbered, followed = self._tracker.learn(frame, seen, searched, in_parts=not entry.is_due)
        self._turned_camera.add(numbered)
        if not entry.is_due:
            return Accounted(numbered, followed)
        if entry.areas is not None:
            resting = {each.track: each for each in self._tracker.rest(frame, entry.areas)}
            numbered += tuple(resting.values())
            followed = tuple(each for each in followed if each.track not in resting)
        return Answered(numbered, followed)

    def _counted(
        self, entry: SearchedFrame, searching: RunningSearch | None
    ) -> tuple[Detection, ...]:
        """Wait for a search, and return the detections that count; raises DetectorError."""
        if searching is None:
            return ()
        seen = searching.wait(self._plan.timeout)
        if entry.areas is None:
            return seen
        expected = self._tracker.expected(float(entry.frame.time))
        return tuple(each for each in seen if self._counts(each, expected))

    def _counts(self, each: Detection, expected: list[Box]) -> bool:
        if each.confidence >= self._plan.certain:
            return True
        near = any(box.grown(2).meets(each.box) for box in expected)
        return near and each.confidence >= _AGAIN * self._plan.certain

    def _failed(self, frame: Frame, error: DetectorError) -> Unanswered:
        """Forget what was known, and count the failure; raises DetectorError after too many."""
        self._chooser.distrust()
        self._failures += 1
        self._trouble.add(f"frame {frame.seq} at {float(frame.time):.3f} s: {error}")
        if self._failures >= self._plan.patience:
            raise DetectorError(
                f"the detector failed {counted(self._failures, 'frame')} in a row, last: {error}"
            ) from error
        silent = isinstance(error, DetectorTimeout)
        return Unanswered(Reason.DETECTOR_SILENT if silent else Reason.DETECTOR_FAILED)


def _doubtful(
    seen: Sequence[Detection], searched: Sequence[Box], frame: Frame
) -> tuple[tuple[Detection, ...], list[Box]]:
    """Return the detections that count after one pass, and the boxes to search again.

    One pass counts only if it is sure of the face. It is doubtful at the edge of a searched area,
    too, where it has seen only a part of the face.
    """
    whole = Box(0, 0, frame.width, frame.height)
    counting, doubtful = [], []
    for each in seen:
        box = each.box.intersection(whole) or each.box
        is_inside = any(_shrunk(area, whole).contains(box) for area in searched)
        if is_inside and each.confidence >= SURE:
            counting.append(each)
        else:
            doubtful.append(each.box)
    return tuple(counting), doubtful


def _shrunk(area: Box, whole: Box) -> Box:
    """Return the area without its outermost pixels, except at the edges of the frame."""
    x0, y0 = area.x0 + _RIM * (area.x0 > whole.x0), area.y0 + _RIM * (area.y0 > whole.y0)
    x1, y1 = area.x1 - _RIM * (area.x1 < whole.x1), area.y1 - _RIM * (area.y1 < whole.y1)
    return Box(x0, y0, max(x0 + 1, x1), max(y0 + 1, y1))
