"""What edits do to regions: but for two of them they only add cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.errors import ConfigError
from blurcam.media.masks import rasterise
from blurcam.media.regions import Basis, Box, Coverage, Reason, Region, Shape
from blurcam.review.edited_regions import apply_edits
from blurcam.review.edits import (
    DrawEdit,
    Edit,
    ExtendEdit,
    GrowEdit,
    HideEdit,
    MergeEdit,
    ReviewEdits,
    ShapeKey,
    SpareEdit,
    edits_schema,
    parse_edits,
)

W, H, FRAMES = 48, 32, 12
SPARE = SpareEdit(track=1, by="Kim", reason="a copy for the person shown", confirmed=True)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.integers(-8, W)), draw(st.integers(-8, H))
    return Box(x, y, x + draw(st.integers(1, 20)), y + draw(st.integers(1, 20)))


@st.composite
def recordings(draw: st.DrawFn) -> list[Coverage]:
    made = []
    for seq in range(FRAMES):
        if draw(st.integers(0, 9)) == 9:
            made.append(Coverage.whole(seq, Reason.NOT_YET, W, H))
            continue
        tracks = draw(st.sets(st.integers(0, 3), max_size=3))
        regions = [Region(draw(boxes()), Basis.DETECTED, track) for track in sorted(tracks)]
        made.append(Coverage(seq, tuple(regions)))
    return made


@st.composite
def shapes(draw: st.DrawFn) -> DrawEdit:
    frames = sorted(draw(st.sets(st.integers(0, FRAMES), min_size=1, max_size=3)))
    corners = draw(st.lists(boxes(), min_size=len(frames), max_size=len(frames)))
    is_polygon = draw(st.booleans())
    keys = tuple(
        ShapeKey(frame=frame, points=((b.x0, b.y0), (b.x1, b.y0), (b.x0, b.y1)))
        if is_polygon
        else ShapeKey(frame=frame, box=(b.x0, b.y0, b.x1, b.y1))
        for frame, b in zip(frames, corners, strict=True)
    )
    first = draw(st.none() | st.integers(0, FRAMES))
    last = None if first is None else draw(st.none() | st.integers(first, FRAMES + 3))
    return DrawEdit(keys=keys, first=first, last=last)


tracks = st.integers(0, 5)
adding = st.one_of(
    shapes(),
    st.builds(ExtendEdit, track=tracks, to=st.integers(0, FRAMES + 5)),
    st.builds(GrowEdit, track=tracks, factor=st.floats(1.01, 4)),
    st.builds(MergeEdit, tracks=st.lists(tracks, min_size=2, max_size=4).map(tuple)),
)
taking = st.one_of(
    st.builds(HideEdit, track=tracks, note=st.just("a lamp")),
    st.builds(SpareEdit, track=tracks, by=st.just("Kim"), reason=st.just("asked"),
              confirmed=st.just(True)),
)  # fmt: skip


def covered(coverage: Coverage) -> np.ndarray:
    return rasterise(coverage.regions, W, H)


@given(recordings(), st.lists(adding, max_size=5))
def test_every_edit_but_hide_and_spare_only_adds_cover(
    before: list[Coverage], edits: list[Edit]
) -> None:
    after = list(apply_edits(before, edits))
    assert [each.seq for each in after] == [each.seq for each in before]
    for old, new in zip(before, after, strict=True):
        assert new.reason == old.reason
        assert not (covered(old) & ~covered(new) & 1).any()


@given(recordings(), st.lists(adding, max_size=3), st.lists(taking, min_size=1, max_size=2))
def test_hide_and_spare_uncover_nobody_else(
    before: list[Coverage], added: list[Edit], taken: list[Edit]
) -> None:
    merged = {t for e in added if isinstance(e, MergeEdit) for t in e.tracks}
    gone = {e.track for e in taken if isinstance(e, HideEdit | SpareEdit)}
    after = list(apply_edits(before, [*added, *taken]))
    for old, new in zip(before, after, strict=True):
        others = tuple(r for r in old.regions if r.track not in gone | merged)
        assert not (rasterise(others, W, H) & ~covered(new) & 1).any()


@given(recordings(), st.permutations([
    GrowEdit(track=1, factor=1.5), MergeEdit(tracks=(1, 2)), ExtendEdit(track=2, to=11),
    HideEdit(track=3, note="a lamp"), MergeEdit(tracks=(2, 0)),
]))  # fmt: skip
def test_the_order_of_the_edits_changes_nothing(before: list[Coverage], edits: list[Edit]) -> None:
    usual = sorted(edits, key=repr)
    ours = [set(each.regions) for each in apply_edits(before, edits)]
    assert ours == [set(each.regions) for each in apply_edits(before, usual)]


def test_no_edits_change_nothing() -> None:
    before = [Coverage(0, (Region(Box(0, 0, 5, 5), Basis.HELD, 4),)), Coverage(1, ())]
    assert list(apply_edits(before, ())) == before


def test_a_shape_moves_on_a_line_between_its_keys_and_stands_still_beyond_them() -> None:
    keys = (ShapeKey(frame=2, box=(0, 0, 10, 10)), ShapeKey(frame=6, box=(8, 4, 18, 14)))
    blank = [Coverage(seq, ()) for seq in range(9)]
    after = list(apply_edits(blank, [DrawEdit(keys=keys, first=1, last=7)]))
    assert [tuple(r.box for r in each.regions) for each in after] == [
        (), (Box(0, 0, 10, 10),), (Box(0, 0, 10, 10),), (Box(2, 1, 12, 11),), (Box(4, 2, 14, 12),),
        (Box(6, 3, 16, 13),), (Box(8, 4, 18, 14),), (Box(8, 4, 18, 14),), (),
    ]  # fmt: skip
    assert all(r.basis is Basis.DRAWN for each in after for r in each.regions)


def test_merged_tracks_are_one_and_covered_between_them() -> None:
    def at(x: int, track: int) -> tuple[Region, ...]:
        return (Region(Box(x, 0, x + 4, 4), Basis.DETECTED, track),)

    before = [Coverage(0, at(0, 7)), *(Coverage(n, ()) for n in (1, 2, 3)), Coverage(4, at(8, 9))]
    after = list(apply_edits(before, [MergeEdit(tracks=(9, 7))]))
    assert [each.regions[0].box.x0 for each in after] == [0, 2, 4, 6, 8]
    assert {r.track for each in after for r in each.regions} == {7}
    shown = list(apply_edits(before, [MergeEdit(tracks=(9, 7)), SPARE.model_copy(
        update={"track": 9})]))  # fmt: skip
    assert [each.regions for each in shown] == [()] * 5  # the face, not only half of it


def test_a_spared_track_is_uncovered_and_others_over_it_are_not() -> None:
    one = Region(Box(0, 0, 10, 10), Basis.DETECTED, 1)
    two = Region(Box(5, 0, 15, 10), Basis.DETECTED, 2)
    mask = Region(Box(0, 0, 3, 3), Basis.ZONE, shape=Shape.POLYGON, points=((0, 0), (2, 0), (0, 2)))
    (after,) = apply_edits([Coverage(0, (one, two, mask))], [SPARE])
    assert after.regions == (two, mask)


def wrong(edit: str) -> str:
    text = '{"input_sha256": "%s", "regions_sha256": "%s", "edits": [%s]}'
    return text % ("0" * 64, "1" * 64, edit)


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ('{"op": "spare", "track": 1, "reason": "asked"}', "by: Field required"),
        ('{"op": "spare", "track": 1, "by": "Kim", "reason": "asked"}', "confirmed"),
        ('{"op": "spare", "track": 1, "by": " ", "reason": "asked", "confirmed": true}', "by"),
        ('{"op": "hide", "track": 1}', "note"),
        ('{"op": "hide", "track": 1, "reason": "shy", "note": "x"}', "reason"),
        ('{"op": "grow", "track": 1, "factor": 0.5}', "greater than 1"),
        ('{"op": "grow", "track": 1, "factor": NaN}', "factor"),
        ('{"op": "uncover", "track": 1}', "does not match any of the expected tags"),
        ('{"op": "draw", "keys": []}', "keys"),
        ('{"op": "draw", "keys": [{"frame": 1, "box": [5, 0, 5, 9]}]}', "a box is left, top"),
        ('{"op": "draw", "keys": [{"frame": 2, "box": [0, 0, 5, 9]}, {"frame": 2, "box": '
         "[0, 0, 5, 9]}]}", "in order"),
        ('{"op": "draw", "keys": [{"frame": 1, "points": [[0, 0], [1, 1]]}]}', "three points"),
        ('{"op": "accept", "finding": {"time": 1, "box": [0, 0, 1, 1]}, "reason": "other"}',
         "in words"),
    ],
)  # fmt: skip
def test_edits_that_must_not_be_are_refused_in_words(edit: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_edits(wrong(edit), "a.edits.json")


def test_the_file_reads_back_the_same_and_has_a_schema() -> None:
    edits = ReviewEdits(
        input_sha256="0" * 64,
        regions_sha256="1" * 64,
        edits=(SPARE, DrawEdit(keys=(ShapeKey(frame=0, box=(0, 0, 2, 2)),), last=3)),
    )
    assert parse_edits(edits.to_json(), "x") == edits
    assert set(edits_schema()["$defs"]) >= {"SpareEdit", "DrawEdit", "ShapeKey"}
