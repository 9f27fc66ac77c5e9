"""The zone editor's part of the page, asked through real sockets: who may, and what is stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from blurcam.serve.zone_store import ZoneStore
from blurcam.settings.web import Web
from blurcam.settings.zones_file import EMPTY, MOST_BYTES, read_zones
from tests.support.boards import TOKEN, FedBoard, live, serving

BEARER = {"Authorization": f"Bearer {TOKEN}"}
MASK = {"name": "Window", "mask": [[0.1, 0.1], [0.4, 0.1], [0.4, 0.5]]}
SITE = """\
cameras:
  door: {source: 'rtsp://cam/1', outputs: ['door/%H.ts'], zones: door.zones.json}
  yard: {source: 'rtsp://cam/2', outputs: ['yard/%H.ts']}
"""


class Box:
    """A served page, its folder, and how often the file of cameras was to be read again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "cameras.yaml"
        self.zones = folder / "door.zones.json"
        self.config.write_text(SITE, encoding="utf-8")
        self.zones.write_text(EMPTY, encoding="utf-8")
        self.url = ""
        self.reloads = 0

    def reload(self) -> None:
        self.reloads += 1

    def get(self, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.url}cameras/door/zones.json", headers=BEARER, **more)

    def post(self, *zones: dict[str, Any], mark: str, camera: str = "door") -> httpx.Response:
        return self.send(json.dumps({"version": 1, "zones": zones}), mark, camera)

    def send(self, content: str, mark: str, camera: str = "door") -> httpx.Response:
        headers = BEARER | {"If-Match": mark, "Content-Type": "application/json"}
        url = f"{self.url}cameras/{camera}/zones.json"
        return httpx.post(url, content=content, headers=headers)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    board = FedBoard(live("door"), live("yard"))
    store = ZoneStore(box.config, box.reload)
    with serving(board, Web(port=0, token=TOKEN), zones=store) as server:
        box.url = server.url
        yield box


def test_saved_zones_are_in_the_file_and_come_into_force(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    before = box.config.read_bytes()
    answer = box.get()
    assert answer.json() == {"zones": []}
    with caplog.at_level(logging.INFO, "blurcam"):
        saved = box.post(MASK, mark=answer.headers["etag"])
    assert saved.status_code == 200
    assert saved.json() == {"zones": [MASK]} == box.get().json()
    assert saved.headers["etag"] == box.get().headers["etag"] != answer.headers["etag"]
    assert [zone.name for zone in read_zones(box.zones).zones] == ["Window"]
    assert box.reloads == 1
    assert box.config.read_bytes() == before
    assert sorted(each.name for each in box.folder.iterdir()) == ["cameras.yaml", "door.zones.json"]
    said = "door: zones changed from 0 masks and 0 places to ignore to 1 masks and 0"
    assert said in caplog.text
    assert "by 127.0.0.1" in caplog.text


def test_zones_that_were_drawn_on_older_ones_are_refused(box: Box) -> None:
    mark = box.get().headers["etag"]
    box.post(MASK, mark=mark)
    stale = box.post(mark=mark)
    assert stale.status_code == 412
    assert "changed meanwhile" in stale.text
    assert len(read_zones(box.zones).zones) == 1
    assert box.reloads == 1
    box.zones.write_text(EMPTY, encoding="utf-8")  # by hand
    assert box.post(MASK, mark=stale.headers.get("etag", "x")).status_code == 412
    url = f"{box.url}cameras/door/zones.json"
    json_type = {"Content-Type": "application/json"}
    assert httpx.post(url, content="{}", headers=BEARER | json_type).status_code == 428


def test_nobody_sees_or_changes_zones_without_signing_in(box: Box) -> None:
    url = f"{box.url}cameras/door/zones"
    mark = box.get().headers["etag"]
    own = {"Origin": box.url.rstrip("/"), "If-Match": mark, "Content-Type": "application/json"}
    page = httpx.get(url)
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert httpx.get(url + ".json").status_code == 401
    assert httpx.post(url + ".json", headers=own, content=EMPTY).status_code == 401
    with httpx.Client(base_url=box.url, headers=own) as browser:
        browser.post("/login", data={"token": TOKEN})
        assert browser.get("/cameras/door/zones").status_code == 200
        for origin in ("http://evil.example", "null"):
            answer = browser.post(
                "/cameras/door/zones.json", headers={"Origin": origin}, content=EMPTY
            )
            assert answer.status_code == 403
        form = browser.post(
            "/cameras/door/zones.json", headers={"Content-Type": "text/plain"}, content=EMPTY
        )
        assert form.status_code == 415
        assert box.reloads == 0
        assert browser.post("/cameras/door/zones.json", content=EMPTY).status_code == 200


def test_without_a_token_there_is_no_editor_even_on_this_machine(tmp_path: Path) -> None:
    box = Box(tmp_path)
    with serving(FedBoard(live("door")), zones=ZoneStore(box.config, box.reload)) as server:
        own = {
            "Origin": server.url.rstrip("/"),
            "If-Match": "x",
            "Content-Type": "application/json",
        }
        for path in ("zones", "zones.json"):
            answer = httpx.get(f"{server.url}cameras/door/{path}")
            assert answer.status_code == 403
            assert "web.token" in answer.text
        url = f"{server.url}cameras/door/zones.json"
        assert httpx.post(url, headers=own, content=EMPTY).status_code == 403
        assert httpx.get(f"{server.url}status.json").json()["may_edit_zones"] is False


def test_what_no_zones_file_may_hold_is_refused_in_words(box: Box) -> None:
    mark = box.get().headers["etag"]
    before = box.zones.read_bytes()
    for zone, told in (
        ({"mask": [[0, 0], [1, 1]]}, "zones[0].mask: a polygon needs three points"),
        ({"mask": [[0, 0], [2, 1], [1, 1]]}, "points are fractions"),
        ({"ignore": [[0, 0], [1, 0], [1, 1]]}, "the places to ignore take 100% of the frame"),
        ({"name": "x" * 81, "mask": MASK["mask"]}, "zones[0].name"),
    ):
        answer = box.post(zone, mark=mark)
        assert answer.status_code == 422
        assert told in answer.text
    assert box.send("[", mark).status_code == 422
    assert box.send(" " * (MOST_BYTES + 1), mark).status_code == 413
    assert box.zones.read_bytes() == before
    assert box.reloads == 0


def test_nothing_is_stored_that_could_not_come_into_force(box: Box) -> None:
    mark = box.get().headers["etag"]
    before = box.zones.read_bytes()
    box.config.write_text(SITE + "  side: {}\n", encoding="utf-8")
    answer = box.post(MASK, mark=mark)
    assert answer.status_code == 409
    assert "line 4: cameras.side.source: is required" in answer.text
    box.config.write_text(SITE, encoding="utf-8")
    box.zones.write_text("{", encoding="utf-8")
    assert box.get().status_code == 409
    assert "door.zones.json: line 1: is not JSON" in box.get().text
    assert box.post(MASK, mark=mark).status_code == 409
    assert box.zones.read_text(encoding="utf-8") == "{", "what a person wrote is not lost"
    box.zones.write_bytes(before)
    assert box.post(MASK, mark=mark).status_code == 200


def test_a_camera_without_a_zones_file_is_told_how_to_have_one(box: Box) -> None:
    answer = httpx.get(f"{box.url}cameras/yard/zones.json", headers=BEARER)
    assert answer.status_code == 409
    assert "zones: yard.zones.json" in answer.text
    assert box.post(MASK, mark="x", camera="yard").status_code == 409
    assert box.post(MASK, mark="x", camera="attic").status_code == 404


def test_a_link_to_a_zones_file_stays_a_link(box: Box) -> None:
    elsewhere = box.folder / "state"
    elsewhere.mkdir()
    box.zones.rename(elsewhere / "real.json")
    box.zones.symlink_to(elsewhere / "real.json")
    assert box.post(MASK, mark=box.get().headers["etag"]).status_code == 200
    assert box.zones.is_symlink()
    assert len(read_zones(elsewhere / "real.json").zones) == 1


def test_a_folder_that_cannot_be_written_is_told_and_the_zones_stay(box: Box) -> None:
    mark = box.get().headers["etag"]
    (box.folder / ".door.zones.json.part").mkdir()
    answer = box.post(MASK, mark=mark)
    assert answer.status_code == 409
    assert "door.zones.json: cannot be written: Is a directory" in answer.text
    assert box.get().headers["etag"] == mark
    assert box.reloads == 0
