"""``cover()``: from what was found on frames to what must be covered on them; it only adds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from blurcam.detect.detector import Answered, Finding, Unanswered
from blurcam.detect.template import STEP, TemplateTracker
from blurcam.errors import ConfigError
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region
from blurcam.runtime.counts import FrameCounts
from blurcam.track.tracks import Sighting, Track, between, is_far, link

Scanned = tuple[Frame, Finding]
# Pixels added on every side: detectors place edges on a grid of four, which matters on faces of
# twenty and not on others. With a margin of 1.35 and without this, 10 of the 1,634 sample
# face-frames of 24 px and more, all of turned heads, were covered by 78 to 90 %; now none is.
_SLACK: Final = 2
# A live stream's next frame is expected no sooner than the shortest of so many steps came.
_STEPS: Final = 30
_FEWEST_STEPS: Final = 5


@dataclass(frozen=True, slots=True)
class Reach:
    """How far coverage reaches beyond the detections: seconds, and a factor of size.

    Of a live stream a frame does not wait for one that is known to come too late to reach it.
    """

    lead: float
    hold: float
    bridge: float
    margin: float
    is_live: bool = False

    def __post_init__(self) -> None:
        """Refuse a reach that takes coverage away."""
        for name in ("lead", "hold", "bridge"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name}: {value} is not a number of seconds")
        if not (math.isfinite(self.margin) and self.margin >= 1):
            raise ConfigError(f"margin: {self.margin} would leave part of the face clear")


def cover(
    scanned: Iterable[Scanned], reach: Reach, tally: FrameCounts
) -> Iterator[tuple[Frame, Coverage]]:
    """Yield every frame once, in order, with all that must be covered on it.

    A frame waits until the longer of ``lead`` and ``bridge`` after it has been looked at; that is
    how many frames are held in memory. Where the session changes, nothing known crosses.

    A frame that was not searched is covered by what was found before and after it, if the two
    searches are at most ``lead`` apart: whoever came into view between them is then covered back
    to the first. Otherwise it is covered whole.
    """
    session: _Session | None = None
    for frame, finding in scanned:
        if session is None or not session.continues(frame):
            if session is not None:
                yield from session.rest()
            session = _Session(frame, reach, tally)
        yield from session.take(frame, finding)
    if session is not None:
        yield from session.rest()


class _Session:
    """The tracks and the waiting frames of one uninterrupted stretch of a stream."""

    def __init__(self, frame: Frame, reach: Reach, tally: FrameCounts) -> None:
        self._number = frame.session
        self._time_base = frame.time_base
        self._reach = reach
        self._tally = tally
        self._second = float(1 / frame.time_base)
        self._lead = self._ticks(reach.lead)
        self._hold = self._ticks(reach.hold)
        self._bridge = self._ticks(reach.bridge)
        self._waiting: deque[Scanned] = deque()
        self._tracks: list[Track] = []
        self._searched: deque[int] = deque()  # pts of answers, from the last one handed out on
        self._newest = frame.pts
        self._steps: deque[int] = deque(maxlen=_STEPS)  # from frame to frame, of late

    def _ticks(self, seconds: float) -> int:
        return math.floor(Fraction(seconds).limit_denominator(1_000_000) / self._time_base)

    def continues(self, frame: Frame) -> bool:
        return frame.session == self._number and frame.time_base == self._time_base

    def take(self, frame: Frame, finding: Finding) -> Iterator[tuple[Frame, Coverage]]:
        """Learn from one more frame, and yield those that no later one can say more about."""
        if frame.pts > self._newest:
            self._steps.append(frame.pts - self._newest)
            self._newest = frame.pts
        self._waiting.append((frame, finding))
        if isinstance(finding, Answered):
            self._searched.append(frame.pts)
            self._see(frame.pts, finding)
        horizon = max(self._lead, self._bridge)
        while self._waiting and self._passed - self._waiting[0][0].pts >= horizon:
            yield self._leave()

    @property
    def _passed(self) -> int:
        """Up to when all is known: no frame comes before, or at that time, any more."""
        if not self._reach.is_live or len(self._steps) < _FEWEST_STEPS:
            return self._newest
        return self._newest + max(0, min(self._steps) - 1)

    def rest(self) -> Iterator[tuple[Frame, Coverage]]:
        """Yield all frames that wait: nothing follows."""
        while self._waiting:
            yield self._leave()

    def _see(self, pts: int, answer: Answered) -> None:
        reachable = max(self._bridge, self._hold)
        live = [t for t in self._tracks if pts - t.last.pts <= reachable]
        linked = link(live, answer.detections, pts, self._second)
        for track in live:
            self._follow_on(track, pts)
        for detection, known in zip(answer.detections, linked, strict=True):
            sighting = Sighting(pts, detection.box, detection.confidence)
            if known is None:
                self._tally.tracks += 1
                track = Track(self._tally.tracks, sighting, self._second)
                self._tracks.append(track)
            else:
                track = known
                track.add(sighting)
            self._follow_back(track)

    def _follow_back(self, track: Track) -> None:
        """Look for the newest sighting's face on the frames before it, to the one before it."""
        newest, before = track.last, self._bridged_from(track)
        since = newest.pts - self._lead if before is None else before.pts
        frames = [frame for frame, _ in self._waiting if since < frame.pts <= newest.pts]
        if len(frames) < 2:
            return
        trail = TemplateTracker(frames[-1], newest.box, self._velocity(track))
        self._follow(track, trail, frames[-2::-1])

    def _follow_on(self, track: Track, until: int) -> None:
        """Look for a face on the frames after its last sighting."""
        last = track.last
        if track.trail is None:
            frames = [frame for frame, _ in self._waiting if last.pts <= frame.pts <= until]
            if not frames or frames[0].pts != last.pts:
                return
            track.trail = TemplateTracker(frames[0], last.box, self._velocity(track))
        at = round(track.trail.time * self._second)
        until = min(until, last.pts + self._bridge)
        frames = [frame for frame, _ in self._waiting if at < frame.pts <= until]
        self._follow(track, track.trail, frames)

    def _bridged_from(self, track: Track) -> Sighting | None:
        """Return the sighting before the last one, if the gap between them is bridged."""
        before = track.before_last()
        return before if before and track.last.pts - before.pts <= self._bridge else None

    def _velocity(self, track: Track) -> tuple[float, float]:
        """Return the pixels a second between the last two sightings."""
        last, before = track.last, self._bridged_from(track)
        if before is None:
            return 0.0, 0.0
        (x0, y0), (x1, y1) = before.box.centre, last.box.centre
        seconds = (last.pts - before.pts) / self._second
        return (x1 - x0) / seconds, (y1 - y0) / seconds

    @staticmethod
    def _follow(track: Track, trail: TemplateTracker, frames: Sequence[Frame]) -> None:
        """Follow a face over frames, in steps; between two steps it is where it was at either."""
        passed: list[Frame] = []
        for frame in frames:
            passed.append(frame)
            if abs(float(frame.time) - trail.time) < STEP and frame is not frames[-1]:
                continue
            last, there = trail.box, trail.advance(frame)
            if there is None:
                return
            for each in passed[:-1]:
                track.follow(each.pts, last.union(there))
            track.follow(frame.pts, there)
            passed = []

    def _leave(self) -> tuple[Frame, Coverage]:
        frame, finding = self._waiting.popleft()
        reason = self._reason(frame.pts, finding)
        if reason is not None:
            coverage = Coverage.whole(frame.seq, reason, frame.width, frame.height)
        else:
            regions = (each for track in self._tracks for each in self._regions(track, frame.pts))
            coverage = Coverage(frame.seq, tuple(regions))
        self._forget(frame.pts)
        return frame, coverage

    def _reason(self, pts: int, finding: Finding) -> Reason | None:
        """Return why the frame must be covered whole, if it must."""
        if isinstance(finding, Unanswered):
            return finding.reason
        if isinstance(finding, Answered):
            return None
        before = [p for p in self._searched if p <= pts]
        after = next((p for p in self._searched if p > pts), None)
        if not before:
            return Reason.NOT_YET
        if after is None or after - before[-1] > self._lead:
            return Reason.TOO_SPARSE
        return None

    def _regions(self, track: Track, pts: int) -> Iterator[Region]:
        """Yield what a track covers at a time."""
        before, after = track.around(pts)
        if before is not None and before.pts == pts:
            yield self._covering(before.box, Basis.DETECTED, track, pts, before.confidence)
            return
        alike = track.followed.get(pts, [])
        is_bridged = (
            before is not None and after is not None and after.pts - before.pts <= self._bridge
        )
        if before is not None and after is not None and is_bridged:
            box = between(before, after, pts, self._second)
            yield self._covering(box, Basis.BRIDGED, track, pts)
            alike = [each for each in alike if not box.contains(each)]
        for each in alike:
            yield self._covering(each, Basis.FOLLOWED, track, pts)
        if before and after and is_bridged and not is_far(before, after):
            return
        # Perhaps these are two faces, or the face did not go straight: both ends as well.
        held = before is not None and pts - before.pts <= self._hold
        led = after is not None and after.pts - pts <= self._lead
        box_held = self._reached(track, before, pts) if held else None
        box_led = self._reached(track, after, pts) if led else None
        if is_bridged:
            for end, basis in ((box_held, Basis.HELD), (box_led, Basis.LED)):
                if end is not None:
                    yield self._covering(end, basis, track, pts)
        elif box_held is not None:
            box = box_held if box_led is None else box_held.union(box_led)
            yield self._covering(box, Basis.HELD, track, pts)
        elif box_led is not None:
            yield self._covering(box_led, Basis.LED, track, pts)

    @staticmethod
    def _reached(track: Track, sighting: Sighting | None, pts: int) -> Box | None:
        """Return where the face was seen and where it may have gone since, in one box."""
        if sighting is None:
            return None
        return sighting.box.union(track.extrapolated(sighting, pts))

    def _covering(
        self,
        box: Box,
        basis: Basis,
        track: Track,
        pts: int,
        confidence: float | None = None,
    ) -> Region:
        grown = track.steadied(box, pts).grown(self._reach.margin)
        slack = Box(grown.x0 - _SLACK, grown.y0 - _SLACK, grown.x1 + _SLACK, grown.y1 + _SLACK)
        return Region(slack, basis, track.number, confidence)

    def _forget(self, pts: int) -> None:
        """Drop what no frame after ``pts`` can need."""
        longest = max(self._hold, self._bridge)
        self._tracks = [t for t in self._tracks if t.last.pts + longest >= pts]
        for track in self._tracks:
            track.forget_before(pts)
        while len(self._searched) > 1 and self._searched[1] <= pts:
            self._searched.popleft()
