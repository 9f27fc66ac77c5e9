"""The proof over `blurcam review`: no answer of its page holds a raw frame, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.canary import Feed, make_feed
from tests.proof.paths import Review
from tests.proof.prove import Case, judge
from tests.proof.zygote import zygotes

FRAMES = 14
REVIEW = Review()


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return make_feed(tmp_path_factory.mktemp("feed") / "feed.mp4", FRAMES)


def test_the_page_shows_no_face_and_each_break_of_it_is_noticed(feed: Feed, tmp_path: Path) -> None:
    faults = REVIEW.faults
    sound = [Case(REVIEW, fault, 2) for fault in faults.values()]
    broken = [
        Case(REVIEW, faults[kind], 2, (faults[kind].broken_by,))
        for kind in ("a bug in picture", "a bug in redact", "the clock leaps")
    ]
    with zygotes(1) as pool:
        found = list(judge(pool, None, {False: feed}, [*sound, *broken]))
    by = {(each.case.fault.kind, bool(each.case.breaks)): each for each in found}
    assert [str(each) for each in found if each.problems and not each.case.breaks] == []
    assert all(each.struck for each in found if not each.case.breaks)
    for kind in ("a bug in picture", "a bug in redact", "the clock leaps"):
        assert any("shows the face" in each for each in by[kind, True].problems), kind
