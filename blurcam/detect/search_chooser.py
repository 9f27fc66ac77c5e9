"""The search chooser decides which frames are searched, and where.

:mod:`blurcam.detect.frame_loop` describes the policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blurcam.detect.crops import box_around
from blurcam.detect.detector import Finding
from blurcam.detect.evidence import Evidence, EvidenceGate
from blurcam.detect.motion import MotionGate, areas_of
from blurcam.detect.overload import OverloadControl
from blurcam.detect.refresh_parts import PartRefresh
from blurcam.detect.running_search import RunningSearch
from blurcam.detect.search_plan import Searcher, SearchPlan
from blurcam.detect.tracker import Tracker
from blurcam.detect.turned import Turned, TurnedSearch
from blurcam.media.frames import Frame
from blurcam.media.regions import Box

_MICROSECOND: Final = 1e-6
MOST_FRAMES: Final = 8
"""No more frames than this lie between two searches, whatever their time stamps say."""
# A frame that suddenly shows another view is searched closely, but not again within this many
# frames: where every frame shows another view, the camera moves or the light flickers.
_BETWEEN_CUTS: Final = 12


@dataclass(slots=True)
class SearchedFrame:
    """A frame that waits for its finding.

    ``areas`` are those that ``searching`` searches; ``None`` stands for a close search of
    everything. The search ``is_whole`` if it is of everything, every way up. ``evidence`` is
    ``None`` for the first frame of a session, and once the tracker has followed the faces to this
    frame.
    """

    frame: Frame
    is_due: bool
    evidence: Evidence | None = None
    searching: RunningSearch | None = None
    areas: tuple[Box, ...] | None = ()
    finding: Finding | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A frame compared with what was searched: whether a search is due, and why."""

    evidence: Evidence
    is_due: bool
    is_first: bool
    is_cut: bool


class SearchChooser:
    """Decides for each frame whether and where it is searched, and begins to search it."""

    def __init__(
        self,
        search: Searcher,
        plan: SearchPlan,
        tracker: Tracker,
        overload: OverloadControl | None,
    ) -> None:
        """Use the tracker for the places of known faces; search less often under overload."""
        self._search = search
        self._plan = plan
        self._tracker = tracker
        self._overload = overload
        self._gate = MotionGate()
        self._evidence = EvidenceGate()
        self._parts = PartRefresh(plan.refresh)
        self._turned = TurnedSearch(plan.turns)
        self._session: int | None = None
        self._whole_at = self._searched_at = self._taken_at = float("-inf")
        self._frames_since_search = self._frames_since_cut = 0

    def compare(self, frame: Frame) -> Comparison:
        """Compare a frame with what was searched, and say whether a search is due."""
        is_first = frame.session != self._session
        if is_first:
            self._evidence.forget()
        self._session = frame.session
        evidence = self._evidence.compare(frame)
        self._frames_since_cut += 1
        is_cut = is_first or (
            evidence.is_other and self._frames_since_cut > _BETWEEN_CUTS and not self._plan.live
        )
        if is_cut:
            self._frames_since_cut = 0
        return Comparison(evidence, self._is_due(frame) or is_cut, is_first, is_cut)

    def _is_due(self, frame: Frame) -> bool:
        """Whether the next frame would come too late for the next search."""
        now = float(frame.time)
        step, self._taken_at = max(0.0, now - self._taken_at), now
        self._frames_since_search += 1
        own, longest = self._plan.rhythm, self._plan.longest
        if self._overload is not None:
            own = self._overload.interval(own, longest)
        return (
            self._frames_since_search >= MOST_FRAMES
            or now + step - self._searched_at > own + _MICROSECOND
        )

    def begin(self, frame: Frame, compared: Comparison, *, is_last: bool) -> SearchedFrame:
        """Begin to search a frame as far as it must be; raises DetectorError."""
        if compared.is_due or is_last:
            return self._due(frame, compared)
        return self._accounted(frame, compared.evidence)

    def _due(self, frame: Frame, compared: Comparison) -> SearchedFrame:
        """Begin to search a frame wherever something changed and around the known faces."""
        now, evidence, is_cut = float(frame.time), compared.evidence, compared.is_cut
        self._searched_at, self._frames_since_search = now, 0
        if compared.is_first:
            self._tracker.forget()
        else:
            self._tracker.advance(frame, evidence)
        change = self._gate.change(frame)
        if is_cut or evidence.is_other or self._is_stale(now):
            return self._whole(frame, evidence, now, closely=is_cut or self._plan.closely)
        areas = areas_of(change.tiles, frame.width, frame.height)
        areas += evidence.areas(frame.width, frame.height)
        self._gate.searched(frame, change)
        self._gate.rest(self._tracker.expected(now), frame.width)
        emptied = areas_of(change.emptied, frame.width, frame.height)
        parts: list[Box] = []
        if self._plan.live:
            parts = self._parts.due(now + _MICROSECOND, frame.width, frame.height)
            areas += parts
        faces = [
            box
            for box in self._tracker.expected(now)
            if any(box.meets(area) for area in (*areas, *emptied))
        ]
        if not areas and not faces:
            return SearchedFrame(frame, True)
        return self._quick(frame, evidence, areas, faces, parts=parts, is_due=True)

    def _whole(
        self, frame: Frame, evidence: Evidence, now: float, *, closely: bool
    ) -> SearchedFrame:
        """Begin to search all of a frame."""
        self._whole_at = now
        self._parts.begin(now)
        self._gate.searched(frame)
        self._evidence.searched(None, evidence.scale)
        if closely and not self._plan.live:
            running = self._search.start(frame)
            return SearchedFrame(frame, True, None, running, None, is_whole=True)
        whole = [Box(0, 0, frame.width, frame.height)]
        faces = self._tracker.expected(now)
        if self._plan.live:  # three more searches of everything would hold its frames back
            return self._quick(frame, evidence, whole, faces, is_due=True)
        turned = self._turned.everywhere(*whole)
        running = self._search.start_quick(frame, whole, faces, turned=turned)
        return SearchedFrame(frame, True, None, running, tuple(whole), is_whole=True)

    def _is_stale(self, now: float) -> bool:
        """Whether a whole frame of a recording must be searched again."""
        return not self._plan.live and now - self._whole_at >= self._plan.refresh - _MICROSECOND

    def _accounted(self, frame: Frame, evidence: Evidence) -> SearchedFrame:
        """Begin to search the parts of a frame that the evidence does not explain."""
        areas = evidence.areas(frame.width, frame.height)
        if evidence.is_other:
            areas = [Box(0, 0, frame.width, frame.height)]
        if not areas:
            return SearchedFrame(frame, False, evidence)
        return self._quick(frame, evidence, areas, [], is_due=False)

    def _quick(
        self,
        frame: Frame,
        evidence: Evidence,
        areas: Sequence[Box],
        faces: Sequence[Box],
        *,
        parts: Sequence[Box] = (),
        is_due: bool,
    ) -> SearchedFrame:
        """Begin to search areas, and the places of known faces; parts every way up, by turns."""
        searched = (*areas, *(box_around(box) for box in faces))
        self._evidence.searched(searched, evidence.scale)
        turned = self._turned.part(parts, searched, self._see_turned(frame))
        running = self._search.start_quick(frame, areas, faces, turned=turned, once=not is_due)
        return SearchedFrame(frame, is_due, None if is_due else evidence, running, searched)

    def turned(self, frame: Frame, faces: Sequence[Box]) -> Turned:
        """Return where to search for these faces on the turned frame."""
        areas = [box_around(box) for box in faces]
        return self._turned.among(areas, self._see_turned(frame))

    def _see_turned(self, frame: Frame) -> float:
        now = float(frame.time)
        self._turned.see(self._tracker.turns(), now)
        return now

    def distrust(self) -> None:
        """Forget what was searched: the next frame is searched closely."""
        self._session = None
        self._gate.forget()
        self._evidence.forget()
