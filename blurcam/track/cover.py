"""``cover()`` turns the findings on frames into what must be covered on them; it only adds.

A face is covered where it was detected or followed, on the line between two such places, and
before its first detection as far back as its own pixels are found. Where the evidence ends, a place
is guessed for a moment only, since the frame loop has searched there.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

from blurcam.detect.detector import Accounted, Answered, Detection, Finding, Unanswered
from blurcam.detect.template import Template, leads_back
from blurcam.media.frames import Frame
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region
from blurcam.runtime.counts import FrameCounts
from blurcam.track.cuts import CutFinder
from blurcam.track.frame_buffer import FrameBuffer, Scanned
from blurcam.track.reach import Reach
from blurcam.track.tracks import Sighting, Track, between, is_far, moved

# This many pixels are added on every side: detectors place edges on a grid of four pixels, which
# matters on faces of twenty. With a margin of 1.35 and without this, 10 of the 1,634 sample
# face-frames of 24 px and more, all of turned heads, were covered by 78 to 90 %; now none is.
_SLACK: Final = 2
# A live stream's next frame is expected no sooner than after the shortest of this many steps.
_STEPS: Final = 30
_FEWEST_STEPS: Final = 5
# After the last evidence of a face, its place is guessed for this many seconds.
_GUESSED_SECONDS: Final = 0.12
# A face of low confidence in one search is followed for this long: up to the searches next to it.
_DOUBTED_SECONDS: Final = 0.16
# On earlier frames a face is searched for within this many of its own sizes of the expected place.
_BACK_REACH: Final = 0.7


def cover(
    scanned: Iterable[Scanned], reach: Reach, counts: FrameCounts
) -> Iterator[tuple[Frame, Coverage]]:
    """Yield every frame once, in order, with all that must be covered on it.

    A frame waits for the longer of ``lead`` and ``bridge``. That decides how many frames are held
    in memory, up to ``reach.most_bytes``. Nothing that is known crosses from one session to the
    next, or a cut of a recording.

    A frame that was not searched may pass on evidence alone, and only soon after one that was
    searched. Otherwise it is fully covered.
    """
    session: _Session | None = None
    waiting = FrameBuffer(reach.most_bytes, counts)
    cuts = None if reach.is_live else CutFinder()
    for frame, finding in scanned:
        is_cut = cuts is not None and cuts.is_cut(frame, finding)
        if session is None or not session.continues(frame):
            if session is not None:
                yield from session.rest()
            session = _Session(frame, waiting, reach, counts)
        elif is_cut:
            yield from session.rest()
            session.end_tracks()
        yield from session.take(frame, finding)
    if session is not None:
        yield from session.rest()


class _Session:
    """The tracks and the waiting frames of one session of a stream."""

    def __init__(
        self, frame: Frame, waiting: FrameBuffer, reach: Reach, counts: FrameCounts
    ) -> None:
        self._number = frame.session
        self._time_base = frame.time_base
        self._reach = reach
        self._counts = counts
        self._second = float(1 / frame.time_base)
        self._lead = self._ticks(reach.lead)
        self._hold = self._ticks(reach.hold)
        self._bridge = self._ticks(reach.bridge)
        self._horizon = max(self._lead, self._bridge)
        self._longest = self._ticks(reach.longest)
        self._guessed = self._ticks(_GUESSED_SECONDS)
        self._doubted = self._ticks(_DOUBTED_SECONDS)
        self._waiting = waiting
        self._tracks: dict[int, Track] = {}
        self._ended: set[int] = set()  # numbers of tracks before a cut
        self._alone = 0  # tracks of detections that came without a number: -1, -2 and so on
        self._searched: deque[int] = deque()  # pts of searched frames, from the last yielded on
        self._newest = frame.pts
        self._steps: deque[int] = deque(maxlen=_STEPS)  # from frame to frame

    def _ticks(self, seconds: float) -> int:
        return math.floor(Fraction(seconds).limit_denominator(1_000_000) / self._time_base)

    def continues(self, frame: Frame) -> bool:
        return frame.session == self._number and frame.time_base == self._time_base

    def take(self, frame: Frame, finding: Finding) -> Iterator[tuple[Frame, Coverage]]:
        """Take in one more frame, and yield those about which no later frame can tell more."""
        if frame.pts > self._newest:
            self._steps.append(frame.pts - self._newest)
            self._newest = frame.pts
        self._waiting.put(frame, finding)
        if isinstance(finding, Answered):
            self._searched.append(frame.pts)
        if isinstance(finding, Answered | Accounted):
            self._see(frame, finding)
        while self._waiting and self._passed - self._waiting.oldest.pts >= self._horizon:
            yield self._leave()
        while self._waiting.is_full:
            yield self._leave()

    @property
    def _passed(self) -> int:
        """The time up to which all frames have come."""
        if not self._reach.is_live or len(self._steps) < _FEWEST_STEPS:
            return self._newest
        return self._newest + max(0, min(self._steps) - 1)

    def rest(self) -> Iterator[tuple[Frame, Coverage]]:
        """Yield all frames that wait, since nothing follows."""
        while self._waiting:
            yield self._leave()

    def end_tracks(self) -> None:
        """Begin another scene: a number that comes again is of another track."""
        self._ended.update(self._tracks)
        self._tracks.clear()

    def _see(self, frame: Frame, finding: Answered | Accounted) -> None:
        for each in finding.followed:
            if each.track in self._tracks or each.track in self._ended:
                track = self._track_of(each)
                track.add(Sighting(frame.pts, each.box, None, is_sure=each.confidence > 0))
        for each in finding.detections:
            track = self._track_of(each)
            before = track.last if track.sightings else None
            was_sure = track.is_sure
            track.add(Sighting(frame.pts, each.box, each.confidence))
            self._follow_back(track, frame, before)
            if track.is_sure and not was_sure and before is not None:
                self._follow_further(track)

    def _track_of(self, detection: Detection) -> Track:
        number = detection.track
        if number is None:
            number = self._next_alone()
        if number not in self._tracks:
            self._counts.tracks += 1
            own = self._next_alone() if number in self._ended else number
            self._tracks[number] = Track(own, self._second, self._horizon)
        return self._tracks[number]

    def _next_alone(self) -> int:
        self._alone -= 1
        return self._alone

    def _follow_further(self, track: Track) -> None:
        """Follow a face back as far as ``lead``, now that its track is sure."""
        first = track.sightings[0]
        frame = next((each for each, _ in self._waiting if each.pts == first.pts), None)
        if frame is not None:
            self._follow_back(track, frame, None, first.box)

    def _reached(self, track: Track, most: int) -> int:
        """Return how far before and after its detections a face is covered.

        If one search alone found the face, with low confidence, the searches next to it did not
        find it. Such a face is followed only as far as those.
        """
        return most if track.is_sure else min(most, self._doubted)

    def _follow_back(
        self, track: Track, frame: Frame, before: Sighting | None, box: Box | None = None
    ) -> None:
        """Search for a face on the frames before its detection, back to its last sighting."""
        since = frame.pts - self._reached(track, self._lead) - 1
        if before is not None:
            since = max(since, before.pts)
        frames = [each for each, _ in self._waiting if since < each.pts < frame.pts]
        template = Template.of(frame, box or track.last.box) if frames else None
        velocity = track.velocity(before, self._bridge)
        later = frame
        for each in reversed(frames):
            if template is None or each.is_corrupt:
                return
            dx, dy = (v * (each.pts - later.pts) for v in velocity)
            ahead = moved(template.box, dx, dy)
            there = template.find(each, ahead, _BACK_REACH)
            found = None if there is None else Template.of(each, there)
            if found is None or not leads_back(template, later, found, _BACK_REACH):
                return
            (x0, y0), (x1, y1) = template.box.centre, found.box.centre
            passed = each.pts - later.pts
            if passed:
                velocity = (x1 - x0) / passed, (y1 - y0) / passed
            track.add(Sighting(each.pts, found.box, None))
            template, later = found, each

    def _leave(self) -> tuple[Frame, Coverage]:
        frame, finding = self._waiting.pop()
        reason = self._reason(frame.pts, finding)
        if reason is not None:
            coverage = Coverage.whole(frame.seq, reason, frame.width, frame.height)
        else:
            tracks = self._tracks.values()
            regions = (each for track in tracks for each in self._outlined(track, frame.pts))
            coverage = Coverage(frame.seq, tuple(regions))
        self._forget(frame.pts)
        return frame, coverage

    def _reason(self, pts: int, finding: Finding) -> Reason | None:
        """Return why the frame must be fully covered, if it must."""
        if isinstance(finding, Unanswered):
            return finding.reason
        if isinstance(finding, Answered):
            return None
        before = [p for p in self._searched if p <= pts]
        if not before:
            return Reason.NOT_YET
        return Reason.TOO_SPARSE if pts - before[-1] > self._longest else None

    def _outlined(self, track: Track, pts: int) -> list[Region]:
        """Return what a track covers at a time, in one calm shape."""
        outline = track.outline
        for later in outline.unseen((frame for frame, _ in self._waiting), pts):
            outline.see(later, list(self._regions(track, later)))
        return outline.of(pts, list(self._regions(track, pts)))

    def _regions(self, track: Track, pts: int) -> Iterator[Region]:
        """Yield the regions that a track asks for at a pts."""
        before, after = track.around(pts)
        if before is not None and before.pts == pts:
            basis = self._basis(track, before)
            if basis is not None:
                yield self._covering(before.box, basis, track, pts, before.confidence)
            return
        is_bridged = (
            before is not None and after is not None and after.pts - before.pts <= self._bridge
        )
        if before is not None and after is not None and is_bridged:
            box = between(before, after, pts, self._second)
            yield self._covering(box, Basis.BRIDGED, track, pts)
            if not is_far(before, after):
                return
        # These may be two faces, or the face did not go straight: both ends are covered as well.
        if before is not None and pts - before.pts <= min(self._guessed, self._hold):
            yield self._covering(self._guess(track, before, pts), Basis.HELD, track, pts)
        if after is not None and after.pts - pts <= min(self._guessed, self._lead):
            yield self._covering(self._guess(track, after, pts), Basis.LED, track, pts)

    def _basis(self, track: Track, sighting: Sighting) -> Basis | None:
        """Return why a sighting is covered; ``None`` if the face was followed for too long."""
        if sighting.is_detected:
            return Basis.DETECTED
        before = track.detected_before(sighting.pts)
        after = track.detected_after(sighting.pts)
        lead, hold = self._reached(track, self._lead), self._reached(track, self._hold)
        if after is not None and after.pts - sighting.pts <= lead:
            return Basis.LED if before is None else Basis.FOLLOWED
        if sighting.is_sure:
            return Basis.FOLLOWED
        if before is None:
            return None
        is_held = sighting.pts - before.pts <= hold
        is_bridged = after is not None and after.pts - before.pts <= self._bridge
        return Basis.FOLLOWED if is_held or is_bridged else None

    @staticmethod
    def _guess(track: Track, sighting: Sighting, pts: int) -> Box:
        """Return one box around the face's last place and where it may have gone since."""
        return sighting.box.union(track.extrapolated(sighting, pts))

    def _covering(
        self,
        box: Box,
        basis: Basis,
        track: Track,
        pts: int,
        confidence: float | None = None,
    ) -> Region:
        grown = box.grown(self._reach.margin)
        slack = Box(grown.x0 - _SLACK, grown.y0 - _SLACK, grown.x1 + _SLACK, grown.y1 + _SLACK)
        return Region(slack, basis, track.number, confidence)

    def _forget(self, pts: int) -> None:
        """Drop what no frame after ``pts`` needs."""
        longest = max(self._hold, self._bridge)
        self._tracks = {n: t for n, t in self._tracks.items() if t.last.pts + longest >= pts}
        for track in self._tracks.values():
            track.forget_before(pts, longest)
        while len(self._searched) > 1 and self._searched[1] <= pts:
            self._searched.popleft()
