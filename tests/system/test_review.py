"""A review in a real browser: findings accepted, faces covered, one person shown; all on record."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurcam.review.region_index import RegionIndex
from tests.support.batches import environment, rows
from tests.support.boards import TOKEN
from tests.support.browser import (
    CONTRAST,
    NAMELESS,
    NEEDS_CHROMIUM,
    browser,
    expect,
    playwright,
    tab,
)
from tests.support.clips import grey_frames
from tests.support.program import blurcam
from tests.support.reviews import ENTRANCE, FRAMES, HEIGHT, STEP, WIDTH, job, reviewing

__all__ = ["browser", "tab"]
pytestmark = NEEDS_CHROMIUM
APPLIED = "Applied: the output is drawn, verified and published."
# The walker's face on the first frame: left, top, right, bottom.
WALKER = (52, 72, 120, 152)


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job(tmp_path_factory.mktemp("job"))


@pytest.fixture
def out(redacted: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the job, at the place that its ledger names."""
    shutil.copytree(redacted, tmp_path / "kept")
    yield redacted
    shutil.rmtree(redacted)
    shutil.copytree(tmp_path / "kept", redacted)


def row(out: Path, name: str) -> dict[str, Any]:
    return next(each for each in rows(out) if each["output"] == name.encode())


def luma(path: Path) -> np.ndarray:
    return grey_frames(path, WIDTH, HEIGHT).astype(int)


def report(out: Path, name: str) -> dict[str, Any]:
    files = json.loads((out / "report.json").read_text(encoding="utf-8"))["files"]
    return next(each for each in files if each["output"] == name)


def enter(tab: playwright.Page, url: str, name: str) -> None:
    """Come in by the link, and open a recording."""
    tab.goto(f"{url}enter/{ENTRANCE}")
    tab.locator("#filter").select_option("all")
    tab.locator("#queue").get_by_role("button", name=name).click()
    expect(tab.locator("h1")).to_have_text(name)
    expect(tab.locator("#frame")).to_have_attribute("data-frame", "0")


def go(tab: playwright.Page, frame: int) -> None:
    """Go to a frame by the time line's keys."""
    line = tab.locator("#timeline")
    line.press("End" if frame else "Home")
    expect(tab.locator("#frame")).to_have_attribute("data-frame", str(frame))


def place(tab: playwright.Page, x: float, y: float) -> tuple[float, float]:
    """Return where a pixel of the frame is in the window."""
    found = tab.evaluate(
        """([x, y]) => {
          const svg = document.querySelector("svg.drawing");
          svg.scrollIntoView({ block: "center", behavior: "instant" });
          const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
          return [at.x, at.y];
        }""",
        [x, y],
    )
    return found[0], found[1]


def drag(tab: playwright.Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    tab.mouse.move(*place(tab, *start))
    tab.mouse.down()
    tab.mouse.move(*place(tab, *end), steps=4)
    tab.mouse.up()


def save_and_apply(tab: playwright.Page) -> None:
    tab.locator("#save").click()
    expect(tab.locator("#saved")).to_have_text("Saved")
    tab.locator("#apply").click()
    expect(tab.locator("#doing")).to_have_text(APPLIED, timeout=120_000)


def test_a_poster_is_accepted_and_the_recording_is_not_to_look_at_any_more(
    tab: playwright.Page, out: Path
) -> None:
    before = (out / "poster.mp4").read_bytes()
    with reviewing(out) as server:
        enter(tab, server.url, "poster.mp4")
        expect(tab.locator("#reasons")).to_contain_text("the verifier sees 1 thing")
        tab.keyboard.press("n")
        tab.get_by_label("Why it need not be covered").select_option("art")
        tab.get_by_label("Note").fill("the poster in the hall")
        tab.get_by_role("button", name="Accept").click()
        expect(tab.locator("#findings")).to_contain_text("accepted: art")
        save_and_apply(tab)
        expect(tab.locator("#verdict")).to_have_text("accepted")
    assert (out / "poster.mp4").read_bytes() == before
    assert row(out, "poster.mp4")["verdict"] == "accepted"
    (step,) = report(out, "poster.mp4")["review"]
    assert (step["by"], step["why"]) == ("Kim", "art: the poster in the hall")
    assert "the poster in the hall" in (out / "report.html").read_text(encoding="utf-8")
    status = json.loads(blurcam("batch", "status", out, "--json").stdout)
    assert [each["output"] for each in status["recordings"]] == ["walker.mp4"]
    checked = blurcam("report", "check", out, "--files")
    assert checked.returncode == 0, checked.stdout


def test_a_missed_face_is_covered_on_every_frame_between_two_keys(
    tab: playwright.Page, out: Path
) -> None:
    before = luma(out / "walker.mp4")
    with reviewing(out) as server:
        enter(tab, server.url, "walker.mp4")
        x0, y0, x1, y1 = WALKER
        tab.keyboard.press("e")
        drag(tab, (x0 - 16, y0 - 22), (x1 + 16, y1 + 22))
        expect(tab.locator("#shapes li")).to_have_count(1)
        go(tab, FRAMES - 1)
        centre = ((x0 + x1) / 2, (y0 + y1) / 2)
        far = STEP * (FRAMES - 1)
        drag(tab, centre, (centre[0] + far, centre[1]))
        expect(tab.locator("#shapes")).to_contain_text("on every frame; 2 keys")
        tab.keyboard.press("Control+z")
        expect(tab.locator("#shapes")).to_contain_text("1 key")
        tab.keyboard.press("Control+y")
        expect(tab.locator("#shapes")).to_contain_text("2 keys")
        save_and_apply(tab)
    after = luma(out / "walker.mp4")
    assert len(after) == len(before) == FRAMES
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        at = slice(y0 + 8, y1 - 8), slice(x0 + 8 + STEP * number, x1 - 8 + STEP * number)
        assert np.abs(old[at] - new[at]).mean() > 8, number
        assert new[at].std() < old[at].std() / 2, number
        assert np.abs(old[:, 400:] - new[:, 400:]).mean() < 1, number  # and nothing else changed
    assert row(out, "walker.mp4")["verdict"] == "pass"
    steps = report(out, "walker.mp4")["review"]
    assert [each["what"] for each in steps] == [
        "a shape is covered on every frame",
        "drawn again from these edits",
    ]
    assert steps[-1]["before"] != steps[-1]["after"] == row(out, "walker.mp4")["output_sha256"]


def test_one_person_is_shown_and_everybody_else_stays_covered(
    tab: playwright.Page, out: Path
) -> None:
    source = luma(out.parent / "in" / "pair.mp4")
    left, right = (slice(72, 152), slice(367, 435)), (slice(72, 152), slice(522, 590))
    with reviewing(out) as server:
        enter(tab, server.url, "pair.mp4")
        expect(tab.locator("#tracks li")).to_have_count(2)
        tab.locator("#tracks button").first.click()
        tab.get_by_role("button", name="Show this person…").click()
        tab.get_by_label("Why").fill("a copy for her")
        tab.get_by_label("Who decided this").fill("the data protection officer")
        tab.get_by_role("button", name="Go on").click()
        expect(tab.locator("#ask-title")).to_have_text("Are you sure?")
        tab.get_by_role("button", name="Show this person", exact=True).click()
        expect(tab.locator("#decisions")).to_contain_text("is shown: a copy for her")
        save_and_apply(tab)
        expect(tab.locator("#verdict")).to_have_text("accepted")  # what is seen is meant to be
    after = luma(out / "pair.mp4")
    shown = [np.abs(source[:, *at] - after[:, *at]).mean() for at in (left, right)]
    assert min(shown) < 6
    assert max(shown) > 12
    hidden = left if shown[0] > shown[1] else right
    for number, (old, new) in enumerate(zip(source, after, strict=True)):
        assert np.abs(old[hidden] - new[hidden]).mean() > 8, number
    steps = report(out, "pair.mp4")["review"]
    assert "decided by the data protection officer" in steps[0]["why"]
    assert " is shown" in steps[0]["what"]


def test_a_second_reviewer_is_told_and_overwrites_nothing(
    tab: playwright.Page, browser: playwright.BrowserContext, out: Path
) -> None:
    with reviewing(out) as server:
        enter(tab, server.url, "alone.mp4")
        other = browser.new_page()
        other.goto(server.url)
        other.locator("#filter").select_option("all")
        other.locator("#queue").get_by_role("button", name="alone.mp4").click()
        expect(other.locator("h1")).to_have_text("alone.mp4")
        expect(other.locator("#others")).to_have_text("Also under review by Kim.")
        tab.locator("#watched").click()
        tab.get_by_role("button", name="I watched it").click()
        tab.locator("#save").click()
        expect(tab.locator("#saved")).to_have_text("Saved")
        first = (out / "alone.mp4.edits.json").read_bytes()
        other.locator("#watched").click()
        other.get_by_role("button", name="I watched it").click()
        other.locator("#save").click()
        expect(other.locator("#saved")).to_contain_text("Kim saved edits of this recording")
        assert (out / "alone.mp4.edits.json").read_bytes() == first
        other.close(run_before_unload=False)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_fits_a_telephone(
    tab: playwright.Page, redacted: Path, scheme: str
) -> None:
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": 390, "height": 800})
    with reviewing(redacted) as server:
        enter(tab, server.url, "walker.mp4")
        tab.keyboard.press("n")
        assert tab.evaluate(CONTRAST) == []
        assert tab.evaluate(NAMELESS) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_all_of_it_works_by_keyboard_alone(tab: playwright.Page, out: Path) -> None:
    with reviewing(out) as server:
        tab.goto(f"{server.url}login")
        tab.keyboard.type(TOKEN)
        tab.keyboard.press("Enter")
        expect(tab.locator("#queue li")).to_have_count(2)
        expect(tab.locator("h1")).not_to_have_text("Choose a recording")
        if tab.locator("h1").text_content() != "walker.mp4":
            tab.keyboard.press("j")
        expect(tab.locator("h1")).to_have_text("walker.mp4")
        expect(tab.locator("#frame")).to_have_attribute("data-frame", "0")
        tab.keyboard.press("n")
        expect(tab.locator("#findings [aria-current=true]")).to_have_count(1)
        tab.keyboard.press("c")
        expect(tab.locator("#shapes")).to_contain_text("1 key")
        for frame in (1, 2):
            tab.keyboard.press(".")
            expect(tab.locator("#frame")).to_have_attribute("data-frame", str(frame))
        tab.locator("svg.drawing [data-id]").focus()
        tab.keyboard.press("Shift+ArrowRight")
        expect(tab.locator("#shapes")).to_contain_text("2 keys")
        tab.keyboard.press("Control+s")
        expect(tab.locator("#saved")).to_have_text("Saved")
    edits = json.loads((out / "walker.mp4.edits.json").read_text(encoding="utf-8"))
    assert [key["frame"] for key in edits["edits"][0]["keys"]] == [0, 2]
    assert edits["reviewer"] == "Kim"


def test_the_link_works_once_and_without_a_session_nothing_is_shown(
    tab: playwright.Page, redacted: Path
) -> None:
    with reviewing(redacted) as server:
        asked = tab.request.get(f"{server.url}queue.json")
        assert asked.status == 401
        tab.goto(f"{server.url}enter/{ENTRANCE}")
        expect(tab.locator("#queue-hint")).to_contain_text("of 5")
        tab.context.clear_cookies()
        again = tab.request.get(f"{server.url}enter/{ENTRANCE}")
        assert again.status == 403
        assert tab.request.get(f"{server.url}recordings/1/frames/0.jpg").status == 401


@pytest.mark.slow
def test_the_command_line_takes_the_same_edits(out: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(out / ".blurcam" / "ledger.sqlite3")) as db:
        number, digest = db.execute(
            "SELECT id, output_sha256 FROM files WHERE output = ?", (b"walker.mp4",)
        ).fetchone()
    regions = out / ".blurcam" / "regions" / f"{number}-{digest}.regions.jsonl.gz"
    edits = {
        "input_sha256": "0" * 64,
        "regions_sha256": "1" * 64,
        "edits": [{"op": "draw", "keys": [{"frame": 0, "box": [0, 0, 300, 240]}]}],
    }
    path = tmp_path / "edits.json"
    path.write_text(json.dumps(edits), encoding="utf-8")
    given = out.parent / "in" / "walker.mp4"
    drawn = tmp_path / "drawn.mp4"
    refused = blurcam("render", given, drawn, "--regions", regions, "--edits", path)
    assert refused.returncode == 2
    assert "the edits were made for other regions" in refused.stderr
    with closing(RegionIndex(regions)) as index:
        edits["regions_sha256"] = index.sha256
    path.write_text(json.dumps(edits), encoding="utf-8")
    done = blurcam("render", given, drawn, "--regions", regions, "--edits", path)
    assert done.returncode == 0, done.stderr
    change = np.abs(luma(drawn) - luma(out / "walker.mp4")).mean(axis=0)
    assert change[72:152, 60:110].mean() > 8
    assert change[:, 400:].mean() < 1


@pytest.mark.slow
def test_an_output_of_no_job_is_reviewed_with_its_recording_and_regions(
    tab: playwright.Page, redacted: Path, tmp_path: Path
) -> None:
    given, out = redacted.parent / "in" / "alone.mp4", tmp_path / "out.mp4"
    regions = tmp_path / "out.mp4.regions.jsonl"
    done = blurcam("run", given, out, "--regions", regions, "--profile", "near")
    assert done.returncode == 0, done.stderr
    before = out.read_bytes()
    command = [sys.executable, "-m", "blurcam", "review", str(out), "--input", str(given)]
    with subprocess.Popen(
        [*command, "--no-browser", "--reviewer", "Kim"],
        stderr=subprocess.PIPE, text=True, env=environment(),
    ) as review:  # fmt: skip
        assert review.stderr is not None
        link = re.search(r"http://\S+", review.stderr.readline())
        assert link is not None
        tab.goto(link[0])
        expect(tab.locator("h1")).to_have_text("out.mp4")
        expect(tab.locator("#verdict")).to_have_text("not verified")
        tab.keyboard.press("e")
        drag(tab, (20, 20), (120, 120))
        expect(tab.locator("#shapes li")).to_have_count(1)
        save_and_apply(tab)
        review.send_signal(signal.SIGINT)
        assert review.wait(timeout=60) == 0
    assert out.read_bytes() != before
    record = json.loads((tmp_path / "out.mp4.review.json").read_text(encoding="utf-8"))
    assert [each["by"] for each in record["steps"]] == ["Kim", "Kim"]
    assert record["digest"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert {each.name for each in tmp_path.iterdir()} == {
        "out.mp4", "out.mp4.regions.jsonl", "out.mp4.edits.json", "out.mp4.review.json",
    }  # fmt: skip
