"""The page in a real browser: what it shows, to whom, and for whom."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

from blurcam.runtime.status import OutputStatus, Storage
from blurcam.settings.web import Web
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

pytestmark = NEEDS_CHROMIUM
__all__ = ["browser", "tab"]


@pytest.fixture
def board() -> FedBoard:
    storage = Storage(kept=412_000_000_000, free=88_000_000_000, oldest=time.time() - 86400)
    outputs = (
        OutputStatus(name="rtsp://box:8554/door", up=True, bytes=81_000_000),
        OutputStatus(name="/media/door", up=True, bytes=80_000_000, storage=storage),
    )
    made = FedBoard(
        live("front door", faces=3, frames_in=1000, redacted=990, covered_whole={"starting": 10},
             latency_p50=0.48, latency_p99=0.53, smallest_face=14, plan_for=16,
             reconnects={"stall": 2}, outputs=outputs, stages={"search": 0.04}),
        live("yard"),
    )  # fmt: skip
    made.stills["front door"] = still()
    return made


def test_every_camera_is_shown_with_its_picture_state_and_figures(
    tab: playwright.Page, board: FedBoard
) -> None:
    with serving(board) as server:
        tab.goto(server.url)
        expect(tab.get_by_role("heading", level=1)).to_have_text(
            "Every camera is being redacted now"
        )
        door = tab.get_by_role("article", name="front door")
        expect(door.locator(".state")).to_have_text("Live")
        expect(door.locator(".figures")).to_contain_text("14 px")
        expect(door.get_by_alt_text("Redacted live frame of front door")).to_be_visible()
        tab.wait_for_function("document.querySelector('.live').naturalWidth === 320")
        yard = tab.get_by_role("article", name="yard")
        expect(yard.get_by_text("No redacted frame yet")).to_be_visible()
        door.locator("summary").click()
        for text in ("412 GB kept", "88 GB free", "stall", "Fully covered: starting"):
            expect(door).to_contain_text(text)
        expect(door.get_by_text("Restarting a camera needs the token")).to_be_visible()
        expect(
            door.get_by_role("img", name=re.compile("Latency.*now 0.48 s.*now 0.53 s"))
        ).to_be_visible()


def test_a_lost_camera_is_told_in_words_and_its_picture_marked_as_old(
    tab: playwright.Page, board: FedBoard
) -> None:
    with serving(board) as server:
        tab.goto(server.url)
        door = tab.get_by_role("article", name="front door")
        expect(door.locator(".live")).to_be_visible()
        board.change("front door", state="lost", since=time.time(), last_error="no packet for 5 s")
        expect(tab.get_by_role("heading", level=1)).to_have_text(
            "1 of 2 cameras are being redacted now"
        )
        expect(door.locator(".state")).to_have_text("Lost")
        expect(door.get_by_text("not a frame of now")).to_be_visible()
        expect(tab.locator("#log-list")).to_contain_text("now lost: no packet for 5 s")
        link = tab.locator("#verdict-findings").get_by_role("link", name="front door")
        link.focus()
        said = tab.locator("#verdict-findings li").first.text_content()
        expect(tab.locator("#verdict-findings li").first).not_to_have_text(said or "")
        expect(link).to_be_focused()  # though the seconds in its line are counted on
        link.click()
        expect(tab.locator("#camera-front\\ door")).to_be_focused()
        board.change("front door", state="live", since=time.time())
        expect(door.locator(".state")).to_have_text("Live")


def test_two_troubles_at_once_are_both_shown_and_neither_sounds_green(
    tab: playwright.Page, board: FedBoard
) -> None:
    recorded = OutputStatus(name="/media/%H.mp4", up=False, error="/media: the disk is full")
    published = OutputStatus(name="rtsp://hub/door", up=False, error="rtsp://hub/door: refused")
    board.change("front door", overload="frames", outputs=(published, recorded))
    with serving(board) as server:
        tab.goto(server.url)
        expect(tab.locator("#verdict")).to_have_attribute("data-tone", "bad")
        expect(tab.locator("h1")).to_have_text(
            "1 camera is not being recorded. 1 camera is not being published"
        )
        expect(tab.locator("#verdict-second")).to_have_text("Every camera is being redacted now")
        expect(tab.locator("#verdict-findings li")).to_have_count(3)
        expect(tab.locator("#verdict-findings li").first).to_contain_text("the disk is full")
        door = tab.get_by_role("article", name="front door")
        expect(door.locator(".state")).to_have_text("Not recorded")
        expect(door.locator(".why")).to_have_text("/media: the disk is full")
        expect(door.locator(".findings li")).to_have_text(
            [
                "Not published rtsp://hub/door: refused",
                re.compile("^Live, frames are left out Overloaded."),
            ]
        )
        expect(door.locator(".veil")).to_be_hidden()
        expect(tab.locator(".camera").first).to_have_attribute("data-fresh", "")


def test_the_figures_of_a_card_are_the_last_ones_of_its_plots(
    tab: playwright.Page, board: FedBoard
) -> None:
    with serving(board) as server:
        tab.goto(server.url)
        door = tab.get_by_role("article", name="front door")
        expect(door.locator(".figures dd").nth(1)).not_to_have_text("–")
        shown = door.evaluate("""card => ({
            figures: [...card.querySelectorAll(".figures dd")].map((each) => each.textContent),
            plots: [...card.querySelectorAll(".plot h3 > :last-child")].map((e) => e.textContent),
        })""")
        frames, latency, faces = shown["plots"]
        assert shown["figures"][:3] == [faces, frames, latency]


def test_a_box_that_does_not_answer_is_never_taken_for_a_live_one(
    tab: playwright.Page, board: FedBoard
) -> None:
    with serving(board) as server:
        tab.goto(server.url)
        expect(tab.locator(".state").first).to_have_text("Live")
    expect(tab.get_by_role("heading", level=1)).to_have_text("The machine does not answer")
    expect(tab.locator(".state").first).to_have_text("Not known")
    expect(tab.locator("#verdict")).to_have_attribute("data-tone", "bad")


def test_without_a_camera_it_says_how_to_add_one(tab: playwright.Page) -> None:
    with serving(FedBoard()) as server:
        tab.goto(server.url)
        expect(tab.get_by_role("heading", name="There is no camera yet", level=1)).to_be_visible()
        expect(tab.get_by_text("blurcam config check")).to_be_visible()


def test_signed_in_a_camera_is_restarted_by_keyboard_alone(
    tab: playwright.Page, board: FedBoard
) -> None:
    with serving(board, Web(port=0, token=TOKEN)) as server:
        tab.goto(server.url)
        expect(tab).to_have_url(re.compile("/login$"))
        expect(tab.get_by_label("Token")).to_be_focused()
        tab.keyboard.type("not-the-token-at-all")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("alert")).to_contain_text("That is not the token.")
        expect(tab.get_by_label("Token")).to_be_focused()
        tab.keyboard.type(TOKEN)
        tab.keyboard.press("Enter")
        expect(tab.locator(".state").first).to_have_text("Live")
        tab.keyboard.press("Tab")
        expect(tab.get_by_role("link", name="Skip to the cameras")).to_be_focused()
        tab.keyboard.press("Enter")
        summary = tab.locator("summary").first
        for _ in range(12):
            tab.keyboard.press("Tab")
            if summary.evaluate("each => each === document.activeElement"):
                break
        expect(summary).to_be_focused()
        tab.keyboard.press("Enter")
        button = tab.get_by_role("button", name="Restart front door")
        expect(button).to_be_visible()
        tab.keyboard.press("Tab")
        expect(button).to_be_focused()
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("dialog", name="Restart front door?")).to_be_visible()
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("dialog")).to_be_hidden()
        assert board.restarted == []
        expect(button).to_be_focused()
        tab.keyboard.press("Enter")
        tab.get_by_role("dialog").get_by_role("button", name="Restart").press("Enter")
        expect(tab.locator("#toast")).to_have_text("front door is being restarted.")
        assert board.restarted == ["front door"]
        tab.get_by_role("button", name="Sign out").click()
        expect(tab).to_have_url(re.compile("/login$"))
        tab.goto(server.url + "status.json")
        expect(tab.locator("body")).to_contain_text("The token is missing or wrong.")


def test_figures_that_change_under_a_dialog_leave_the_focus_to_its_button(
    tab: playwright.Page, board: FedBoard
) -> None:
    """A camera counts on all the time: seen to fail where its buttons are made anew with that."""
    with serving(board, Web(port=0, token=TOKEN)) as server:
        tab.goto(server.url)
        tab.get_by_label("Token").fill(TOKEN)
        tab.keyboard.press("Enter")
        tab.locator("summary").first.click()
        button = tab.get_by_role("button", name="Restart front door")
        button.focus()
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("dialog")).to_be_visible()
        board.put(live("front door", frames_in=123_456, redacted=123_456))
        expect(tab.locator(".more").first).to_contain_text("123,456")
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("dialog")).to_be_hidden()
        expect(button).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_and_nothing_overflows_on_a_phone(
    tab: playwright.Page, board: FedBoard, scheme: str
) -> None:
    board.put(live("a-camera-with-a-name-without-any-space-that-is-far-too-long-for-a-phone"))
    for number, state in enumerate(("lost", "refused", "starting", "stopped", "backoff")):
        board.put(live(f"c{number}", state=state, last_error="x" * 90))
    down = OutputStatus(name="/media/door", up=False, error="No space left on device")
    board.put(live("cellar", outputs=(down,)))
    tab.emulate_media(color_scheme=scheme)
    with serving(board) as server:
        for width in (390, 1360):
            tab.set_viewport_size({"width": width, "height": 844})
            tab.goto(server.url)
            expect(tab.locator("article")).to_have_count(9)
            expect(tab.locator("h1")).to_contain_text("of 8 cameras are being redacted")
            for summary in tab.locator("summary").all():
                summary.click()
            expect(tab.get_by_text("No space left on device").last).to_be_visible()
            assert tab.evaluate(CONTRAST) == []
            assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_a_screen_reader_finds_landmarks_names_and_one_quiet_live_region(
    tab: playwright.Page, board: FedBoard
) -> None:
    with serving(board) as server:
        tab.goto(server.url)
        expect(tab.locator("article")).to_have_count(2)
        for role in ("banner", "navigation", "main", "contentinfo"):
            expect(tab.get_by_role(role)).to_have_count(1)
        levels = tab.locator("h1, h2, h3").evaluate_all("all => all.map((e) => +e.tagName[1])")
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert tab.evaluate(NAMELESS) == []
        regions = tab.locator("[aria-live], [role=status], [role=alert], output")
        assert regions.evaluate_all("all => all.map((e) => e.id)") == ["verdict-said", "toast"]
        assert tab.locator("html").get_attribute("lang") == "en"


def test_the_browser_asks_nobody_else_for_anything(tab: playwright.Page, board: FedBoard) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    with serving(board) as server:
        tab.goto(server.url)
        expect(tab.locator(".live").first).to_be_visible()
        assert all(each.startswith((server.url, f"blob:{server.url}")) for each in asked)
        assert any(Path(each).name == "still.jpg" for each in asked)
