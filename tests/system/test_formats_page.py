"""The page on formats says what is so: every cell of it is tried out again."""

from __future__ import annotations

from tools import formats


def test_the_page_on_formats_is_as_it_was_measured() -> None:
    text = formats.PAGE.read_text(encoding="utf-8")
    assert text.split(formats.MARK)[1].strip() == formats.tables().strip(), "run: make formats"
