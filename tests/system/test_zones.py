"""The zone editor in a real browser: over a real camera, by mouse and by keyboard alone."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from blurcam.serve.zone_store import ZoneStore
from blurcam.settings.web import Web
from blurcam.settings.zones_file import EMPTY
from tests.support.boards import TOKEN, FedBoard, live, serving, still
from tests.support.browser import (
    CONTRAST,
    NAMELESS,
    NEEDS_CHROMIUM,
    browser,
    expect,
    playwright,
    tab,
)
from tests.support.clips import ffmpeg
from tests.support.live_cameras import PATIENCE

pytestmark = NEEDS_CHROMIUM
__all__ = ["browser", "tab"]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Served:
    """A box whose camera shows grain without a face, and its zones file."""

    url: str
    folder: Path

    def zones(self) -> list[dict[str, Any]]:
        text = (self.folder / "door.zones.json").read_text(encoding="utf-8")
        return json.loads(text)["zones"]

    def grain(self, x: float, y: float) -> float | None:
        """Return how much grain the newest still has around a place; None without a still."""
        answer = httpx.get(f"{self.url}cameras/door/still.jpg", headers=BEARER, timeout=30)
        if answer.status_code != 200:
            return None
        luma = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert luma is not None
        column, row = round(x * luma.shape[1]), round(y * luma.shape[0])
        return float(luma[row - 12 : row + 12, column - 12 : column + 12].std())

    def await_grain(self, x: float, y: float, *, covered: bool) -> None:
        """Wait until a place is covered, or is shown."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.grain(x, y)
            if found is not None and (found < 4 if covered else found > 10):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.3)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("zones")
    grain = "color=gray:s=640x360:r=10:d=4,noise=alls=60:allf=t"
    ffmpeg("-f", "lavfi", "-i", grain, "-pix_fmt", "yuv420p", "-crf", "12", folder / "grain.mp4")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "door.zones.json").write_text(EMPTY, encoding="utf-8")
    config = folder / "cameras.yaml"
    config.write_text(
        f"web: {{port: {port}, token: {TOKEN}}}\n"
        "cameras:\n  door:\n"
        f"    source: {folder}/grain.mp4\n    loop: true\n    profile: near\n    effect: solid\n"
        f"    zones: door.zones.json\n    outputs: ['{folder}/%H-%M-%S.ts']\n",
        encoding="utf-8",
    )
    with (folder / "log").open("w") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "blurcam", "serve", "--config", str(config)], stderr=log
        )
        try:
            served = Served(f"http://127.0.0.1:{port}/", folder)
            deadline = time.monotonic() + PATIENCE
            while b"page: " not in (folder / "log").read_bytes():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield served
            service.send_signal(signal.SIGTERM)
            assert service.wait(timeout=PATIENCE) == 0
        finally:
            service.kill()
            service.wait()


def sign_in(tab: playwright.Page, url: str, path: str = "cameras/door/zones") -> None:
    tab.goto(url + path)
    expect(tab).to_have_url(re.compile("/login$"))
    tab.get_by_label("Token").fill(TOKEN)
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(url)
    tab.goto(url + path)
    expect(tab.get_by_role("button", name="Draw a mask")).to_be_enabled()


def tab_to(tab: playwright.Page, name: str) -> None:
    """Press Tab until the button of that name has the focus."""
    button = tab.get_by_role("button", name=name, exact=True)
    for _ in range(60):
        if button.evaluate("button => button === document.activeElement"):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab")


def click(tab: playwright.Page, *places: tuple[float, float]) -> None:
    frame = tab.locator("svg.drawing").bounding_box()
    for x, y in places:
        tab.mouse.click(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])


def test_a_mask_drawn_by_mouse_is_in_the_next_live_frame(tab: playwright.Page, box: Served) -> None:
    before = (box.folder / "cameras.yaml").read_bytes()
    box.await_grain(0.2, 0.3, covered=False)
    sign_in(tab, box.url)
    expect(tab.get_by_alt_text("Redacted live frame of door")).to_be_visible()
    tab.wait_for_function("document.querySelector('#still').naturalWidth === 640")
    tab.get_by_role("button", name="Draw a mask").click()
    click(tab, (0.1, 0.1), (0.3, 0.1), (0.3, 0.5), (0.1, 0.5), (0.1, 0.1))
    name = tab.get_by_role("textbox", name="Name")
    name.fill("Neighbour's window")
    name.press("Tab")
    expect(
        tab.get_by_role("button", name=re.compile("^Neighbour's window: polygon"))
    ).to_be_visible()
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#said")).to_contain_text("Saved.")
    (stored,) = box.zones()
    assert stored["name"] == "Neighbour's window"
    assert np.allclose(stored["mask"], [[0.1, 0.1], [0.3, 0.1], [0.3, 0.5], [0.1, 0.5]], atol=0.01)
    box.await_grain(0.2, 0.3, covered=True)
    assert (box.grain(0.6, 0.6) or 0) > 10
    assert (box.folder / "cameras.yaml").read_bytes() == before


def test_a_mask_drawn_by_keyboard_alone_is_in_the_next_live_frame(
    tab: playwright.Page, box: Served
) -> None:
    (box.folder / "door.zones.json").write_text(EMPTY, encoding="utf-8")
    sign_in(tab, box.url)
    expect(tab.locator("#empty")).to_be_visible()
    keys = tab.keyboard
    tab_to(tab, "Draw a mask")
    keys.press("Enter")
    # From the middle: 20 % to the right, 30 % down, 20 % to the left.
    for way, times in (("Right", 10), ("Down", 15), ("Left", 10)):
        keys.press("Space")
        for _ in range(times):
            keys.press(f"Shift+Arrow{way}")
    keys.press("Space")
    keys.press("Enter")
    keys.press("Shift+ArrowUp")
    tab_to(tab, "Delete Mask")
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    keys.type("Bench")
    keys.press("Control+s")
    expect(tab.locator("#said")).to_contain_text("Saved.")
    (stored,) = box.zones()
    assert stored["mask"] == [[0.5, 0.48], [0.7, 0.48], [0.7, 0.78], [0.5, 0.78]]
    assert stored["name"] == "Bench"
    box.await_grain(0.6, 0.6, covered=True)
    box.await_grain(0.2, 0.3, covered=False)


@dataclass
class Desk:
    """An editor over a board that is fed by hand."""

    url: str
    zones: Path
    config: Path

    def stored(self) -> list[str]:
        return [each["name"] for each in json.loads(self.zones.read_text("utf-8"))["zones"]]

    def store(self, *names: str) -> None:
        mask = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.5]]
        zones = [{"name": name, "mask": mask} for name in names]
        self.zones.write_text(json.dumps({"version": 1, "zones": zones}), encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    board = FedBoard(live("door"), live("yard"))
    board.stills["door"] = still()
    config = tmp_path / "cameras.yaml"
    config.write_text(
        "cameras:\n  door: {source: 'rtsp://cam/1', outputs: ['door/%H.ts'],"
        " zones: door.zones.json}\n  yard: {source: 'rtsp://cam/2', outputs: ['yard/%H.ts']}\n",
        encoding="utf-8",
    )
    store = ZoneStore(config, lambda: None)
    with serving(board, Web(port=0, token=TOKEN), zones=store) as server:
        made = Desk(server.url, tmp_path / "door.zones.json", config)
        made.store("Window")
        yield made


def rename(tab: playwright.Page, name: str) -> None:
    tab.get_by_role("textbox", name="Name").fill(name)
    tab.keyboard.press("Tab")


def test_a_second_tab_is_told_that_its_zones_are_stale(tab: playwright.Page, desk: Desk) -> None:
    sign_in(tab, desk.url)
    other = tab.context.new_page()
    other.goto(f"{desk.url}cameras/door/zones")
    rename(other, "Gate")
    rename(tab, "Fence")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#said")).to_contain_text("Saved.")
    other.get_by_role("button", name="Save", exact=True).click()
    conflict = other.get_by_role("alert")
    expect(conflict).to_contain_text("Not saved. The zones of door were changed meanwhile")
    assert desk.stored() == ["Fence"]
    conflict.get_by_role("button", name="Show the stored zones").click()
    expect(other.get_by_role("textbox", name="Name")).to_have_value("Fence")
    expect(conflict).to_be_hidden()
    rename(tab, "Wall")
    rename(other, "Hedge")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.locator("#said")).to_contain_text("Saved.")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_role("button", name="Save mine in their place").click()
    expect(tab.locator("#said")).to_contain_text("Saved.")
    assert desk.stored() == ["Wall"]
    other.close()


def test_what_was_not_saved_is_marked_and_can_be_undone(tab: playwright.Page, desk: Desk) -> None:
    sign_in(tab, desk.url)
    save = tab.get_by_role("button", name="Save")
    expect(save).to_have_attribute("aria-disabled", "true")
    tab.get_by_role("combobox", name="Kind").select_option("ignore")
    tab.get_by_role("button", name="Delete Window").click()
    expect(save).to_have_attribute("aria-disabled", "false")
    expect(tab).to_have_title("● Zones of door – blurcam")
    for _ in range(2):
        tab.get_by_role("button", name="Undo").click()
    expect(tab).to_have_title("Zones of door – blurcam")
    expect(tab.get_by_role("combobox", name="Kind")).to_have_value("mask")
    assert desk.stored() == ["Window"]


def test_the_editor_says_why_it_cannot_save(tab: playwright.Page, desk: Desk) -> None:
    sign_in(tab, desk.url)
    desk.config.write_text("cameras: {}\n", encoding="utf-8")
    rename(tab, "Gate")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#said")).to_contain_text("Not saved: ")
    expect(tab.locator("#said")).to_contain_text("line 1: cameras: needs 1 or more, not 0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_can_be_read_and_used_on_a_phone(
    tab: playwright.Page, desk: Desk, scheme: str
) -> None:
    desk.store("Window", "a-zone-with-a-name-without-any-space-that-is-far-too-long-for-a-phone")
    tab.emulate_media(color_scheme=scheme)
    sign_in(tab, desk.url)
    for width in (390, 1360):
        tab.set_viewport_size({"width": width, "height": 844})
        tab.goto(f"{desk.url}cameras/door/zones")
        expect(tab.get_by_role("textbox", name="Name")).to_have_count(2)
        tab.locator("summary").click()
        assert tab.evaluate(CONTRAST) == []
        assert tab.evaluate(NAMELESS) == []
        assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_only_who_is_signed_in_finds_the_editor(tab: playwright.Page, desk: Desk) -> None:
    sign_in(tab, desk.url)
    tab.goto(desk.url)
    door = tab.get_by_role("article", name="door")
    door.locator("summary").click()
    door.get_by_role("link", name="Zones of door").click()
    expect(tab).to_have_url(f"{desk.url}cameras/door/zones")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Zones of door")
    tab.context.clear_cookies()
    tab.get_by_role("button", name="Draw a mask").click()
    click(tab, (0.1, 0.1), (0.3, 0.1), (0.3, 0.5), (0.1, 0.1))
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#said")).to_contain_text("you are signed out")
    assert desk.stored() == ["Window"]
