"""Names of recordings: made by strftime, recognised again, never shared by two cameras."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurcam.errors import ConfigError
from blurcam.settings.cameras_yaml import parse_site
from blurcam.settings.name_forms import KNOWN
from blurcam.settings.recording_names import NamePattern, share_names
from blurcam.settings.secrets import Secrets

START = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
MOMENTS = st.floats(min_value=0, max_value=datetime(2068, 1, 1, tzinfo=UTC).timestamp())
PADDED = [f"%{flag}{letter}" for flag in "-_" for letter in "mdHMSIyUWVgCj"]


@pytest.mark.parametrize("directive", [*KNOWN, *PADDED])
@given(moment=MOMENTS)
def test_every_name_that_a_directive_makes_is_recognised(directive: str, moment: float) -> None:
    names = NamePattern(f"/media/{directive}/x_{directive}_y.mp4")
    path = names.name_at(moment)
    assert names.recognises(path)
    assert names.recognises(path.with_name(f"{path.stem}-2.mp4"))
    assert not names.recognises(path.with_name(f"{path.stem}x.mp4"))
    assert not names.recognises(path.with_suffix(".ts"))
    assert not names.recognises(Path("/elsewhere") / path.relative_to("/media"))


@pytest.mark.parametrize("directive", ["%Z", "%c", "%x", "%X", "%s", "%n", "%Q", "%^b", "%"])
def test_a_directive_that_could_not_be_recognised_is_refused(directive: str) -> None:
    with pytest.raises(ConfigError, match="would never be deleted"):
        NamePattern(f"/media/{directive}.mp4")


@pytest.mark.parametrize(
    "pattern",
    ["%F_%T", "%Y%m%dT%H%M%S", "%D/%T", "%Y/%j/%H-%M-%S", "%e %B %Y %r", "%d-%h-%y_%I%P%M%S",
     "%Y-%m-%d_%H-%M-%S%z", "%-d.%-m.%Y_%k.%M.%S"],
)  # fmt: skip
@given(moment=MOMENTS)
def test_the_time_in_a_name_is_read_to_the_second(pattern: str, moment: float) -> None:
    names = NamePattern(f"/media/{pattern}.mp4")
    told = names.time_of(names.name_at(moment))
    assert told is not None
    assert -1e-6 <= moment - told < 1


def test_a_name_without_a_whole_date_tells_no_time() -> None:
    for pattern in ("%H-%M-%S", "%m-%d", "%Y", "%U_%a"):
        names = NamePattern(f"/media/{pattern}.mp4")
        assert names.time_of(names.name_at(START)) is None
    assert NamePattern("/media/%F.mp4").time_of(Path("/media/2026-02-31.mp4")) is None


def test_a_day_that_stands_twice_in_a_name_is_the_same_day() -> None:
    names = NamePattern("/media/%F/%F_%H.mp4")
    assert names.recognises(Path("/media/2026-09-21/2026-09-21_14.mp4"))
    assert not names.recognises(Path("/media/2026-09-21/2026-09-22_14.mp4"))


def test_names_are_utc_or_bear_their_offset() -> None:
    assert NamePattern("%H-%M-%S.ts").name_at(START) == Path("14-13-20.ts")
    local = datetime.fromtimestamp(START, UTC).astimezone()
    assert NamePattern("%H%M%S%z.ts").name_at(START) == Path(local.strftime("%H%M%S%z.ts"))


PIECES = st.lists(
    st.sampled_from(
        ["%Y", "%m", "%d", "%H", "%M", "%F", "%T", "%-d", "%b", "20", "26", "1", "-", "_", "x", "/"]
    ),
    min_size=1,
    max_size=6,
).map(lambda pieces: "/media/a" + "".join(pieces) + ".mp4")


@given(one=PIECES, other=PIECES, moment=MOMENTS, number=st.integers(1, 30))
def test_patterns_of_which_one_recognises_a_name_of_the_other_overlap(
    one: str, other: str, moment: float, number: int
) -> None:
    first, second = NamePattern(one), NamePattern(other)
    if not first.is_pattern:
        return
    name = first.name_at(moment)
    if number > 1:
        name = name.with_name(f"{name.stem}-{number}{name.suffix}")
    if second.recognises(name):
        assert first.overlaps(second)
        assert second.overlaps(first)
    assert first.overlaps(first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/media/%Y/%m/%d.mp4", "/media/2026/%m/%d.mp4"),
        ("/media/%F.mp4", "/media/%Y-%m-%d.mp4"),
        ("/media/%H-%M.mp4", "/media/%H.mp4"),  # 14-13.mp4 is 14.mp4 for the thirteenth time
        ("/media/%F/%H.mp4", "/media/x/../%F/%H.mp4"),
    ],
)
def test_two_cameras_that_could_name_each_others_files_are_refused(one: str, other: str) -> None:
    assert share_names(one, other)
    text = "cameras:\n" + "".join(
        f"  {name}:\n    source: rtsp://cam/{name}\n    outputs: ['{pattern}']\n"
        for name, pattern in (("front", one), ("back", other))
    )
    with pytest.raises(ConfigError, match=r"cameras\.back\.outputs.*an output of front"):
        parse_site(text, Secrets({}))


def test_a_link_in_the_root_does_not_hide_that_two_patterns_are_one(tmp_path: Path) -> None:
    (tmp_path / "front").mkdir()
    (tmp_path / "back").symlink_to(tmp_path / "front")
    one, other = f"{tmp_path}/front/%H.mp4", f"{tmp_path}/back/%H.mp4"
    assert share_names(one, other)
    assert not share_names(one, f"{tmp_path}/side/%H.mp4")
    assert not share_names("/media/front-%H.mp4", "/media/back-%H.mp4")
    assert not share_names("/media/%H.mp4", "/media/%H.ts")


def test_no_way_up_behind_the_clock() -> None:
    with pytest.raises(ConfigError, match=r'"\.\." may stand'):
        NamePattern("/media/%Y/../../%H.mp4")


@given(moment=MOMENTS)
def test_the_folders_of_a_name_may_hold_it_and_no_others_are_looked_into(moment: float) -> None:
    for pattern in ("/media/%D/%H/x-%M.ts", "/media/%Y/day-%j/%H.ts", "/media/%F_%T.ts"):
        names = NamePattern(pattern)
        parts = names.name_at(moment).relative_to("/media").parts
        for depth in range(1, len(parts)):
            assert names.may_hold("/".join(parts[:depth]))
            assert not names.may_hold("/".join([*parts[: depth - 1], "proc"]))
        assert not names.may_hold("/".join(parts))
