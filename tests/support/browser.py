"""A real browser for tests of pages, and what is true of every page."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here; install it: apt-get install -y chromium"
)
SLOW = 30_000  # milliseconds, for a loaded machine
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip
# Every text that stands out less than 4.5 to 1 from what is behind it (WCAG 2, AA).
CONTRAST = """() => {
  const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const [r, g, b, a = 1] = read(getComputedStyle(each).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest(".said, noscript")) continue;
    const two = [read(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.textContent.trim()}`);
  }
  return poor;
}"""
NAMELESS = """() => [...document.querySelectorAll('button, a, img, svg[role=img], input')]
  .filter((e) => !e.textContent.trim() && !e.ariaLabel && !e.labels?.length)
  .filter((e) => e.getAttribute('alt') === null)
  .map((e) => e.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.BrowserContext]:
    with (
        playwright.sync_playwright() as driver,
        tempfile.TemporaryDirectory() as profile,
    ):
        context = driver.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, headless=True, locale="en-GB"
        )
        context.set_default_timeout(SLOW)
        yield context
        context.close()


@pytest.fixture
def tab(browser: playwright.BrowserContext) -> Iterator[playwright.Page]:
    """A tab of its own, which must not complain: no script error, no breach of the policy."""
    expect.set_options(timeout=SLOW)
    browser.clear_cookies()
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    # The console repeats each refusal: a still that is not there yet, a save that is stale.
    assert [
        each
        for each in complaints
        if not re.search("status of (401|409|412|503)|REFUSED|RESET|EMPTY_RESPONSE", each)
    ] == []
