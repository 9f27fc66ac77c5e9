"""Coverage of what was found, before, after and between: it may only add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurcam.assess.measure import COVERED
from blurcam.detect.detector import Accounted, Answered, Detection, Finding, Unanswered
from blurcam.errors import ConfigError
from blurcam.media.frames import Frame
from blurcam.media.masks import covered_share, rasterise
from blurcam.media.regions import Basis, Box, Coverage, Reason
from blurcam.runtime.counts import FrameCounts
from blurcam.track.cover import cover
from blurcam.track.reach import Reach
from tests.support.makers import boxes, grey_frame

SIDE = 200
NONE = Answered(())
REACH = Reach(lead=0.5, hold=0.5, bridge=1.0, margin=1.4)
Scene = list[tuple[Frame, Finding]]


def found(*boxes: Box) -> Answered:
    """Return an answer in which the boxes belong to tracks 1, 2 and so on."""
    return Answered(tuple(Detection(box, 0.9, n) for n, box in enumerate(boxes, 1)))


def scene(*findings: Finding, step: int = 100) -> Scene:
    """Return frames ``step`` milliseconds apart."""
    return [(grey_frame(n, n * step), each) for n, each in enumerate(findings)]


def covered(scanned: Scene, reach: Reach = REACH) -> list[Coverage]:
    return [coverage for _, coverage in cover(scanned, reach, FrameCounts())]


def bases(coverages: list[Coverage]) -> list[str]:
    return ["+".join(sorted(r.basis.value for r in c.regions)) for c in coverages]


A = Box(50, 50, 70, 74)
times = st.lists(st.integers(1, 900), min_size=1, max_size=25).map(lambda s: list(accumulate(s)))
some = settings(max_examples=100, deadline=None)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    out: Scene = []
    session = 0
    for seq, pts in enumerate(draw(times)):
        session += draw(st.integers(0, 9)) == 0
        kind = draw(st.integers(0, 9))
        finding: Finding = Accounted()
        if kind == 0:
            finding = Unanswered(Reason.DETECTOR_FAILED)
        elif kind < 7:
            finding = found(*draw(st.lists(boxes(SIDE, SIDE), max_size=3)))
        out.append((grey_frame(seq, pts, session=session), finding))
    return out


reaches = st.builds(
    Reach,
    lead=st.floats(0, 2),
    hold=st.floats(0, 2),
    bridge=st.floats(0, 2),
    margin=st.floats(1, 2),
    is_live=st.booleans(),
    most_bytes=st.none() | st.integers(0, 9 * SIDE * SIDE),
)


@given(scanned=scenes(), reach=reaches)
@some
def test_coverage_contains_every_detection(scanned: Scene, reach: Reach) -> None:
    for (frame, finding), coverage in zip(scanned, covered(scanned, reach), strict=True):
        assert coverage.seq == frame.seq
        if isinstance(finding, Answered):
            for detection in finding.detections:
                grown = detection.box.grown(reach.margin)
                assert any(r.box.contains(grown) for r in coverage.regions)


@given(scanned=scenes(), reach=reaches)
@some
def test_every_frame_leaves_once_and_in_order(scanned: Scene, reach: Reach) -> None:
    left = [frame.seq for frame, _ in cover(scanned, reach, FrameCounts())]
    assert left == [frame.seq for frame, _ in scanned]


@given(scanned=scenes(), reach=reaches)
@some
def test_what_was_not_searched_is_never_taken_for_empty(scanned: Scene, reach: Reach) -> None:
    for (_, finding), coverage in zip(scanned, covered(scanned, reach), strict=True):
        if isinstance(finding, Unanswered):
            assert coverage.reason is finding.reason


@given(scanned=scenes(), reach=reaches)
@some
def test_an_unsearched_frame_leaves_clear_only_soon_after_a_search(
    scanned: Scene, reach: Reach
) -> None:
    searched = [(f.session, f.pts) for f, finding in scanned if isinstance(finding, Answered)]
    for (frame, finding), coverage in zip(scanned, covered(scanned, reach), strict=True):
        if not isinstance(finding, Accounted) or coverage.is_whole:
            continue
        before = max(p for s, p in searched if s == frame.session and p < frame.pts)
        assert (frame.pts - before) / 1000 <= reach.longest


@given(steps=times, lead=st.floats(0, 3), hold=st.floats(0, 3))
@some
def test_a_guess_before_and_after_a_detection_lasts_an_eighth_of_a_second(
    steps: list[int], lead: float, hold: float
) -> None:
    middle = len(steps) // 2
    scanned: Scene = [
        (grey_frame(n, pts), found(A) if n == middle else NONE) for n, pts in enumerate(steps)
    ]
    out = covered(scanned, Reach(lead, hold, 0, 1.4))
    for (frame, _), coverage in zip(scanned, out, strict=True):
        apart = (frame.pts - steps[middle]) / 1000
        assert bool(coverage.regions) == (-min(lead, 0.12) <= apart <= min(hold, 0.12))


@given(steps=times, hold=st.floats(0, 3))
@some
def test_a_face_that_searches_miss_is_covered_where_it_is_followed_for_as_long_as_hold(
    steps: list[int], hold: float
) -> None:
    missed = Answered((), (Detection(A, 0.0, 1),))
    scanned: Scene = [
        (grey_frame(n, pts), missed if n else found(A)) for n, pts in enumerate(steps)
    ]
    out = covered(scanned, Reach(0.5, hold, 0, 1.4))
    for (frame, _), coverage in zip(scanned, out, strict=True):
        assert bool(coverage.regions) == ((frame.pts - steps[0]) / 1000 <= hold)


def test_a_face_seen_once_is_covered_before_and_after() -> None:
    out = covered(scene(*[NONE] * 7, found(A), *[NONE] * 7, step=50))
    assert bases(out) == [""] * 5 + ["led"] * 2 + ["detected"] + ["held"] * 2 + [""] * 5


def test_a_gap_within_a_track_is_bridged_by_interpolation() -> None:
    b = Box(58, 50, 78, 74)
    out = covered(scene(found(A), NONE, NONE, NONE, found(b)))
    assert bases(out) == ["detected", *["bridged"] * 3, "detected"]
    middle = out[2].regions[0].box
    assert middle.contains(Box(54, 50, 74, 74).grown(1.4))


def test_a_longer_gap_is_held_and_led() -> None:
    out = covered(scene(found(A), *[NONE] * 11, found(A)))
    assert out[1].regions[0].basis is Basis.HELD
    assert out[6].regions == ()
    assert out[11].regions[0].basis is Basis.LED


def test_nothing_crosses_a_session() -> None:
    scanned = scene(found(A), found(A), NONE, NONE, found(A))
    scanned[2:4] = [(grey_frame(n, n * 100, session=1), NONE) for n in (2, 3)]
    scanned[4] = (grey_frame(4, 400, session=2), found(A))
    assert bases(covered(scanned)) == ["detected", "detected", "", "", "detected"]


def test_a_session_that_begins_unsearched_is_fully_covered() -> None:
    out = covered(scene(Accounted(), Accounted(), NONE, Accounted(), NONE))
    assert [c.reason for c in out] == [Reason.NOT_YET, Reason.NOT_YET, None, None, None]


def test_long_after_the_last_search_frames_are_fully_covered() -> None:
    out = covered(scene(NONE, *[Accounted()] * 3, step=200), replace(REACH, longest=0.4))
    assert [c.reason for c in out] == [None, None, None, Reason.TOO_SPARSE]


def test_two_people_who_cross_stay_covered() -> None:
    def at(n: int) -> tuple[Box, Box]:
        return Box(20 + 4 * n, 50, 40 + 4 * n, 74), Box(140 - 4 * n, 52, 160 - 4 * n, 76)

    hidden = range(12, 18)  # while one is behind the other, one detection
    scanned = scene(*[found(*at(n)[: 1 if n in hidden else 2]) for n in range(30)], step=40)
    for n, coverage in enumerate(covered(scanned)):
        mask = rasterise(coverage.regions, SIDE, SIDE)
        assert all((covered_share(mask, box) or 0) >= COVERED for box in at(n)), n


@pytest.mark.parametrize("every", [2, 3, 5, 8])
def test_a_walking_face_stays_covered_between_searches(every: int) -> None:
    """25 frames a second; one and a half face widths a second, and turning round on the way."""

    def at(n: int) -> Box:
        x = 100 - 60 * abs(1 - n / 50)
        return Box.around(x, 60, x + 24, 90)

    findings = [found(at(n)) if n % every == 0 else Accounted() for n in range(8 * 12 + 1)]
    for n, coverage in enumerate(covered(scene(*findings, step=40))):
        mask = rasterise(coverage.regions, SIDE, SIDE)
        assert (covered_share(mask, at(n)) or 0) >= COVERED, n


def test_no_more_frames_wait_than_the_look_ahead_is_long() -> None:
    pulled = 0

    def source() -> Iterator[tuple[Frame, Finding]]:
        nonlocal pulled
        for n in range(200):
            pulled += 1
            yield grey_frame(n, n * 40), NONE

    for left, _ in enumerate(cover(source(), Reach(0.5, 0.5, 1.0, 1.4), FrameCounts())):
        assert pulled - left <= 1000 // 40 + 1


def test_tracks_are_counted() -> None:
    counts = FrameCounts()
    b = Box(120, 120, 140, 144)
    both = found(A, b)
    list(cover(scene(found(A), both, Answered(both.detections[1:]), NONE), REACH, counts))
    assert counts.tracks == 2


def test_a_wider_neighbour_in_time_steadies_the_size() -> None:
    narrow = Box(53, 50, 67, 74)
    out = covered(scene(found(A), found(narrow), found(A), step=40))
    assert out[1].regions[0].box.width == out[0].regions[0].box.width


@pytest.mark.parametrize("bad", [{"margin": 0.9}, {"lead": -1}, {"hold": float("nan")}])
def test_a_reach_that_takes_away_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Reach(**{"lead": 0.5, "hold": 0.5, "bridge": 1, "margin": 1.4} | bad)


def left_at(scanned: Scene, reach: Reach) -> dict[int, int]:
    """Return for each frame the newest that had been looked at when it left."""
    newest = 0

    def passing() -> Iterator[tuple[Frame, Finding]]:
        nonlocal newest
        for each in scanned:
            newest = each[0].seq
            yield each

    return {frame.seq: newest for frame, _ in cover(passing(), reach, FrameCounts())}


def test_a_live_frame_waits_for_no_frame_that_comes_too_late_to_say_anything_of_it() -> None:
    steady = scene(*[NONE] * 40, step=67)
    live = replace(REACH, lead=0.3, bridge=0.3, is_live=True)
    waits = left_at(steady, live)
    # At 67 ms a step the fourth after a frame is the last that can reach it.
    assert {waits[n] - n for n in range(10, 30)} == {4}
    assert covered(steady, live) == covered(steady, replace(live, is_live=False))
    recorded = left_at(steady, replace(live, is_live=False))
    assert {recorded[n] - n for n in range(10, 30)} == {5}


def test_a_live_frame_is_led_by_every_frame_that_can_reach_it_whatever_the_step_was() -> None:
    """The camera slows down for a while, then is as fast as before: recent steps count."""
    pts = list(accumulate([67] * 20 + [200] * 10 + [67] * 20))
    scanned: Scene = [(grey_frame(n, at), NONE) for n, at in enumerate(pts)]
    waits = left_at(scanned, replace(REACH, lead=0.3, bridge=0.3, is_live=True))
    for n in range(40):
        assert all(at - pts[n] > 300 for at in pts[waits[n] + 1 :])


def test_no_more_frames_wait_than_memory_allows_and_a_note_says_so_once() -> None:
    scanned = scene(*[NONE] * 30, step=10)
    counts, taken = FrameCounts(), 0

    def taking() -> Iterator[tuple[Frame, Finding]]:
        nonlocal taken
        for each in scanned:
            taken += 1
            yield each

    most = 0
    reach = replace(REACH, most_bytes=5 * SIDE * SIDE)
    for left, _ in enumerate(cover(taking(), reach, counts)):
        most = max(most, taken - left) if taken < 30 else most
    assert most == 6  # the sixth makes the first one go
    assert counts.notices == [
        "memory holds 5 frames (0.04 s) at once, so that less was looked ahead than --lead and "
        "--bridge ask for; --memory allows more"
    ]


def test_a_face_is_covered_where_it_is_found_however_little_memory_there_is() -> None:
    scanned = scene(*[NONE] * 5, found(A), *[NONE] * 5, step=1)
    out = covered(scanned, replace(REACH, most_bytes=0))
    assert bases(out)[5] == "detected"
    assert all(bases(out)[6:])
