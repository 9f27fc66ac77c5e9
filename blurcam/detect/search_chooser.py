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
# Changes are hidden where the least that is seen is more than this share of the frame's contrast
# (0.3 to 0.5 at night), and seen where it is less than that (0.02 in a still hall, 0.05 in a busy
# street). Everything is searched as many times the usual period apart.
_BLIND: Final = 0.25
_CLEAR: Final = 0.03
_IF_BLIND: Final = 0.25
_IF_CLEAR: Final = 3.0


@dataclass(slots=True)
class SearchedFrame:
    """A frame that waits for its finding.

    ``areas`` are those that ``searching`` searches; ``None`` stands for a close search of
    everything. ``evidence`` is ``None`` for the first frame of a session, and once the tracker
    has followed the faces to this frame.
    """

    frame: Frame
    is_due: bool
    evidence: Evidence | None = None
    searching: RunningSearch | None = None
    areas: tuple[Box, ...] | None = ()
    finding: Finding | None = None


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
        self._turned = TurnedSearch(plan.turns, plan.refresh)
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
        if is_cut or evidence.is_other or self._is_stale(now, evidence):
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
            self._turned.begin(now)
            return SearchedFrame(frame, True, None, running, None)
        whole = [Box(0, 0, frame.width, frame.height)]
        faces = self._tracker.expected(now)
        return self._quick(frame, evidence, whole, faces, is_due=True, is_new=False)

    def _is_stale(self, now: float, evidence: Evidence) -> bool:
        """Whether a whole frame of a recording must be searched again.

        The network says the same of the same picture: where the least change is seen, what has
        not changed needs no second search for a while. Where changes are hidden, all is searched
        more often.
        """
        if self._plan.live:
            return False
        period = self._plan.refresh
        if evidence.blindness > _BLIND:
            period *= _IF_BLIND
        elif evidence.blindness < _CLEAR and self._plan.saves:
            period *= _IF_CLEAR
        return now - self._whole_at >= period - _MICROSECOND

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
        is_new: bool = True,
    ) -> SearchedFrame:
        """Begin to search areas and the places of known faces; ``parts`` of it turned as well.

        The areas are ``is_new`` where they show what was not searched before.
        """
        searched = (*areas, *(box_around(box) for box in faces))
        self._evidence.searched(searched, evidence.scale)
        now = self._see_turned(frame)
        if self._plan.live:
            turned = self._turned.part(parts, searched, now)
        else:
            if is_new:
                self._turned.search(searched, frame.width, frame.height)
            if is_due:
                turned = self._turned.due(searched, now, frame.width, frame.height)
            else:
                turned = self._turned.among(searched, now)
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
