"""The report's pictures of what was found, its links, and how it is read and printed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from blurcam.assess.inspect_output import WantedPicture, thumbnails
from blurcam.assess.verification import SeenFace
from blurcam.batch.coverage_by_second import CoverageBySecond, CoveredSecond
from blurcam.batch.report.page import page
from blurcam.batch.report_pictures import pictures_of
from blurcam.batch.review_reasons import Moment, ReviewReason, as_values
from blurcam.track.doubts import DoubtfulPlace
from tests.support.browser import CONTRAST, NAMELESS, NEEDS_CHROMIUM, browser, playwright, tab
from tests.support.clips import ffmpeg
from tests.unit.batch.test_task_json import SUMMARY, VERIFICATION

__all__ = ["browser", "tab"]
HEADER = {
    "out": "/out", "made_at": "now", "version": "0", "is_cosmetic": False, "settings": {},
    "hours": 0.0, "frames": 0,
    "counts": {"files": 1, "done": 1, "review": 0, "failed": 0, "left": 0},
}  # fmt: skip


def grey_clip(path: Path) -> Path:
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=640x360:r=10:d=8", "-pix_fmt", "yuv420p", path)
    return path


def has_mark(jpeg: bytes) -> list[bool]:
    """Return for the left upper and the right lower quarter whether something yellow is there."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    blue, green, red = (picture[..., n].astype(int) for n in range(3))
    yellow = (red > 180) & (green > 140) & (blue < 110)
    rows, columns = yellow.shape
    quarters = yellow[: rows // 2, : columns // 2], yellow[rows // 2 :, columns // 2 :]
    return [bool(quarter.any()) for quarter in quarters]


def test_the_pictures_of_findings_are_frames_of_the_output_with_the_place_marked(
    tmp_path: Path,
) -> None:
    output = grey_clip(tmp_path / "a.mp4")
    seen = (SeenFace(6.0, 400, 220, 440, 270, 0.7), SeenFace(1.5, 40, 40, 80, 90, 0.5))
    verification = replace(VERIFICATION, seen=seen, seen_count=2)
    doubt = DoubtfulPlace("gap", 3, 2.5, 4.0, 25, 40, 100, 60, 130, 90)
    summary = replace(SUMMARY, output=str(output), doubtful=(doubt,), doubtful_count=1)
    timeline = CoverageBySecond({n: CoveredSecond(10, 1, 0) for n in range(8)})
    made = list(pictures_of(output, summary, timeline, verification))
    assert [(each.time, each.why) for each in made] == [
        (0.0, "most faces"),
        (3.0, "the middle"),
        (6.0, "looks like a face, 400,220 to 440,270"),
        (1.5, "looks like a face, 40,40 to 80,90"),
        (2.5, "gap, track 3, 100,60 to 130,90"),
    ]
    marks = [has_mark(each.jpeg) for each in made]
    assert marks == [[False, False]] * 2 + [[False, True], [True, False], [True, False]]


def test_a_picture_shows_the_frame_of_its_time_however_far_the_key_frames_are(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rising.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=black:s=64x64:r=10:d=20,geq=lum='20+N':cb=128:cr=128",
           "-g", 120, "-bf", 2, "-crf", 8, "-pix_fmt", "yuv420p", path)  # fmt: skip
    times = (0.0, 0.3, 0.3, 7.0, 7.2, 15.0, 19.9, 60.0)
    wanted = [WantedPicture(time, (n, 0, n + 1, 1)) for n, time in enumerate(times)]
    shown = {}
    for each, jpeg in thumbnails(path, reversed(wanted)):
        grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        shown[each] = float(grey[300:, 300:].mean())
    for each in wanted:
        number = min(round(each.time * 10), 199)
        assert shown[each] == pytest.approx((20 + number - 16) * 255 / 219, abs=3)


def finding_page(output: str = "b c#.mp4") -> str:
    """Return the page of a recording with a finding, of which there is a picture."""
    moment = Moment(2.5, box=(10, 20, 30, 50), confidence=0.71)
    reason = ReviewReason("the verifier sees 1 thing that looks like a face", (moment,))
    entry = {
        "output": output, "source": "/in/b.mp4", "state": "done", "verdict": "review",
        "reasons": as_values([reason]), "doubts_count": 0, "frames": 250, "duration_s": 10.0,
        "tracks": 2, "covered_whole": 0, "lost": 0, "hashes": [],
    }  # fmt: skip
    jpeg = b"\xff\xd8 a picture"
    pictures = {output: [(0.0, "most faces", jpeg), (2.5, moment.title, jpeg)]}
    return page({"header": HEADER, "files": [entry], "head": "0"}, pictures)


def test_moments_lead_to_the_recording_and_to_their_pictures() -> None:
    text = finding_page()
    assert '<a href="./b%20c%23.mp4#t=2.500">0:00:02.5</a>' in text
    assert '<a href="#shot-1-2">10,20 to 30,50</a>' in text
    assert '<figure id="shot-1-2" class="found">' in text
    assert "0:00:02.5, looks like a face, 10,20 to 30,50; the place is marked" in text
    assert '<figure id="shot-1-1"><img' in text


@NEEDS_CHROMIUM
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_and_printed(
    tab: playwright.Page, tmp_path: Path, scheme: str
) -> None:
    path = tmp_path / "report.html"
    path.write_text(finding_page(), encoding="utf-8")
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(path.as_uri())
    assert tab.evaluate(CONTRAST) == []
    assert tab.evaluate(NAMELESS) == []
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.querySelector(':target').id") == "shot-1-2"
    tab.emulate_media(color_scheme=scheme, media="print")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)", "paper is white, whatever the screen is"
    assert tab.evaluate(CONTRAST) == []
    assert len(re.findall(rb"/Type\s*/Page\b", tab.pdf())) == 1
