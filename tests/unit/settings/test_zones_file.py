"""A zones file: how it is read, what is refused of it and where, and how it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blurcam.errors import ConfigError
from blurcam.settings.cameras_yaml import parse_site, read_site
from blurcam.settings.secrets import Secrets
from blurcam.settings.zones_file import (
    EMPTY,
    MOST_BYTES,
    Zone,
    parse_zones,
    read_zones,
    zones_schema,
    zones_text,
)

WINDOW = ((0.0, 0.0), (0.3, 0.0), (0.3, 0.4))
POSTER = ((0.8, 0.1), (0.9, 0.1), (0.9, 0.5))
BOTH = (Zone(name="Neighbour's window – ü", mask=WINDOW), Zone(ignore=POSTER))
SITE = """\
cameras:
  front:
    source: rtsp://cam/live
    outputs: ['%H.ts']
    zones: {zones}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "front.zones.json").write_bytes(zones_text(BOTH))
    return tmp_path


def site(folder: Path, zones: str = "front.zones.json") -> Path:
    path = folder / "cameras.yaml"
    path.write_text(SITE.replace("{zones}", zones), encoding="utf-8")
    return path


def test_the_schema_knows_every_key_and_no_other() -> None:
    made = zones_schema()
    for model in (made, made["$defs"]["Zone"]):
        assert model["additionalProperties"] is False
        assert all(each["description"] for each in model["properties"].values())
    assert set(made["$defs"]["Zone"]["properties"]) == {"name", "mask", "ignore"}


def test_what_is_written_is_read_again_and_fits_the_schema(folder: Path) -> None:
    stored = read_zones(folder / "front.zones.json")
    assert stored.zones == BOTH
    assert parse_zones(EMPTY.encode()) == ()
    for text in (zones_text(BOTH), zones_text(()), EMPTY.encode()):
        assert set(json.loads(text)) == set(zones_schema()["required"])
    assert len(zones_text(BOTH).splitlines()) == 4, "a line for each zone"
    changed = zones_text(BOTH[:1])
    (folder / "front.zones.json").write_bytes(changed)
    assert read_zones(folder / "front.zones.json").mark != stored.mark


def test_the_largest_file_that_is_allowed_can_be_written() -> None:
    points = tuple((0.1234, n / 10_000) for n in range(128))
    most = zones_text(tuple(Zone(name="ü" * 80, mask=points) for _ in range(64)))
    assert len(most) <= MOST_BYTES
    assert len(parse_zones(most)) == 64


def test_a_camera_has_the_zones_of_its_file_and_those_beside_it(folder: Path) -> None:
    site_of_both = read_site(site(folder), Secrets({}))
    (camera,) = site_of_both.cameras
    assert camera.cover.masks == (WINDOW,)
    assert camera.cover.ignores == (POSTER,)
    assert site_of_both.zones == {"front": folder / "front.zones.json"}
    fixed = "[{mask: [[0, 0], [1, 0], [1, 1]]}, {file: front.zones.json}]"
    (camera,) = read_site(site(folder, fixed), Secrets({})).cameras
    assert len(camera.cover.masks) == 2
    apart = folder / "apart"
    apart.mkdir()
    (camera,) = read_site(site(apart, str(folder / "front.zones.json")), Secrets({})).cameras
    assert camera.cover.masks == (WINDOW,)


def test_no_secret_is_filled_into_a_zones_file(folder: Path) -> None:
    (folder / "front.zones.json").write_bytes(zones_text((Zone(name="${TOKEN}", mask=WINDOW),)))
    read_site(site(folder), Secrets({"TOKEN": "t0k3n-42"}))
    (zone,) = read_zones(folder / "front.zones.json").zones
    assert zone.name == "${TOKEN}"


def test_a_missing_zones_file_is_refused_since_a_mask_may_have_been_in_it(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 5: cameras\.front\.zones: gone\.json: does not"):
        read_site(site(folder, "gone.json"), Secrets({}))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"version": 1,\n "zones": [\n {"mask": [[0, 0], [1, 1]]}]}',
         "line 3: zones[0].mask: a polygon needs three points or more, not 2"),
        ('{"version": 1,\n "zones": [\n {"name": "x"}]}', "line 3: zones[0]: give mask or ignore"),
        ('{"version": 1, "zones": [\n {"masc": []}]}',
         'line 2: zones[0].masc: unknown key; did you mean "mask"?'),
        ('{"version": 1, "zones": [{"ignore": [[0, 0], [1, 2], [1, 1]]}]}',
         "line 1: zones[0].ignore: points are fractions of the frame, from 0 to 1"),
        ('{"version": 2, "zones": []}', "line 1: version: choose one of 1"),
        ("{}", "zones: is required"),
        ('{"version": 1,\n "zones": [}', "line 2: is not JSON: Expecting value"),
        ('{"version": 1, "zones": [], "zones": []}', "a key is given twice"),
        ('{"version": 1, "zones": [{"mask": [[NaN, 0], [1, 0], [1, 1]]}]}', "NaN is not a number"),
        ('{"version": 1, "zones": [{"ignore": [[0, 0], [1, 0], [1, 1]]}]}',
         "the places to ignore take 100% of the frame"),
        ("[" * 100_000, "is not UTF-8 text in JSON"),
        (" " * (MOST_BYTES + 1), f"is larger than {MOST_BYTES} bytes"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_place(content: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_zones(content.encode())
    assert told in str(refused.value)


def test_faults_of_a_zones_file_stand_among_those_of_the_cameras(folder: Path) -> None:
    (folder / "front.zones.json").write_text('{"version": 1, "zones": [\n{},\n{"mask": 3}]}')
    with pytest.raises(ConfigError) as refused:
        read_site(site(folder), Secrets({}))
    lines = [line.partition("cameras.yaml: ")[2] for line in str(refused.value).splitlines()]
    assert lines == [
        "line 5: cameras.front.zones: front.zones.json: line 2: zones[0]: give mask or ignore",
        "line 5: cameras.front.zones: front.zones.json: line 3: zones[1].mask: is not a list",
    ]


@pytest.mark.parametrize(
    ("zones", "told"),
    [
        ("[{file: a.json}, {file: b.json}]", "zones: only one zones file can be given"),
        ("[{file: a.json, name: x}]", "zones[0]: a zones file has masks, ignores and names"),
        ("3", "zones: is not a list"),
    ],
)
def test_one_zones_file_is_given_alone(zones: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_site(SITE.replace("{zones}", zones), Secrets({}))
    assert told in str(refused.value)
